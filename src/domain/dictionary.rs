//! When a project's events are worth a dictionary of their own, and when a new one. Figures in docs/performance.md.

use time::{Duration, OffsetDateTime};

/// A project's first dictionary is made of its first so many events, before they are stored: in a flood that is seconds earlier.
pub const FIRST_EVENTS: u64 = 100;
/// No dictionary looks at more events.
pub const EVENTS_MAX: u64 = 800;
/// Older events say little about the next ones.
const SAMPLED_AGE: Duration = Duration::days(7);
/// One that had fewer to look at is replaced once there are so many times more.
const GROWTH: u64 = 3;
/// While fewer are stored than that takes, the job looks again after so many more.
pub const AGAIN_AFTER: u64 = 100;
/// So many dictionaries of a project may be followed by another because they had few events to look at.
const YOUNG_MAX: u32 = 3;
/// Events by which is judged how well a dictionary still does.
const JUDGED_EVENTS: u64 = 4_000;
/// It is replaced when events take more than this part of what they took in its trial, in percent.
const WORSE_PERCENT: u64 = 120;
/// A new one must spare at least this part, in percent, of what events take now.
const SPARED_PERCENT: u64 = 7;
/// Between the dictionaries of a project that are made because the last one does worse; doubled with each, so that their number is
/// bounded over any retention.
const INTERVAL: (Duration, Duration) = (Duration::hours(1), Duration::days(30));

/// Events and what they became.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// How many.
    pub event_count: u64,
    /// Bytes of their JSON.
    pub json_bytes: u64,
    /// Bytes of their payloads.
    pub payload_bytes: u64,
}

impl Sizes {
    /// Adds one event.
    pub fn add(&mut self, json_len: usize, payload_len: usize) {
        self.event_count += 1;
        self.json_bytes += json_len as u64;
        self.payload_bytes += payload_len as u64;
    }
}

/// The newest dictionary of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Newest {
    /// `events.dictionary_id`.
    pub id: i32,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// Events it looked at.
    pub event_count: u64,
    /// Of its trial: JSON and payload of events it was not made of.
    pub trial: (u64, u64),
    /// How many dictionaries the project has.
    pub dictionary_count: u32,
}

/// Of fewer events than this no dictionary is made: those that replace a young one look at half as many again at least.
pub fn events_min(newest: Option<&Newest>) -> u64 {
    newest.filter(|newest| newest.is_young()).map_or(FIRST_EVENTS, |newest| newest.event_count * 3 / 2)
}

/// Whether a dictionary may be due, by what was compressed since the newest was made, or since this node began to count.
pub fn is_wanted(newest: Option<&Newest>, since: &Sizes) -> bool {
    let Some(newest) = newest else { return since.event_count >= FIRST_EVENTS };
    if newest.is_young() {
        return since.event_count >= newest.event_count * GROWTH;
    }
    let (json, payload) = (u128::from(newest.trial.0), u128::from(newest.trial.1));
    let does_worse = u128::from(since.payload_bytes) * json * 100 > u128::from(since.json_bytes) * payload * u128::from(WORSE_PERCENT);
    since.event_count >= JUDGED_EVENTS && does_worse
}

/// Whether the newest dictionary is old enough to be replaced.
pub fn may_be_replaced(newest: &Newest, now: OffsetDateTime) -> bool {
    newest.is_young() || now - newest.created_at >= interval(newest.dictionary_count)
}

impl Newest {
    /// It had fewer events to look at than it might have had.
    fn is_young(&self) -> bool {
        self.event_count < EVENTS_MAX && self.dictionary_count < YOUNG_MAX
    }
}

fn interval(dictionary_count: u32) -> Duration {
    INTERVAL.0.saturating_mul(1 << dictionary_count.min(12)).min(INTERVAL.1)
}

/// Of events that arrived from then on a dictionary is made: of those that the last one does worse on, else of the latest.
pub fn sampled_since(newest: Option<&Newest>, now: OffsetDateTime) -> OffsetDateTime {
    let outgrown = newest.filter(|newest| !newest.is_young()).map(|newest| newest.created_at);
    outgrown.unwrap_or(now - SAMPLED_AGE).max(now - SAMPLED_AGE)
}

/// Whether a dictionary that was just made is worth keeping, by events it was not made of: what they take now and what they would take.
pub fn pays(now_bytes: u64, then_bytes: u64) -> bool {
    then_bytes * 100 <= now_bytes * (100 - SPARED_PERCENT)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-20 12:00 UTC);

    fn newest(event_count: u64, age: Duration, dictionary_count: u32) -> Newest {
        Newest { id: 7, created_at: NOW - age, event_count, trial: (50_000, 5_000), dictionary_count }
    }

    fn since(event_count: u64, payload_len: u64) -> Sizes {
        Sizes { event_count, json_bytes: event_count * 50_000, payload_bytes: event_count * payload_len }
    }

    #[test]
    fn the_first_comes_soon_and_grows() {
        assert!(!is_wanted(None, &since(99, 15_000)));
        assert!(is_wanted(None, &since(100, 15_000)));
        let young = newest(100, Duration::SECOND, 1);
        assert!(!is_wanted(Some(&young), &since(299, 5_000)));
        assert!(is_wanted(Some(&young), &since(300, 5_000)) && may_be_replaced(&young, NOW));
        assert_eq!((events_min(None), events_min(Some(&young))), (100, 150));
        let third = newest(300, Duration::SECOND, 3);
        assert!(!is_wanted(Some(&third), &since(1_200, 5_000)) && !may_be_replaced(&third, NOW), "not for ever");
    }

    #[test]
    fn a_grown_one_is_replaced_only_when_it_does_worse_and_ever_more_seldom() {
        let day_old = newest(800, Duration::DAY, 2);
        assert!(!is_wanted(Some(&day_old), &since(1_000_000, 5_900)), "as good as ever");
        assert!(!is_wanted(Some(&day_old), &since(3_999, 9_000)), "too few to judge");
        assert!(is_wanted(Some(&day_old), &since(4_000, 9_000)) && may_be_replaced(&day_old, NOW));
        assert!(!may_be_replaced(&newest(800, Duration::hours(3), 2), NOW), "4 hours for the third");
        assert!(!may_be_replaced(&newest(800, Duration::days(29), 20), NOW));
        assert!(may_be_replaced(&newest(800, Duration::days(30), 20), NOW));
    }

    #[test]
    fn a_dictionary_that_spares_little_is_not_kept() {
        assert!(pays(1_000, 930));
        assert!(!pays(1_000, 931));
    }
}
