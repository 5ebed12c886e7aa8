//! What an SDK says it threw away itself: counted, so that "why is it not here" has an answer.

use super::reading::Reading;
use crate::domain::outcome::Outcome;
use crate::protocol::category::Category;
use crate::protocol::client_report;

/// Reads a report. One that cannot be read is counted and forgotten: there is nothing in it to keep.
pub fn read(payload: &[u8], reading: &mut Reading) {
    let Ok(discards) = client_report::read(payload) else {
        return reading.tally(Category::Internal, Outcome::Invalid("unreadable"), 1);
    };
    reading.tally(Category::Internal, Outcome::Stored, 1);
    for discard in discards {
        let count = i64::try_from(discard.quantity).unwrap_or(i64::MAX);
        reading.tally(discard.category, Outcome::ClientDiscard(discard.reason), count);
    }
}
