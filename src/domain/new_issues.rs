//! How many issues a project may make: so many a minute, and what was not used for a while is saved up.
//!
//! A release that breaks a hundred things at once makes a hundred issues; a log line that is different every time, in a way no rule
//! knows, must not fill the list and the database with rows of one event each.

use time::OffsetDateTime;

/// Minutes whose unused share is saved up: a quiet project may make twenty minutes' worth at once.
pub const SAVED_MINUTES: f64 = 20.0;

/// A bucket that leaks: every new issue raises it, time lowers it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    /// New issues that were not leaked yet.
    pub level: f64,
    /// Arrival of the event it was reckoned at.
    pub at: OffsetDateTime,
}

impl Bucket {
    /// Counts one more new issue at `at`, where there is room. `per_minute`: the limit; `None`: no limit.
    pub fn takes(&mut self, at: OffsetDateTime, per_minute: Option<u32>) -> bool {
        let Some(per_minute) = per_minute.map(f64::from) else { return true };
        let minutes = (at - self.at).as_seconds_f64() / 60.0;
        if minutes > 0.0 {
            self.level = (self.level - minutes * per_minute).max(0.0);
            self.at = at;
        }
        let has_room = self.level + 1.0 <= per_minute * SAVED_MINUTES;
        if has_room {
            self.level += 1.0;
        }
        has_room
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;
    use time::macros::datetime;

    use super::*;

    #[test]
    fn what_was_saved_up_may_be_spent_at_once_and_then_the_rate_holds() {
        let start = datetime!(2026-11-20 12:00 UTC);
        let mut bucket = Bucket { level: 0.0, at: start };
        let taken = |bucket: &mut Bucket, at| (0..100).filter(|_| bucket.takes(at, Some(3))).count();
        assert_eq!(taken(&mut bucket, start), 60);
        assert_eq!(taken(&mut bucket, start + Duration::MINUTE), 3);
        assert_eq!(taken(&mut bucket, start), 0, "what arrived earlier gives nothing back");
        assert_eq!(taken(&mut bucket, start + Duration::DAY), 60);
        assert!((0..10_000).all(|_| bucket.takes(start, None)));
    }
}
