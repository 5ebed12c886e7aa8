//! Issues, in Sentry's shape.

pub mod delete;
pub mod hashes;
pub mod list;
pub mod merge;
pub mod show;

use std::collections::HashMap;

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::error::ApiError;
use super::{projects, shape};
use crate::domain::issue::Status;
use crate::http::Doors;
use crate::store::chart_reads::{self, Hour};
use crate::store::issue_reads::Issue;

/// Points of the hourly chart.
const HOURS_SHOWN: i64 = 24;

/// The issues with their hourly charts.
pub async fn shaped_many(doors: &Doors, issues: &[Issue]) -> Result<Vec<Value>, ApiError> {
    let now = doors.clock.now();
    let keys: Vec<_> = issues.iter().map(|issue| (issue.project_id, issue.id)).collect();
    let mut hours = if keys.is_empty() { HashMap::new() } else { chart_reads::issue_hours(&doors.db, &keys, first_hour(now)).await? };
    let one = |issue: &Issue| shaped(issue, &hours.remove(&issue.id).unwrap_or_default(), now, &doors.config.url);
    Ok(issues.iter().map(one).collect())
}

fn shaped(issue: &Issue, hours: &[Hour], now: OffsetDateTime, base_url: &str) -> Value {
    json!({
        "id": issue.id.to_string(), "shortId": issue.short_id(), "title": issue.title(), "culprit": issue.culprit,
        "permalink": format!("{base_url}/issues/{}", issue.id), "shareId": null,
        "level": issue.level.name(), "status": issue.status.name(), "statusDetails": {}, "substatus": substatus(issue, now),
        "count": issue.event_count.to_string(), "userCount": issue.user_count,
        "firstSeen": shape::timestamp(issue.first_seen_at), "lastSeen": shape::timestamp(issue.last_seen_at),
        "type": kind(issue), "issueType": "error", "issueCategory": "error", "metadata": metadata(issue),
        "isUnhandled": issue.handled == Some(false), "platform": shape::text_or_null(Some(&issue.platform)),
        "project": projects::reference(issue.project_id, &issue.project_slug, &issue.project_name, &issue.platform),
        "logger": shape::text_or_null(Some(&issue.logger)), "numComments": 0, "assignedTo": null, "isBookmarked": false,
        "isSubscribed": false, "isPublic": false, "hasSeen": false, "annotations": [],
        "stats": { "24h": points(hours, now) },
    })
}

fn kind(issue: &Issue) -> &'static str {
    if issue.type_.is_empty() { "default" } else { "error" }
}

fn metadata(issue: &Issue) -> Value {
    if issue.type_.is_empty() {
        return json!({ "title": issue.value });
    }
    let filename = issue.location.rsplit_once(':').map_or(issue.location.as_str(), |(file, _)| file);
    json!({ "type": issue.type_, "value": issue.value, "filename": filename, "function": issue.function })
}

/// Sentry's finer states.
fn substatus(issue: &Issue, now: OffsetDateTime) -> Option<&'static str> {
    match issue.status {
        Status::Resolved => None,
        Status::Ignored if issue.ignore_until == "escalates" => Some("archived_until_escalating"),
        Status::Ignored => Some("archived_forever"),
        Status::Unresolved if issue.spiking_since.is_some() => Some("escalating"),
        Status::Unresolved if issue.is_regressed() => Some("regressed"),
        Status::Unresolved if issue.is_new(now) => Some("new"),
        Status::Unresolved => Some("ongoing"),
    }
}

fn first_hour(now: OffsetDateTime) -> OffsetDateTime {
    let this_hour = now.unix_timestamp().div_euclid(3_600) * 3_600;
    let this_hour = OffsetDateTime::from_unix_timestamp(this_hour).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    this_hour - Duration::hours(HOURS_SHOWN - 1)
}

/// `[seconds, events]` for each of the last 24 hours, the current one last.
fn points(hours: &[Hour], now: OffsetDateTime) -> Vec<(i64, i64)> {
    let counts: HashMap<i64, i64> = hours.iter().map(|hour| (hour.at.unix_timestamp(), hour.event_count)).collect();
    let first = first_hour(now).unix_timestamp();
    (0..HOURS_SHOWN).map(|n| first + n * 3_600).map(|at| (at, counts.get(&at).copied().unwrap_or(0))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn the_chart_has_every_hour_of_the_last_day() {
        let now = datetime!(2026-11-20 12:34 UTC);
        let points = points(&[Hour { at: datetime!(2026-11-20 12:00 UTC), event_count: 7, hot: false }], now);
        assert_eq!((points.len(), points[0].1, points[23]), (24, 0, (datetime!(2026-11-20 12:00 UTC).unix_timestamp(), 7)));
    }
}
