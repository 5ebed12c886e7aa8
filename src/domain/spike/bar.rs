//! The test: is it more than this issue does on ordinary days.

use super::{Sensitivity, Usual, WINDOWS};

/// Fewer capped events in an hour are never a spike.
const GATE_COUNT: i64 = 10;
/// Fewer distinct people in an hour are never a spike, where the issue carries user information.
const GATE_PEOPLE: i64 = 3;
/// Smallest counts per window, and how many times the usual they must be.
const FLOORS: [f64; 2] = [10.0, 12.0];
const RATIOS: [f64; 2] = [4.0, 3.0];
/// In its first day an issue has no "usual" yet.
const YOUNG_MINUTES: i64 = 24 * 60;
const YOUNG_FLOOR: f64 = 20.0;
const YOUNG_RATIO: f64 = 8.0;
/// Until this many days are known, cron jobs cannot be told from incidents.
const FRESH_DAYS: f64 = 3.0;
const FRESH_STRENGTH: f64 = 10.0;
/// How far above its ordinary peaks.
const BAR: f64 = 1.5;
/// How far above earlier days at this hour.
const SLOT: f64 = 1.5;
/// No factor of the bar is smaller.
const FACTOR_MIN: f64 = 0.1;

/// Rolling sums of an issue at the end of a minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Capped events of the last 15 and 60 minutes.
    pub capped: [i64; 2],
    /// Distinct people of the last 60 minutes; `None`: the issue carries no user information.
    pub people: Option<i64>,
}

/// Removes nearly all issues, so that the rest may read history.
pub fn passes_gate(sums: Sums) -> bool {
    sums.capped[1] >= GATE_COUNT && sums.people.is_none_or(|people| people >= GATE_PEOPLE)
}

/// How an issue is judged besides its history.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// Since the issue was first seen, in minutes.
    pub age_minutes: i64,
    /// How long the project has been watched, in days.
    pub watched_days: f64,
    /// How much the traffic of the whole project is up, per window; 1 is usual.
    pub traffic: [f64; 2],
    /// What the team asked for.
    pub sensitivity: Sensitivity,
}

/// Whether one of the two windows is over everything it has to be over.
pub fn is_spike(sums: Sums, usual: &Usual, cx: &Circumstances) -> bool {
    passes_gate(sums) && (0..WINDOWS.len()).any(|w| is_over(w, sums.capped[w] as f64, usual, cx))
}

fn is_over(w: usize, count: f64, usual: &Usual, cx: &Circumstances) -> bool {
    let traffic = cx.traffic[w];
    let expected = usual.per_hour * WINDOWS[w] as f64 / 60.0 * traffic;
    let young = cx.age_minutes < YOUNG_MINUTES;
    let caution = if cx.watched_days < FRESH_DAYS { 1.0 + FRESH_STRENGTH * (1.0 - cx.watched_days / FRESH_DAYS) } else { 1.0 };
    let floor = caution * if young { YOUNG_FLOOR } else { FLOORS[w] };
    let ratio = caution.sqrt() * cx.sensitivity.factor() * if young { YOUNG_RATIO } else { RATIOS[w] };
    count >= floor
        && count >= ratio * expected
        && count >= cx.sensitivity.factor() * bar(usual.absolute[w] * traffic, usual.relative[w], expected)
        && count >= SLOT * usual.slot[w] * traffic
}

/// The absolute bar alone is deaf at night on issues with a day rhythm, the relative one nervous: the geometric mean is neither.
fn bar(absolute: f64, relative: f64, expected: f64) -> f64 {
    let by_height = (BAR * absolute).max(FACTOR_MIN);
    let by_ratio = (BAR * relative * (expected + 2.0) - 2.0).max(FACTOR_MIN);
    (by_height * by_ratio).sqrt()
}
