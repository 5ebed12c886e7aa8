//! When traffic triples, every issue triples; that is no incident of any of them.

use super::WINDOWS;

/// Above this it is not traffic: the storm rule handles it.
const TRAFFIC_MAX: f64 = 5.0;
/// Keeps the factor near 1 where little is expected.
const TRAFFIC_BASE: f64 = 3.0;
/// Fewer issues than this say nothing about traffic: a loud one would excuse itself.
const NEIGHBOURS_MIN: usize = 5;

/// An issue of the project that had an event in the last 6 hours and is at least 72 hours old.
#[derive(Clone, Copy, Debug)]
pub struct Neighbour {
    /// Capped events per window.
    pub capped: [i64; 2],
    /// Expected clean events per hour.
    pub per_hour: f64,
}

/// How much the whole project is up, per window, from the middle half of its issues (by what is expected of them): so neither one
/// loud issue nor several that broke in one release excuse themselves.
pub fn factors(neighbours: &[Neighbour]) -> [f64; 2] {
    if neighbours.len() < NEIGHBOURS_MIN {
        return [1.0; 2];
    }
    std::array::from_fn(|w| factor(neighbours, w))
}

fn factor(neighbours: &[Neighbour], w: usize) -> f64 {
    let share = WINDOWS[w] as f64 / 60.0;
    let mut issues: Vec<(f64, f64)> = neighbours.iter().map(|one| (one.capped[w] as f64, (one.per_hour * share).max(1e-6))).collect();
    issues.sort_by(|a, b| (a.0 / a.1).total_cmp(&(b.0 / b.1)));
    let whole: f64 = issues.iter().map(|issue| issue.1).sum();
    let (mut passed, mut count, mut expected) = (0.0, 0.0, 0.0);
    for (seen, usual) in issues {
        // An issue on the edge of the middle half counts with the part of it that is inside.
        let inside = ((passed + usual).min(0.75 * whole) - passed.max(0.25 * whole)).max(0.0) / usual;
        count += seen * inside;
        expected += usual * inside;
        passed += usual;
    }
    let factor = (count + TRAFFIC_BASE) / (expected + TRAFFIC_BASE);
    if factor > TRAFFIC_MAX { 1.0 } else { factor.max(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(issues: &[(i64, f64)]) -> Vec<Neighbour> {
        issues.iter().map(|(count, per_hour)| Neighbour { capped: [count / 4, *count], per_hour: *per_hour }).collect()
    }

    #[test]
    fn traffic_that_triples_is_seen_in_the_middle_of_all_issues() {
        let tripled = project(&[(30, 10.0); 20]);
        assert!(factors(&tripled)[1] > 2.5);
    }

    #[test]
    fn one_loud_issue_is_no_traffic() {
        let mut calm = vec![(10, 10.0); 20];
        calm.push((500, 10.0));
        assert!(factors(&project(&calm))[1] < 1.2);
        assert_eq!(factors(&project(&[(500, 10.0)])), [1.0; 2]);
    }

    #[test]
    fn an_outage_is_not_excused_as_traffic() {
        assert_eq!(factors(&project(&[(200, 10.0); 20])), [1.0; 2]);
    }
}
