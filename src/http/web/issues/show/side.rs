//! Beside an event: what the events of the issue have in common, and what happened to it.

use time::OffsetDateTime;

use crate::http::web::charts::{Share, distribution};
use crate::http::web::issues::address;
use crate::store::Db;
use crate::store::issue_parts::{self, Activity, TagCount};
use crate::store::issue_reads::Issue;

use super::text::cut;

/// Values of a tag in the side bar.
const VALUES_MAX: usize = 3;
/// Tags in the side bar.
const TAGS_MAX: usize = 6;
/// Activities on the page.
const ACTIVITIES_MAX: i64 = 20;

/// Values of one tag.
pub struct Distribution {
    /// The tag.
    pub key: String,
    /// Its values, the most frequent first.
    pub shares: Vec<Value>,
}

/// One value.
pub struct Value {
    /// As shown.
    pub text: String,
    /// The search for it; empty for the rest.
    pub href: String,
    /// Of the events with this tag.
    pub percent: i64,
    /// Events.
    pub count: i64,
}

/// Fewer events have everything in common.
const EVENTS_MIN: i64 = 10;

/// Nothing below [`EVENTS_MIN`]. Environment and release first, then tags: those with several values say more than those with one.
pub async fn distributions(db: &Db, issue: &Issue, base: &str) -> sqlx::Result<Vec<Distribution>> {
    if issue.event_count < EVENTS_MIN {
        return Ok(Vec::new());
    }
    let (project, id) = (issue.project_id, issue.id);
    let most = i64::try_from(VALUES_MAX).unwrap_or(i64::MAX) + 1;
    let environments = issue_parts::environments(db, project, id, most).await?;
    let releases = issue_parts::releases(db, project, id, most).await?;
    let mut tags = grouped(issue_parts::tags(db, project, id, most).await?);
    // `runtime` already says what `runtime.name` says.
    let keys: Vec<String> = tags.iter().map(|(key, ..)| format!("{key}.name")).collect();
    tags.retain(|(key, ..)| !matches!(key.as_str(), "environment" | "release" | "level") && !keys.contains(key));
    tags.sort_by_key(|(key, values, total)| (says_little(key, values, *total), values.len() < 2));
    let fields = [("environment", environments), ("release", releases)].map(|(key, values)| (key.to_owned(), values, issue.event_count));
    let all = fields.into_iter().chain(tags.into_iter().take(TAGS_MAX)).filter(|(_, values, _)| !values.is_empty());
    Ok(all.map(|(key, values, total)| of_key(&key, &values, total, VALUES_MAX, base)).collect())
}

/// How it was caught says less than what the application says of itself, and so does a tag that is different in almost every event.
fn says_little(key: &str, values: &[(String, i64)], total: i64) -> bool {
    let most = values.iter().map(|(_, count)| *count).max().unwrap_or(0);
    matches!(key, "handled" | "mechanism" | "runtime" | "server_name" | "url") || (values.len() > 1 && most.saturating_mul(20) < total)
}

/// The values of one tag with their searches.
pub fn of_key(key: &str, values: &[(String, i64)], total: i64, most: usize, base: &str) -> Distribution {
    let rest = if values.iter().filter(|(value, _)| !value.is_empty()).count() > most { "other values" } else { "not sent" };
    let value = |share: Share| Value {
        href: if share.value.is_empty() { String::new() } else { address::search_pair(base, key, &share.value) },
        text: if share.value.is_empty() { rest.to_owned() } else { cut(&share.value, 80) },
        percent: share.percent,
        count: share.count,
    };
    Distribution { key: cut(key, 80), shares: distribution(values, total, most).into_iter().map(value).collect() }
}

/// A tag, its values with their events, and the events that have the tag at all.
pub type Counted = (String, Vec<(String, i64)>, i64);

/// Puts the values of a tag together.
pub fn grouped(counts: Vec<TagCount>) -> Vec<Counted> {
    let mut tags: Vec<Counted> = Vec::new();
    for count in counts {
        match tags.last_mut() {
            Some((key, values, _)) if *key == count.key => values.push((count.value, count.event_count)),
            _ => tags.push((count.key, vec![(count.value, count.event_count)], count.key_count)),
        }
    }
    tags
}

/// One thing that happened, in words.
pub struct Happened {
    /// Somebody's id and name; `None`: Bugle itself.
    pub who: Option<(i64, String)>,
    /// `resolved it`
    pub what: String,
    /// When.
    pub at: OffsetDateTime,
    /// Name of the icon.
    pub icon: &'static str,
}

/// The newest activities.
pub async fn activities(db: &Db, issue: &Issue) -> sqlx::Result<Vec<Happened>> {
    let activities = issue_parts::activities(db, issue.project_id, issue.id, ACTIVITIES_MAX).await?;
    Ok(activities.into_iter().map(happened).collect())
}

fn happened(activity: Activity) -> Happened {
    let by = activity.user.is_some();
    let detail = cut(&activity.detail, 300);
    let (what, icon) = match (activity.kind.as_str(), detail.as_str()) {
        ("first_seen", "") => ("First seen".to_owned(), "pulse"),
        ("first_seen", release) => (format!("First seen in {release}"), "pulse"),
        ("resolved", _) => (said(by, "resolved this", "Resolved"), "check"),
        ("reopened", _) => (said(by, "reopened this", "Reopened"), "refresh"),
        ("ignored", "escalates") => (said(by, "ignored this until it escalates", "Ignored until it escalates"), "bell"),
        ("ignored", _) => (said(by, "ignored this", "Ignored"), "bell"),
        ("regressed", "") => ("Came back".to_owned(), "warn"),
        ("regressed", detail) => (format!("Came back: {detail}"), "warn"),
        ("merged", detail) => (said(by, &format!("merged {detail} into this"), &format!("Merged {detail} into this")), "branch"),
        ("split", detail) => (said(by, &format!("split {detail} off"), &format!("Split {detail} off")), "branch"),
        ("split_from", detail) => (said(by, &format!("split this off {detail}"), &format!("Split off {detail}")), "branch"),
        ("alerted", detail) => (format!("Alert: {detail}"), "mail"),
        (kind, detail) => (format!("{kind} {detail}").trim().to_owned(), "info"),
    };
    Happened { who: activity.user, what, at: activity.at, icon }
}

fn said(by: bool, with_name: &str, without: &str) -> String {
    if by { with_name } else { without }.to_owned()
}
