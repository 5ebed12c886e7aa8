//! Is it unusual right now? Events of the last hour against the usual of this hour, and the last 24 hours.

use time::{Duration, OffsetDateTime};

use crate::domain::ids::ProjectId;
use crate::http::web::charts::{Bucket, Histogram, histogram};
use crate::http::web::format;
use crate::http::web::issues::buckets::Grid;
use crate::http::web::issues::number::Number;
use crate::store::chart_reads::Hour;
use crate::store::{self, Db};

/// Days that make the usual, and the history that must be there before anything is called usual.
const USUAL_DAYS: i64 = 7;
/// A bar is hot from this multiple of the usual on, and from this many events on.
const HOT_FACTOR: f64 = 3.0;
const HOT_LEAST: i64 = 10;
/// Height of the highest bar, in pixels.
const PLOT: u32 = 40;

/// The card above the list.
pub struct Pulse {
    /// Events in the last hour.
    pub last_hour: Number,
    /// `3.8× the usual for this hour`; empty while there is too little history.
    pub comparison: String,
    /// The comparison is a reason to look.
    pub up: bool,
    /// The last 24 hours.
    pub chart: Histogram,
}

/// The card; `None` when there were no events in 24 hours.
pub async fn load(db: &Db, projects: &[ProjectId], now: OffsetDateTime) -> sqlx::Result<Option<Pulse>> {
    let hours = store::chart_reads::project_hours(db, projects, now - Duration::days(USUAL_DAYS + 1) - Duration::hours(1)).await?;
    let grid = Grid::ending(now, 1, 24);
    let buckets = grid.fill(&hours);
    if buckets.iter().all(|bucket| bucket.count == 0) {
        return Ok(None);
    }
    let first = store::chart_reads::first_hour(db, projects).await?;
    let known = first.is_some_and(|first| now - first >= Duration::days(USUAL_DAYS));
    let usual = known.then(|| usual(&grid, &hours));
    let last_hour = store::facets::events_since(db, projects, now - Duration::HOUR).await?;
    Ok(Some(draw(&grid, buckets, usual.as_deref(), last_hour)))
}

/// The usual of each of the 24 hours: the mean of the same hour in the days before.
fn usual(grid: &Grid, hours: &[Hour]) -> Vec<f64> {
    let of = |at: OffsetDateTime| {
        let same = |hour: &&Hour| (1..=USUAL_DAYS).any(|days| hour.at == at - Duration::days(days));
        let sum: i64 = hours.iter().filter(same).map(|hour| hour.event_count).sum();
        mean(sum)
    };
    (0..24).map(|n| of(grid.start + Duration::hours(n))).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a mean to compare with, not accounting")]
fn mean(sum: i64) -> f64 {
    sum as f64 / USUAL_DAYS as f64
}

#[expect(clippy::cast_precision_loss, reason = "a ratio to show, not accounting")]
fn ratio(count: i64, usual: f64) -> f64 {
    count as f64 / usual.max(0.1)
}

fn draw(grid: &Grid, mut buckets: Vec<Bucket>, usual: Option<&[f64]>, last_hour: i64) -> Pulse {
    for (n, bucket) in buckets.iter_mut().enumerate() {
        let hot = |usual: &[f64]| bucket.count >= HOT_LEAST && ratio(bucket.count, usual[n]) >= HOT_FACTOR;
        bucket.hot = usual.is_some_and(hot);
    }
    let now_usual = usual.and_then(|usual| usual.last().copied());
    let total: i64 = buckets.iter().map(|bucket| bucket.count).sum();
    let comparison = now_usual.map(|usual| compared(last_hour, usual)).unwrap_or_default();
    let mut chart = histogram(&buckets, PLOT, |n| grid.title(n), now_usual.filter(|usual| *usual >= 1.0), &[]);
    chart.label = format!("Events per hour over 24 hours: {} in all, {last_hour} in the last hour. {comparison}", format::grouped(total));
    chart.axis = [0, 6, 12, 18].iter().map(|&n| grid.title(n)).chain(["now".to_owned()]).collect();
    let up = now_usual.is_some_and(|usual| last_hour >= HOT_LEAST && ratio(last_hour, usual) >= HOT_FACTOR);
    Pulse { last_hour: last_hour.into(), comparison, up, chart }
}

/// The comparison in words.
fn compared(count: i64, usual: f64) -> String {
    if usual < 1.0 {
        return if count == 0 { "As usual for this hour".to_owned() } else { "Usually under 1 in this hour".to_owned() };
    }
    match ratio(count, usual) {
        ratio if ratio >= 1.5 => format!("{ratio:.1}× the usual for this hour"),
        ratio if ratio <= 0.5 => format!("Less than usual for this hour, {usual:.0}"),
        _ => format!("About the usual for this hour, {usual:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn the_usual_is_the_same_hour_of_the_days_before() {
        let now = datetime!(2026-11-20 09:41 UTC);
        let grid = Grid::ending(now, 1, 24);
        let hours: Vec<_> =
            (1..=8).map(|day| Hour { at: datetime!(2026-11-20 09:00 UTC) - Duration::days(day), event_count: 14, hot: false }).collect();
        assert_eq!(usual(&grid, &hours).last(), Some(&14.0));
        let mut buckets = vec![Bucket::default(); 24];
        buckets[23].count = 60;
        let pulse = draw(&grid, buckets.clone(), Some(&[14.0; 24]), 56);
        assert_eq!((pulse.comparison.as_str(), pulse.up, pulse.chart.bars[23].class), ("4.0× the usual for this hour", true, "hot"));
        let unknown = draw(&grid, buckets, None, 56);
        assert_eq!((unknown.comparison.as_str(), unknown.up, unknown.chart.bars[23].class), ("", false, ""));
    }
}
