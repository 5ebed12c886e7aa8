//! Once fired: one mail, then silence until it is over, much worse, or usual.

/// Firing ends when the hour's count stays below this share of its peak, and below [`CALM_MIN`], ...
const CALM_SHARE: f64 = 0.25;
const CALM_MIN: f64 = 5.0;
/// ... for this many minutes.
const CALM_MINUTES: i64 = 60;
/// After firing this long the new level is the usual one.
const ACCEPT_MINUTES: i64 = 24 * 60;
/// For this long after the last high minute the issue mails again only if it is three times as bad.
const COOLDOWN_MINUTES: i64 = 24 * 60;
const WORSE: i64 = 3;
/// One escalation, not before this many minutes, at ten times the count of the mail.
const ESCALATION_AFTER_MINUTES: i64 = 30;
const ESCALATION_FACTOR: i64 = 10;
const ESCALATION_COUNT_MIN: i64 = 5;

/// The spike of an issue that is going on, or was last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incident {
    /// Going on.
    pub firing: bool,
    /// Going on, but nobody was told: the cooldown of the one before held it back.
    pub quiet: bool,
    /// The minute it was decided.
    pub since: i64,
    /// Largest capped hour of the incident that was told.
    pub peak60: i64,
    /// The last minute in which it was high.
    pub last_high: i64,
    /// The capped 15-minute count when it was told.
    pub count_at_mail: i64,
    /// Told that it got much worse.
    pub escalated: bool,
}

/// What a minute did to an issue's incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing to tell.
    None,
    /// A spike begins: tell.
    Spike,
    /// A spike begins within the cooldown of the last one: known, not told.
    Suppressed,
    /// Ten times what was told.
    Escalation,
    /// Back to usual.
    Ended,
    /// A day at the new level: it is the usual one from now on, and the last day counts as ordinary.
    Accepted,
}

/// Moves the incident over the closed `minute` with its capped sums of 15 and 60 minutes. `is_spike` is asked only where it matters.
pub fn step(before: Option<Incident>, minute: i64, capped: [i64; 2], is_spike: impl FnOnce() -> bool) -> (Option<Incident>, Step) {
    match before {
        Some(incident) if incident.firing => go_on(incident, minute, capped),
        before if is_spike() => begin(before, minute, capped),
        before => (before, Step::None),
    }
}

fn begin(before: Option<Incident>, minute: i64, capped: [i64; 2]) -> (Option<Incident>, Step) {
    let fresh = Incident {
        firing: true,
        quiet: false,
        since: minute,
        peak60: capped[1],
        last_high: minute,
        count_at_mail: capped[0],
        escalated: false,
    };
    match before {
        Some(last) if minute - last.last_high < COOLDOWN_MINUTES && capped[1] < WORSE * last.peak60 => {
            (Some(Incident { quiet: true, peak60: last.peak60, count_at_mail: last.count_at_mail, ..fresh }), Step::Suppressed)
        }
        _ => (Some(fresh), Step::Spike),
    }
}

fn go_on(mut incident: Incident, minute: i64, capped: [i64; 2]) -> (Option<Incident>, Step) {
    if incident.quiet && capped[1] >= WORSE * incident.peak60 {
        let told = Incident { quiet: false, since: minute, peak60: capped[1], last_high: minute, count_at_mail: capped[0], ..incident };
        return (Some(told), Step::Spike);
    }
    if !incident.quiet {
        incident.peak60 = incident.peak60.max(capped[1]);
    }
    if capped[1] as f64 >= (CALM_SHARE * incident.peak60 as f64).max(CALM_MIN) {
        incident.last_high = incident.last_high.max(minute);
    }
    if minute - incident.last_high >= CALM_MINUTES {
        incident.firing = false;
        return (Some(incident), Step::Ended);
    }
    if minute - incident.since >= ACCEPT_MINUTES {
        incident.firing = false;
        return (Some(incident), Step::Accepted);
    }
    let worse = capped[0] >= ESCALATION_FACTOR * incident.count_at_mail.max(ESCALATION_COUNT_MIN);
    if !incident.quiet && !incident.escalated && worse && minute - incident.since >= ESCALATION_AFTER_MINUTES {
        incident.escalated = true;
        return (Some(incident), Step::Escalation);
    }
    (Some(incident), Step::None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fired() -> Incident {
        match step(None, 1_000, [20, 40], || true) {
            (Some(incident), Step::Spike) => incident,
            other => panic!("it fires: {other:?}"),
        }
    }

    #[test]
    fn it_ends_after_a_calm_hour_and_says_nothing_in_between() {
        let (incident, said) = step(Some(fired()), 1_030, [2, 9], || panic!("not asked while firing"));
        assert_eq!(said, Step::None);
        assert_eq!(step(incident, 1_060, [0, 4], || true).1, Step::Ended);
    }

    #[test]
    fn ten_times_worse_is_told_once_and_not_before_half_an_hour() {
        assert_eq!(step(Some(fired()), 1_010, [400, 400], || true).1, Step::None);
        let (incident, said) = step(Some(fired()), 1_031, [400, 500], || true);
        assert_eq!(said, Step::Escalation);
        assert_eq!(step(incident, 1_040, [900, 900], || true).1, Step::None);
    }

    #[test]
    fn within_a_day_only_three_times_as_much_is_told_again() {
        let over = Incident { firing: false, ..fired() };
        let (again, said) = step(Some(over), 1_200, [30, 60], || true);
        assert_eq!(said, Step::Suppressed);
        assert_eq!(step(again, 1_210, [100, 120], || true).1, Step::Spike);
        assert_eq!(step(Some(over), 1_000 + 24 * 60, [20, 40], || true).1, Step::Spike);
    }

    #[test]
    fn a_day_at_the_new_level_makes_it_the_usual_one() {
        let high = Incident { last_high: 1_000 + 24 * 60 - 1, ..fired() };
        assert_eq!(step(Some(high), 1_000 + 24 * 60, [20, 40], || true).1, Step::Accepted);
    }
}
