//! The only place that asks the system for the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use time::{Duration, OffsetDateTime};

/// Where "now" comes from. Handed to everything whose outcome depends on time, so that a test can run a week in a second.
#[derive(Clone, Debug, Default)]
pub struct Clock(Source);

#[derive(Clone, Debug, Default)]
enum Source {
    #[default]
    System,
    /// Nanoseconds since the Unix epoch, moved by hand.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The system's clock, in UTC.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still at `start` until it is moved. Clones move together.
    pub fn manual(start: OffsetDateTime) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(nanos(start)))))
    }

    /// The present moment in UTC, cut to the microsecond, which is what Postgres keeps.
    #[expect(clippy::disallowed_methods, reason = "this is the place the rule points to")]
    pub fn now(&self) -> OffsetDateTime {
        let now = match &self.0 {
            Source::System => OffsetDateTime::now_utc(),
            Source::Manual(nanos) => from_nanos(nanos.load(Ordering::SeqCst)),
        };
        now.replace_nanosecond(now.microsecond() * 1_000).expect("a microsecond count is a valid nanosecond count")
    }

    /// Moves a manual clock forward; does nothing to the system's.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(nanos) = &self.0 {
            let step = i64::try_from(by.whole_nanoseconds()).expect("tests move the clock by less than 292 years");
            nanos.fetch_add(step, Ordering::SeqCst);
        }
    }
}

fn nanos(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos()).expect("manual clocks start before the year 2262")
}

fn from_nanos(nanos: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(nanos)).expect("64 bits of nanoseconds are always a valid time")
}
