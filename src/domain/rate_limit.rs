//! How much a project or a key may send: counted per category in minutes and hours of the clock. The clock is an input.
//!
//! Windows are those of the clock (12:00 to 12:01 UTC), so that "1,000 a minute" means what it says in every chart, and a limit is never
//! exceeded within one. A clock that goes back stays in the window it was in.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

/// Longest time, in seconds, for which a sender is told to be quiet. SDKs obey it to the letter, so this is also how long it takes until
/// somebody who raised a limit sees events again.
pub const SILENCE_MAX: u64 = 60;

/// What a limit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// One key of a project.
    Key,
    /// All keys of a project together.
    Project,
}

/// Over how long it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// A minute of the clock.
    Minute,
    /// An hour of the clock.
    Hour,
}

/// One of the four limits that can refuse an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Limit {
    /// Whose.
    pub scope: Scope,
    /// Over how long.
    pub period: Period,
}

impl Scope {
    /// As `X-Sentry-Rate-Limits` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Project => "project",
        }
    }
}

impl Period {
    /// As stored and as in reasons.
    pub fn name(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
        }
    }

    /// Reads a stored name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Minute, Self::Hour].into_iter().find(|period| period.name() == name)
    }

    /// How long it is, in seconds.
    fn seconds(self) -> i64 {
        match self {
            Self::Minute => 60,
            Self::Hour => 3_600,
        }
    }
}

impl Limit {
    /// All of them, in the order in which they are asked.
    pub const ALL: [Self; 4] = [
        Self { scope: Scope::Key, period: Period::Minute },
        Self { scope: Scope::Key, period: Period::Hour },
        Self { scope: Scope::Project, period: Period::Minute },
        Self { scope: Scope::Project, period: Period::Hour },
    ];

    /// The reason in `project_outcomes`, in `X-Sentry-Rate-Limits` and in the chart of outcomes.
    pub fn reason(self) -> &'static str {
        match (self.scope, self.period) {
            (Scope::Key, Period::Minute) => "key_minute",
            (Scope::Key, Period::Hour) => "key_hour",
            (Scope::Project, Period::Minute) => "project_minute",
            (Scope::Project, Period::Hour) => "project_hour",
        }
    }

    /// Reads a reason.
    pub fn parse(reason: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|limit| limit.reason() == reason)
    }
}

/// What was chosen for a key and its project. `None`: nothing, the installation's setting holds; 0: no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnLimits {
    /// Of the key, in a minute.
    pub key_minute: Option<u32>,
    /// Of the key, in an hour.
    pub key_hour: Option<u32>,
    /// Of the project, in a minute.
    pub project_minute: Option<u32>,
    /// Of the project, in an hour.
    pub project_hour: Option<u32>,
}

/// Most items of one category. `None`: no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// In a minute.
    pub minute: Option<u32>,
    /// In an hour.
    pub hour: Option<u32>,
}

impl Quota {
    /// What holds where `own` was chosen (0: none, whatever the installation says) and the installation says `self`.
    pub fn overridden_by(self, own_minute: Option<u32>, own_hour: Option<u32>) -> Self {
        let pick = |own: Option<u32>, default| if own.is_some() { own.filter(|own| *own > 0) } else { default };
        Self { minute: pick(own_minute, self.minute), hour: pick(own_hour, self.hour) }
    }

    /// Whether anything is limited.
    pub fn is_limited(self) -> bool {
        self.minute.is_some() || self.hour.is_some()
    }

    fn of(self, period: Period) -> Option<u32> {
        match period {
            Period::Minute => self.minute,
            Period::Hour => self.hour,
        }
    }
}

/// What was let through in the minute and the hour that are going on, of one category and one sender.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    minute: Window,
    hour: Window,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Window {
    /// Number of the window since 1970.
    number: i64,
    count: u32,
}

impl Usage {
    /// The period whose limit has no room for one more item at `now`; the longer one where both have none.
    pub fn exhausted(&self, quota: Quota, now: OffsetDateTime) -> Option<Period> {
        let is_full = |period: &Period| quota.of(*period).is_some_and(|max| self.window(*period).count_at(*period, now) >= max);
        [Period::Hour, Period::Minute].into_iter().find(is_full)
    }

    /// Counts items that were let through.
    pub fn add(&mut self, count: u32, now: OffsetDateTime) {
        self.minute.add(count, Period::Minute, now);
        self.hour.add(count, Period::Hour, now);
    }

    /// Nothing of it matters any more.
    pub fn is_stale(&self, now: OffsetDateTime) -> bool {
        self.hour.count_at(Period::Hour, now) == 0
    }

    fn window(&self, period: Period) -> Window {
        match period {
            Period::Minute => self.minute,
            Period::Hour => self.hour,
        }
    }
}

impl Window {
    fn count_at(self, period: Period, now: OffsetDateTime) -> u32 {
        if number(period, now) > self.number { 0 } else { self.count }
    }

    fn add(&mut self, count: u32, period: Period, now: OffsetDateTime) {
        let number = number(period, now);
        if number > self.number {
            *self = Self { number, count: 0 };
        }
        self.count = self.count.saturating_add(count);
    }
}

fn number(period: Period, now: OffsetDateTime) -> i64 {
    now.unix_timestamp().div_euclid(period.seconds())
}

/// For how many seconds a sender should be quiet: to the end of the window, at least 1, at most [`SILENCE_MAX`].
pub fn silence(period: Period, now: OffsetDateTime) -> u64 {
    let left = period.seconds() - now.unix_timestamp().rem_euclid(period.seconds());
    u64::try_from(left).unwrap_or(1).clamp(1, SILENCE_MAX)
}

/// A stretch of refusals ends when none came for so long: longer than a sender that obeys is quiet.
pub const STRETCH_GAP: Duration = Duration::minutes(3);

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const START: OffsetDateTime = datetime!(2026-11-20 12:00:00.5 UTC);

    /// A small deterministic generator: the property holds for whatever it draws.
    fn draws(mut seed: u64) -> impl FnMut(u64) -> u64 {
        move |below| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        }
    }

    #[test]
    fn no_window_of_the_clock_lets_more_through_than_its_limit_and_none_less() {
        for seed in 0..200 {
            let mut draw = draws(seed);
            let quota = Quota { minute: Some(1 + draw(20) as u32), hour: Some(1 + draw(200) as u32) };
            let (mut usage, mut now) = (Usage::default(), START);
            let mut passed: Vec<i64> = Vec::new();
            for _ in 0..2_000 {
                now += Duration::milliseconds(draw(20_000) as i64);
                let in_window = |seconds: i64| {
                    let number = now.unix_timestamp().div_euclid(seconds);
                    passed.iter().filter(|at| at.div_euclid(seconds) == number).count() as u32
                };
                let (minute, hour) = (in_window(60), in_window(3_600));
                let room = quota.minute.is_none_or(|max| minute < max) && quota.hour.is_none_or(|max| hour < max);
                assert_eq!(usage.exhausted(quota, now).is_none(), room, "seed {seed}");
                if room {
                    usage.add(1, now);
                    passed.push(now.unix_timestamp());
                }
            }
        }
    }

    #[test]
    fn after_the_silence_of_a_minute_limit_there_is_room_again() {
        let quota = Quota { minute: Some(3), hour: None };
        for second in 0..180 {
            let now = START + Duration::seconds(second);
            let mut usage = Usage::default();
            usage.add(3, now);
            assert_eq!(usage.exhausted(quota, now), Some(Period::Minute));
            let silence = silence(Period::Minute, now);
            assert!((1..=60).contains(&silence));
            assert_eq!(usage.exhausted(quota, now + Duration::seconds(silence as i64)), None);
        }
    }

    #[test]
    fn an_hour_limit_silences_for_a_minute_at_a_time() {
        assert_eq!(silence(Period::Hour, START), SILENCE_MAX);
        assert_eq!(silence(Period::Hour, datetime!(2026-11-20 12:59:59.9 UTC)), 1);
    }

    #[test]
    fn a_clock_that_goes_back_neither_empties_a_window_nor_locks_it() {
        let quota = Quota { minute: Some(1), hour: None };
        let mut usage = Usage::default();
        usage.add(1, START);
        assert_eq!(usage.exhausted(quota, START - Duration::HOUR), Some(Period::Minute));
        assert_eq!(usage.exhausted(quota, START + Duration::MINUTE), None);
    }

    #[test]
    fn an_own_limit_wins_over_the_installation_and_zero_means_none() {
        let installation = Quota { minute: Some(100), hour: None };
        assert_eq!(installation.overridden_by(None, None), installation);
        assert_eq!(installation.overridden_by(Some(5), Some(7)), Quota { minute: Some(5), hour: Some(7) });
        assert!(!installation.overridden_by(Some(0), Some(0)).is_limited());
    }

    #[test]
    fn reasons_can_be_read_back() {
        for limit in Limit::ALL {
            assert_eq!(Limit::parse(limit.reason()), Some(limit));
            assert_eq!(Period::parse(limit.period.name()), Some(limit.period));
        }
    }
}
