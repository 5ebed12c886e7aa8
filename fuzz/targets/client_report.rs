//! What an SDK says it threw away.

use bugle::protocol::client_report::{self as protocol, ENTRIES_MAX, QUANTITY_MAX, REASON_LEN_MAX};

/// Reads a report.
pub fn client_report(data: &[u8]) {
    let Ok(discards) = protocol::read(data) else { return };
    assert!(discards.len() <= ENTRIES_MAX);
    for discard in discards {
        assert!((1..=QUANTITY_MAX).contains(&discard.quantity));
        assert!((1..=REASON_LEN_MAX).contains(&discard.reason.chars().count()));
    }
}
