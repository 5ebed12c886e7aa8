//! The counters that pages and alerts read instead of counting events. The digest folds a batch in memory and adds the sums here.
//!
//! Everything that belongs to an issue is written while its row in `issues` is locked by the same transaction
//! (`store::issue_state::lock`), so that two nodes never write the same rows at once. What belongs to a project only is written in the
//! order of its key.

use time::{Duration, OffsetDateTime};

pub mod environments;
pub mod hours;
pub mod minutes;
pub mod people;
pub mod projects;
pub mod quarters;
pub mod releases;
pub mod tags;

/// The name under which environments and releases are counted together that are more than a project can have: something unique, like a
/// request id, got into the field. Not counted against the limit.
pub const OTHER: &str = "(other)";

/// The start of the minute in which `at` lies, UTC.
pub fn minute(at: OffsetDateTime) -> OffsetDateTime {
    floor(at, Duration::MINUTE)
}

/// The start of the quarter of an hour in which `at` lies, UTC.
pub fn quarter(at: OffsetDateTime) -> OffsetDateTime {
    floor(at, Duration::minutes(15))
}

/// The start of the hour in which `at` lies, UTC.
pub fn hour(at: OffsetDateTime) -> OffsetDateTime {
    floor(at, Duration::HOUR)
}

fn floor(at: OffsetDateTime, step: Duration) -> OffsetDateTime {
    let seconds = at.unix_timestamp();
    OffsetDateTime::from_unix_timestamp(seconds - seconds.rem_euclid(step.whole_seconds())).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn moments_belong_to_the_bucket_that_began_last() {
        let at = datetime!(2026-11-20 10:59:59.999999 UTC);
        assert_eq!(minute(at), datetime!(2026-11-20 10:59 UTC));
        assert_eq!(quarter(at), datetime!(2026-11-20 10:45 UTC));
        assert_eq!(hour(at), datetime!(2026-11-20 10:00 UTC));
        assert_eq!(hour(datetime!(1969-12-31 23:30 UTC)), datetime!(1969-12-31 23:00 UTC));
        assert_eq!(hour(datetime!(2026-11-20 10:59 +05:30)), datetime!(2026-11-20 05:00 UTC));
    }
}
