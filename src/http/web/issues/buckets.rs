//! From counts per hour to the fixed buckets of the charts. Buckets are aligned to the clock, so that two issues can be compared.

use time::macros::format_description;
use time::{Duration, OffsetDateTime};

use crate::http::web::charts::Bucket;
use crate::store::chart_reads::Hour;

/// A row of buckets; the last one is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// When the first one begins.
    pub start: OffsetDateTime,
    /// How long each is.
    pub length: Duration,
    /// How many.
    pub count: usize,
}

impl Grid {
    /// `count` buckets of `hours` each, the last of which holds `now`.
    pub fn ending(now: OffsetDateTime, hours: i64, count: usize) -> Self {
        let length = Duration::hours(hours);
        let seconds = length.whole_seconds().max(1);
        let last = now.unix_timestamp().div_euclid(seconds) * seconds;
        let before = i64::try_from(count.saturating_sub(1)).unwrap_or(0) * seconds;
        let start = OffsetDateTime::from_unix_timestamp(last - before).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        Self { start, length, count }
    }

    /// The counts in the buckets; hours outside are left out. A bucket is hot when one of its hours is.
    pub fn fill(&self, hours: &[Hour]) -> Vec<Bucket> {
        let mut buckets = vec![Bucket::default(); self.count];
        for hour in hours {
            if let Some(bucket) = self.place(hour.at).and_then(|n| buckets.get_mut(n)) {
                bucket.count = bucket.count.saturating_add(hour.event_count);
                bucket.hot |= hour.hot;
            }
        }
        buckets
    }

    /// When bucket `n` begins, for a title: `20 Nov 05:00`.
    pub fn title(&self, n: usize) -> String {
        moment(self.start + self.length * i32::try_from(n).unwrap_or(0))
    }

    /// Where a moment is, from 0 at the left edge to 1.
    pub fn position(&self, at: OffsetDateTime) -> f64 {
        let whole = self.length * i32::try_from(self.count).unwrap_or(1);
        (at - self.start) / whole
    }

    fn place(&self, at: OffsetDateTime) -> Option<usize> {
        let seconds = (at - self.start).whole_seconds();
        (seconds >= 0).then(|| usize::try_from(seconds / self.length.whole_seconds().max(1)).ok()).flatten()
    }
}

/// `20 Nov 05:00`, in UTC.
pub fn moment(at: OffsetDateTime) -> String {
    at.format(format_description!("[day padding:none] [month repr:short] [hour]:[minute]"))
        .expect("every component of a time can be written")
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn buckets_are_aligned_and_end_now() {
        let grid = Grid::ending(datetime!(2026-11-20 09:41 UTC), 6, 4);
        assert_eq!(grid.start, datetime!(2026-11-19 12:00 UTC));
        let hour = |at, event_count| Hour { at, event_count, hot: event_count > 4 };
        let hours = [
            hour(datetime!(2026-11-19 11:00 UTC), 100),
            hour(datetime!(2026-11-19 12:00 UTC), 1),
            hour(datetime!(2026-11-20 06:00 UTC), 2),
            hour(datetime!(2026-11-20 09:00 UTC), 5),
            hour(datetime!(2026-11-20 12:00 UTC), 100),
        ];
        let counts: Vec<_> = grid.fill(&hours).iter().map(|bucket| (bucket.count, bucket.hot)).collect();
        assert_eq!(counts, [(1, false), (0, false), (0, false), (7, true)]);
        assert_eq!(grid.title(3), "20 Nov 06:00");
        assert!((grid.position(datetime!(2026-11-20 00:00 UTC)) - 0.5).abs() < 1e-9);
    }
}
