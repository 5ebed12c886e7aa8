//! When a spike began: people compare it with their deploys, so the minute in which it was noticed will not do.

/// The window whose count has to stay high, in minutes.
const WINDOW: i64 = 15;
/// Fewer events than this in the window are not the run any more, ...
const COUNT_MIN: f64 = 10.0;
/// ... and not fewer than this many times the usual.
const RATIO: f64 = 4.0;
/// How far back a run is followed, in minutes.
pub const REACH: i64 = 180;

/// The minute of the first event of the run that was noticed at `decided`. `counts` are events by minute of the [`REACH`] before, in any
/// order; `per_hour` is what is usual.
pub fn start_of_run(decided: i64, counts: &[(i64, i64)], per_hour: f64) -> i64 {
    let high = COUNT_MIN.max(RATIO * per_hour * WINDOW as f64 / 60.0);
    let inside = |at: i64| move |minute: i64| minute > at - WINDOW && minute <= at;
    let count = |at: i64| -> i64 { counts.iter().filter(|one| inside(at)(one.0)).map(|one| one.1).sum() };
    let mut first = decided;
    while decided - first < REACH && count(first - 1) as f64 >= high {
        first -= 1;
    }
    counts.iter().filter(|one| one.1 > 0 && inside(first)(one.0)).map(|one| one.0).min().unwrap_or(decided)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_followed_back_to_its_first_event() {
        let counts: Vec<(i64, i64)> = (1_000..=1_030).map(|minute| (minute, 2)).chain([(950, 3)]).collect();
        assert_eq!(start_of_run(1_030, &counts, 1.0), 1_000);
        assert_eq!(start_of_run(1_030, &counts, 100.0), 1_016, "below four times the usual it is no run: only the last window counts");
        assert_eq!(start_of_run(1_030, &[], 1.0), 1_030);
    }

    #[test]
    fn a_run_without_end_is_followed_for_three_hours() {
        let counts: Vec<(i64, i64)> = (0..=1_000).map(|minute| (minute, 50)).collect();
        assert_eq!(start_of_run(1_000, &counts, 1.0), 1_000 - REACH - WINDOW + 1);
    }
}
