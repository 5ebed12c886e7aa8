//! Which day of events gives way when the database is larger than it may be, and how far. Each step leaves less of a day than the one before:
//! an even selection of each issue's events of that day, always with its first and its latest, so that what is rare stays longest and what is
//! frequent pays. All days take a step before any takes the next, oldest first.

use time::Date;

/// What a step leaves of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// So many events of each issue, evenly over the day, the first and the latest among them.
    Some(u32),
    /// Events that are the first or the latest of their issue in all days there are.
    FirstAndLatest,
    /// Nothing.
    Nothing,
}

/// From the mildest. Their places are stored (`thinned_days`); new ones go to the end of what is stored only with a migration.
pub const STEPS: [Step; 5] = [Step::Some(100), Step::Some(10), Step::Some(2), Step::FirstAndLatest, Step::Nothing];

/// A day that is over, and how far it was thinned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    /// UTC day of arrival.
    pub day: Date,
    /// Place of the step that was done last; `None`: nothing was.
    pub done: Option<usize>,
}

/// The day that is next, with the place of the step. `None`: all has been done that can be done.
pub fn next(days: &[Day]) -> Option<(Date, usize)> {
    let steps = days.iter().map(|day| (day.done.map_or(0, |done| done + 1), day.day));
    steps.filter(|(step, _)| *step < STEPS.len()).min().map(|(step, day)| (day, step))
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn every_day_takes_a_step_before_any_takes_the_next() {
        let mut days = [Day { day: date!(2026 - 11 - 01), done: None }, Day { day: date!(2026 - 11 - 02), done: None }];
        let mut order = Vec::new();
        while let Some((day, step)) = next(&days) {
            order.push((day.day(), step));
            days.iter_mut().filter(|other| other.day == day).for_each(|day| day.done = Some(step));
        }
        let expected: Vec<_> = (0..STEPS.len()).flat_map(|step| [(1, step), (2, step)]).collect();
        assert_eq!(order, expected);
        assert_eq!(next(&[]), None);
    }
}
