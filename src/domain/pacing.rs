//! One project, one mail at a time: when what is pending leaves, and in how many mails. Seconds since the Unix epoch.

/// An alert waits this long for company.
const HOLD: i64 = 3 * 60;
/// Between two mails of one project.
const GAP: i64 = 10 * 60;
/// A storm: this many alerts ...
const STORM_COUNT: usize = 3;
/// ... within this time. Its first digest leaves no sooner than this after the project's previous mail.
const STORM_WINDOW: i64 = 15 * 60;
/// Between two digests of one storm; and a storm is over when its rule has not held for this long.
const STORM_GAP: i64 = 90 * 60;
/// Mails per project.
const HOUR_BUDGET: i64 = 6;
const DAY_BUDGET: i64 = 30;
/// Over budget one mail per hour still leaves.
const OVER_BUDGET_GAP: i64 = 60 * 60;
/// Mails to one person, of all projects together.
const PERSON_DAY_BUDGET: i64 = 40;

/// When a project mailed, and the storm it is in. Kept between runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// The last mail.
    pub last_mail: Option<i64>,
    /// When the storm was noticed.
    pub storm_since: Option<i64>,
    /// When the storm rule held last.
    pub storm_held: Option<i64>,
    /// The last digest of this storm.
    pub storm_digest: Option<i64>,
}

/// What the decision is made on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Situation<'a> {
    /// When the pending alerts were decided.
    pub pending: &'a [i64],
    /// Alerts of the last 15 minutes, mailed or not.
    pub recent_count: usize,
    /// Mails of the last hour and of the last day.
    pub mails_in_hour: i64,
    /// See `mails_in_hour`.
    pub mails_in_day: i64,
    /// The project is younger than a day: its first mail leaves at once.
    pub newcomer: bool,
}

/// How long the alerts counted in [`Situation::recent_count`] may be ago, in seconds.
pub const RECENT: i64 = STORM_WINDOW;

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    /// Nothing, or not yet.
    Wait,
    /// Everything pending goes into one mail.
    Leave {
        /// Part of a storm.
        storm: bool,
        /// The budget is used up, so it waited longer than it would have.
        over_budget: bool,
    },
}

/// Decides for the project at `now` and moves its pace.
pub fn depart(mut pace: Pace, now: i64, situation: &Situation) -> (Pace, Departure) {
    pace = weather(pace, now, situation.recent_count);
    let Some(oldest) = situation.pending.iter().copied().min() else { return (pace, Departure::Wait) };
    let over_budget = situation.mails_in_hour >= HOUR_BUDGET || situation.mails_in_day >= DAY_BUDGET;
    if now < earliest(&pace, oldest, over_budget, situation.newcomer) {
        return (pace, Departure::Wait);
    }
    let storm = pace.storm_since.is_some();
    pace.last_mail = Some(now);
    if storm {
        pace.storm_digest = Some(now);
    }
    (pace, Departure::Leave { storm, over_budget })
}

/// Whether one more mail may go to a person who got `mails_in_day` of them, the last at `last_mail`. Over budget one an hour still does:
/// whoever is flooded by one project must hear of the other.
pub fn may_receive(mails_in_day: i64, last_mail: i64, now: i64) -> bool {
    mails_in_day < PERSON_DAY_BUDGET || now - last_mail >= OVER_BUDGET_GAP
}

/// Notices that a storm begins, goes on or is over.
fn weather(mut pace: Pace, now: i64, recent_count: usize) -> Pace {
    if recent_count >= STORM_COUNT {
        pace.storm_since.get_or_insert(now);
        pace.storm_held = Some(now);
    } else if pace.storm_held.is_some_and(|held| now - held >= STORM_GAP) {
        pace = Pace { last_mail: pace.last_mail, ..Pace::default() };
    }
    pace
}

fn earliest(pace: &Pace, oldest: i64, over_budget: bool, newcomer: bool) -> i64 {
    let Some(last_mail) = pace.last_mail else { return if newcomer { oldest } else { oldest + HOLD } };
    let gap = match (pace.storm_since, pace.storm_digest) {
        (Some(_), Some(digest)) => digest + STORM_GAP,
        (Some(_), None) => last_mail + STORM_WINDOW,
        _ => last_mail + GAP,
    };
    let budget = if over_budget { last_mail + OVER_BUDGET_GAP } else { gap };
    (oldest + HOLD).max(gap).max(budget)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60;

    fn alone(pending: &[i64]) -> Situation<'_> {
        Situation { pending, recent_count: pending.len(), ..Situation::default() }
    }

    /// The first minute from `from` on in which something leaves.
    fn leaves(pace: Pace, situation: &Situation, from: i64) -> (Pace, i64, Departure) {
        let mut pace = pace;
        for now in (from..from + 1_000 * MINUTE).step_by(60) {
            let (moved, departure) = depart(pace, now, situation);
            if departure != Departure::Wait {
                return (moved, now, departure);
            }
            pace = moved;
        }
        panic!("it never leaves");
    }

    #[test]
    fn nothing_pending_is_no_mail() {
        assert_eq!(depart(Pace::default(), 0, &Situation::default()), (Pace::default(), Departure::Wait));
    }

    #[test]
    fn an_alert_waits_three_minutes_and_ten_after_the_mail_before() {
        let pace = Pace { last_mail: Some(0), ..Pace::default() };
        assert_eq!(leaves(Pace::default(), &alone(&[600]), 600).1, 600 + 3 * MINUTE);
        assert_eq!(leaves(pace, &alone(&[MINUTE]), MINUTE).1, 10 * MINUTE);
    }

    #[test]
    fn the_first_mail_of_a_young_project_leaves_at_once_and_only_the_first() {
        let young = |pending| Situation { newcomer: true, ..alone(pending) };
        let (pace, at, _) = leaves(Pace::default(), &young(&[600]), 600);
        assert_eq!(at, 600);
        assert_eq!(leaves(pace, &young(&[660]), 660).1, 600 + 10 * MINUTE);
    }

    #[test]
    fn the_digests_of_a_storm_are_ninety_minutes_apart_until_it_is_over() {
        let start = Pace { last_mail: Some(0), ..Pace::default() };
        let (pace, at, departure) = leaves(start, &alone(&[MINUTE; 3]), MINUTE);
        assert_eq!((at, departure), (15 * MINUTE, Departure::Leave { storm: true, over_budget: false }));
        let late = [at + MINUTE];
        let (pace, again, _) = leaves(pace, &Situation { recent_count: 3, ..alone(&late) }, at + MINUTE);
        assert_eq!(again, at + 90 * MINUTE);
        let calm = [again + 200 * MINUTE];
        let (_, after, departure) = leaves(pace, &alone(&calm), calm[0]);
        assert_eq!((after, departure), (calm[0] + 3 * MINUTE, Departure::Leave { storm: false, over_budget: false }));
    }

    #[test]
    fn nobody_gets_more_than_forty_mails_a_day_but_for_one_an_hour() {
        assert!(may_receive(39, 0, MINUTE));
        assert!(!may_receive(40, 0, 59 * MINUTE));
        assert!(may_receive(40, 0, 60 * MINUTE));
    }

    #[test]
    fn over_budget_one_mail_per_hour_leaves_and_says_so() {
        let pace = Pace { last_mail: Some(0), ..Pace::default() };
        for spent in [Situation { mails_in_hour: 6, ..alone(&[MINUTE]) }, Situation { mails_in_day: 30, ..alone(&[MINUTE]) }] {
            let (_, at, departure) = leaves(pace, &spent, MINUTE);
            assert_eq!((at, departure), (60 * MINUTE, Departure::Leave { storm: false, over_budget: true }));
        }
    }
}
