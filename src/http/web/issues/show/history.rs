//! The histogram of an issue: 60 hours, or 30 days where nothing happened in them.

use time::{Duration, OffsetDateTime};

use crate::http::web::charts::{Deploy, Histogram, histogram};
use crate::http::web::format;
use crate::http::web::issues::buckets::Grid;
use crate::store::chart_reads::Hour;
use crate::store::issue_reads::Issue;

/// Bars.
const COUNT: usize = 60;
/// Height of the highest bar, in pixels.
const PLOT: u32 = 34;
/// Hours of a bar in the long view: 60 of them are 30 days.
const LONG_HOURS: i64 = 12;

/// How far back hours are needed.
pub const REACH: Duration = Duration::days(31);

/// Hours when nothing or everything of the last 60 hours is known, else half days.
pub fn grid(issue: &Issue, now: OffsetDateTime) -> Grid {
    let short = Grid::ending(now, 1, COUNT);
    if issue.last_seen_at >= short.start { short } else { Grid::ending(now, LONG_HOURS, COUNT) }
}

/// Draws the hours with the releases first seen in their time.
pub fn draw(grid: &Grid, hours: &[Hour], releases: &[(String, OffsetDateTime)]) -> Histogram {
    let buckets = grid.fill(hours);
    let deploys: Vec<_> = releases.iter().map(|(name, at)| Deploy { at: grid.position(*at), name: format::short_release(name) }).collect();
    let mut chart = histogram(&buckets, PLOT, |n| grid.title(n), None, &deploys);
    let total: i64 = buckets.iter().map(|bucket| bucket.count).sum();
    let (unit, span) = if grid.length == Duration::HOUR { ("events an hour", "60 hours") } else { ("events in 12 hours", "30 days") };
    let first =
        buckets.iter().position(|bucket| bucket.count > 0).map(|n| format!(", the first after {}", grid.title(n))).unwrap_or_default();
    chart.label = format!("{} events in {span}{first}", format::grouped(total));
    chart.axis = vec![grid.title(0), format!("{unit}, {span}"), "now".to_owned()];
    chart
}
