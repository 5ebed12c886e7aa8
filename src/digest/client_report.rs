//! What an SDK says it threw away itself: counted, so that "why is it not here" has an answer.

use super::reading::Reading;
use crate::domain::outcome::Outcome;
use crate::pipeline::scrub::{self, Rules};
use crate::protocol::category::Category;
use crate::protocol::client_report;

/// Reads a report. One that cannot be read is counted and forgotten: there is nothing in it to keep. A reason is whatever the client says.
pub fn read(payload: &[u8], rules: &Rules, reading: &mut Reading) {
    let Ok(discards) = client_report::read(payload) else {
        return reading.tally(Category::Internal, Outcome::Invalid("unreadable"), 1);
    };
    reading.tally(Category::Internal, Outcome::Stored, 1);
    for discard in discards {
        let count = i64::try_from(discard.quantity).unwrap_or(i64::MAX);
        let reason = scrub::line(&discard.reason, rules).into_owned();
        reading.tally(discard.category, Outcome::ClientDiscard(reason), count);
    }
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;
    use crate::domain::ids::ProjectId;
    use crate::spool::{Place, Position};

    #[test]
    fn a_reason_is_kept_without_what_is_secret_in_it() {
        let nowhere = Position { segment: 0, offset: 0 };
        let mut reading = Reading::new(Place { start: nowhere, end: nowhere }, ProjectId(1), OffsetDateTime::UNIX_EPOCH);
        let said = |reason: &str| format!(r#"{{"discarded_events":[{{"reason":"{reason}","category":"error","quantity":2}}]}}"#);
        read(said("queue_overflow").as_bytes(), &Rules::DEFAULT, &mut reading);
        read(said("ghp_16C7e42F292c6912E7710c838347Ae178B4a").as_bytes(), &Rules::DEFAULT, &mut reading);
        let reasons: Vec<_> = reading
            .tallies
            .iter()
            .filter_map(|tally| if let Outcome::ClientDiscard(reason) = &tally.outcome { Some(reason.as_str()) } else { None })
            .collect();
        assert_eq!(reasons[0], "queue_overflow");
        assert!(reasons.len() == 2 && !reasons[1].contains("16C7e42F292c"), "{reasons:?}");
    }
}
