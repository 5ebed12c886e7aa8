//! `/{project}/settings/outcomes`. *What became of everything that was sent?* Each item ends in exactly one outcome.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Html;
use serde::Deserialize;
use time::{Duration, OffsetDateTime};

use crate::domain::app_session::Counts;
use crate::http::Doors;
use crate::http::web::charts::{Stacked, stacked};
use crate::http::web::format;
use crate::http::web::issues::buckets::Grid;
use crate::http::web::layout::{self, Shell, Tab};
use crate::http::web::page_error::PageError;
use crate::http::web::project_access::ProjectAccess;
use crate::store::app_sessions;
use crate::store::outcome_reads::{self, Ending, Hour};

/// Height of the highest bar, in pixels.
const PLOT: u32 = 120;
/// Rows of the table; clients make up reasons of their own.
const ENDINGS_MAX: i64 = 100;
/// Name, label, hours of a bucket, buckets.
const PERIODS: [(&str, &str, i64, usize); 3] = [("24h", "24 hours", 1, 24), ("14d", "14 days", 24, 14), ("90d", "90 days", 24, 90)];

/// Name in the table, class in the chart, label, what it means: from the base line of the chart up.
const OUTCOMES: [(&str, &str, &str, &str); 8] = [
    ("stored", "kept", "Stored", "Counted, and there to be looked at."),
    ("sampled", "thin", "Sampled", "Counted, but not stored one by one: part of a spike."),
    ("duplicate", "same", "Duplicate", "The same event id had arrived before; it counts once."),
    ("rate_limited", "held", "Rate limited", "Refused by a limit. The SDK was told when to come back."),
    ("filtered", "held", "Filtered", "Left out by a filter of this project, or because its issue was deleted for ever."),
    ("invalid", "bad", "Invalid", "Could not be read. What arrived whole is a dead letter."),
    ("unsupported", "rest", "Unsupported", "A kind of item that Bugle does not take yet."),
    ("client_discard", "own", "Discarded by the SDK", "Never sent: the SDK reports what it left out itself."),
];

#[derive(Template)]
#[template(path = "pages/projects/outcomes.html")]
struct Page {
    shell: Shell,
    slug: String,
    name: String,
    periods: Vec<(&'static str, &'static str, bool)>,
    label: &'static str,
    sent: i64,
    chart: Stacked,
    legend: Vec<Legend>,
    endings: Vec<Row>,
    sessions: Counts,
    crash_free: String,
}

/// One outcome that occurred.
struct Legend {
    class: &'static str,
    label: &'static str,
    meaning: &'static str,
    count: i64,
}

/// One line of the table.
struct Row {
    of: Ending,
    label: &'static str,
}

/// Which period.
#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    period: String,
}

/// Shows the page.
pub async fn get(State(doors): State<Doors>, access: ProjectAccess, Query(wanted): Query<Wanted>) -> Result<Html<String>, PageError> {
    let shell = Shell::for_project(&doors, &access, Tab::Settings).await?;
    let (name, label, hours, count) = *PERIODS.iter().find(|period| period.0 == wanted.period).unwrap_or(&PERIODS[0]);
    let grid = Grid::ending(shell.now, hours, count);
    let project = access.project.id;
    let seen = outcome_reads::hours(&doors.db, project, grid.start).await?;
    let endings = outcome_reads::endings(&doors.db, project, grid.start, ENDINGS_MAX).await?;
    let counts = fill(&grid, &seen);
    let sessions = app_sessions::total(&doors.db, project, grid.start).await?;
    layout::html(&Page {
        slug: access.project.slug.clone(),
        name: access.project.name.clone(),
        periods: PERIODS.iter().map(|period| (period.0, period.1, period.0 == name)).collect(),
        label,
        sent: total(&counts, |outcome| outcome != "client_discard"),
        chart: draw(&grid, &counts, label),
        legend: legend(&counts),
        endings: endings.into_iter().map(row).collect(),
        crash_free: sessions.crash_free().map(percent).unwrap_or_default(),
        sessions,
        shell,
    })
}

/// One row per bucket, one number per outcome.
fn fill(grid: &Grid, seen: &[Hour]) -> Vec<Vec<i64>> {
    let mut counts = vec![vec![0; OUTCOMES.len()]; grid.count];
    for hour in seen {
        let bucket = usize::try_from((hour.hour - grid.start).whole_seconds() / grid.length.whole_seconds().max(1)).ok();
        let place = OUTCOMES.iter().position(|outcome| outcome.0 == hour.outcome);
        if let Some(count) = bucket.and_then(|n| counts.get_mut(n)).zip(place).and_then(|(row, place)| row.get_mut(place)) {
            *count += hour.item_count;
        }
    }
    counts
}

/// `99.98 %`, rounded down: what is not whole never looks whole.
fn percent(share: f64) -> String {
    format!("{:.2} %", (share * 10_000.0).floor() / 100.0)
}

fn total(counts: &[Vec<i64>], wanted: impl Fn(&str) -> bool) -> i64 {
    let of_row = |row: &Vec<i64>| row.iter().zip(OUTCOMES).filter(|(_, outcome)| wanted(outcome.0)).map(|(count, _)| count).sum::<i64>();
    counts.iter().map(of_row).sum()
}

fn draw(grid: &Grid, counts: &[Vec<i64>], label: &str) -> Stacked {
    let classes: Vec<_> = OUTCOMES.iter().map(|outcome| outcome.1).collect();
    let mut chart = stacked(counts, &classes, PLOT, |n| format!("{}: {}", time_of(grid, n), words(&counts[n])));
    let sums: Vec<i64> = OUTCOMES.iter().map(|outcome| total(counts, |name| name == outcome.0)).collect();
    chart.label = format!("What became of everything in {label}: {}", words(&sums));
    let quarter = grid.count / 4;
    chart.axis = (0..4).map(|n| time_of(grid, n * quarter)).chain(["now".to_owned()]).collect();
    chart
}

fn time_of(grid: &Grid, n: usize) -> String {
    let at: OffsetDateTime = grid.start + grid.length * i32::try_from(n).unwrap_or(0);
    if grid.length >= Duration::DAY { format::date(at) } else { grid.title(n) }
}

/// `190 stored, 3 invalid`
fn words(row: &[i64]) -> String {
    let some: Vec<_> = row
        .iter()
        .zip(OUTCOMES)
        .filter(|(count, _)| **count > 0)
        .map(|(count, outcome)| format!("{} {}", format::grouped(*count), outcome.2.to_lowercase().replace("sdk", "SDK")))
        .collect();
    if some.is_empty() { "nothing".to_owned() } else { some.join(", ") }
}

fn legend(counts: &[Vec<i64>]) -> Vec<Legend> {
    OUTCOMES
        .iter()
        .map(|(name, class, label, meaning)| Legend { class, label, meaning, count: total(counts, |outcome| outcome == *name) })
        .filter(|legend| legend.count > 0)
        .collect()
}

fn row(of: Ending) -> Row {
    let label = OUTCOMES.iter().find(|outcome| outcome.0 == of.outcome).map_or("Other", |outcome| outcome.2);
    Row { of, label }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn hours_go_into_their_bucket_and_what_the_sdk_kept_was_not_sent() {
        let grid = Grid::ending(datetime!(2026-11-20 12:30 UTC), 24, 14);
        let hour = |hour, outcome: &str, item_count| Hour { hour, outcome: outcome.into(), item_count };
        let seen = [
            hour(datetime!(2026-11-20 01:00 UTC), "stored", 5),
            hour(datetime!(2026-11-20 12:00 UTC), "stored", 1),
            hour(datetime!(2026-11-20 12:00 UTC), "client_discard", 9),
            hour(datetime!(2026-11-19 23:00 UTC), "invalid", 2),
            hour(datetime!(2026-11-01 23:00 UTC), "invalid", 2),
        ];
        let counts = fill(&grid, &seen);
        assert_eq!(words(&counts[13]), "6 stored, 9 discarded by the SDK");
        assert_eq!(words(&counts[12]), "2 invalid");
        assert_eq!(words(&counts[0]), "nothing");
        assert_eq!(total(&counts, |outcome| outcome != "client_discard"), 8);
    }
}
