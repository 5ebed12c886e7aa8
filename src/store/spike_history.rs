//! What the spike detector reads: sums of minutes, hours of the past, people.

use std::collections::{HashMap, HashSet};

use time::{Duration, OffsetDateTime};

use super::Tx;
use crate::domain::ids::{IssueId, ProjectId};
use crate::domain::issue::{IgnoreUntil, Status};
use crate::domain::level::Level;
use crate::domain::spike::{Hour, REFERENCE_HOURS, start};

/// Loud projects are judged by this many of their issues, the busiest: enough for a middle half.
const NEIGHBOURS_MAX: i64 = 200;

/// Project and issue: the key of everything here.
pub type Key = (ProjectId, IssueId);

/// An issue that got events in a minute, or whose incident is going on, with its rolling sums at the end of that minute.
#[derive(Clone, Copy, Debug)]
pub struct Speaker {
    /// Which.
    pub key: Key,
    /// Clean events of the last 15 and 60 minutes.
    pub clean: [i64; 2],
    /// Capped events of the last 15 and 60 minutes.
    pub capped: [i64; 2],
}

/// The issues to look at for `minute`.
pub async fn speakers(tx: &mut Tx, minute: OffsetDateTime) -> sqlx::Result<Vec<Speaker>> {
    let rows = sqlx::query!(
        r#"SELECT i.project_id AS "project_id!", i.issue_id AS "issue_id!",
                  coalesce(sum(m.clean_count) FILTER (WHERE m.minute > $1::timestamptz - interval '15 minutes'), 0)::int8 AS "clean15!",
                  coalesce(sum(m.clean_count), 0)::int8 AS "clean60!",
                  coalesce(sum(m.capped_count) FILTER (WHERE m.minute > $1::timestamptz - interval '15 minutes'), 0)::int8 AS "capped15!",
                  coalesce(sum(m.capped_count), 0)::int8 AS "capped60!"
           FROM (SELECT project_id, issue_id FROM issue_minutes WHERE minute = $1
                 UNION SELECT project_id, issue_id FROM alert_states WHERE firing) AS i
           LEFT JOIN issue_minutes m ON m.project_id = i.project_id AND m.issue_id = i.issue_id
                                    AND m.minute > $1::timestamptz - interval '60 minutes' AND m.minute <= $1
           GROUP BY i.project_id, i.issue_id ORDER BY i.project_id, i.issue_id"#,
        minute
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Speaker {
            key: (ProjectId(row.project_id), IssueId(row.issue_id)),
            clean: [row.clean15, row.clean60],
            capped: [row.capped15, row.capped60],
        })
        .collect())
}

/// What is known of an issue besides its counts.
#[derive(Clone, Debug)]
pub struct Suspect {
    /// Which.
    pub key: Key,
    /// What people decided.
    pub status: Status,
    /// `None` unless ignored.
    pub ignore_until: Option<IgnoreUntil>,
    /// Of the latest event.
    pub level: Level,
    /// First event.
    pub first_seen_at: OffsetDateTime,
    /// Since when the project is watched.
    pub watched_since: OffsetDateTime,
    /// Events so far.
    pub event_count: i64,
    /// People so far.
    pub user_count: i64,
    /// Of the latest event that had one.
    pub last_release: Option<String>,
    /// Environments of the last hour, the latest first.
    pub environments: Vec<String>,
    /// Distinct people of the last hour.
    pub people60: i64,
    /// Events of these people, roughly of the last hour.
    pub people_events: i64,
}

/// What the detector must know of issues that passed the count of the gate.
pub async fn suspects(tx: &mut Tx, keys: &[Key], minute: OffsetDateTime) -> sqlx::Result<Vec<Suspect>> {
    let (projects, issues) = split(keys);
    let rows = sqlx::query!(
        r#"SELECT i.project_id, i.id, i.status, i.ignore_until, i.level, i.first_seen_at, i.event_count, i.user_count, i.last_release,
                  least(p.created_at, p.first_event_at) AS "watched_since!",
                  ARRAY(SELECT e.environment FROM issue_environments e WHERE e.project_id = i.project_id AND e.issue_id = i.id
                        AND e.last_seen_at > $3::timestamptz - interval '60 minutes' ORDER BY e.last_seen_at DESC LIMIT 20) AS "environments!",
                  (SELECT count(DISTINCT q.person) FROM issue_quarter_people q WHERE q.project_id = i.project_id AND q.issue_id = i.id
                        AND q.quarter > $3::timestamptz - interval '75 minutes' AND q.last_seen_at > $3::timestamptz - interval '59 minutes') AS "people60!",
                  (SELECT coalesce(sum(q.event_count), 0)::int8 FROM issue_quarter_people q
                        WHERE q.project_id = i.project_id AND q.issue_id = i.id
                        AND q.quarter > $3::timestamptz - interval '75 minutes') AS "people_events!"
           FROM unnest($1::int8[], $2::int8[]) AS k (project_id, issue_id)
           JOIN issues i ON i.project_id = k.project_id AND i.id = k.issue_id
           JOIN projects p ON p.id = i.project_id
           ORDER BY i.project_id, i.id"#,
        &projects,
        &issues,
        minute
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Suspect {
            key: (ProjectId(row.project_id), IssueId(row.id)),
            status: Status::parse(&row.status).unwrap_or_default(),
            ignore_until: IgnoreUntil::parse(&row.ignore_until),
            level: Level::from_number(i64::from(row.level)).unwrap_or_default(),
            first_seen_at: row.first_seen_at,
            watched_since: row.watched_since,
            event_count: row.event_count,
            user_count: row.user_count,
            last_release: row.last_release,
            environments: row.environments,
            people60: row.people60,
            people_events: row.people_events,
        })
        .collect())
}

/// The stored hours before the hour of `minute`, as far back as the reference goes.
pub async fn hours(tx: &mut Tx, keys: &[Key], minute: OffsetDateTime) -> sqlx::Result<HashMap<Key, Vec<Hour>>> {
    let (projects, issues) = split(keys);
    let until = start_of_hour(minute);
    let rows = sqlx::query!(
        "SELECT h.project_id, h.issue_id, h.hour, h.clean_count, h.peak15, h.peak60, h.hot
         FROM unnest($1::int8[], $2::int8[]) AS k (project_id, issue_id)
         JOIN issue_hours h ON h.project_id = k.project_id AND h.issue_id = k.issue_id AND h.hour >= $3 AND h.hour < $4",
        &projects,
        &issues,
        until - Duration::hours(REFERENCE_HOURS),
        until
    )
    .fetch_all(&mut **tx)
    .await?;
    let mut found: HashMap<Key, Vec<Hour>> = HashMap::new();
    for row in rows {
        found.entry((ProjectId(row.project_id), IssueId(row.issue_id))).or_default().push(Hour {
            hour: hour_number(row.hour),
            clean: row.clean_count,
            peaks: [i64::from(row.peak15), i64::from(row.peak60)],
            hot: row.hot,
        });
    }
    Ok(found)
}

/// Capped events by minute, up to `minute` and as far back as a run is followed.
pub async fn run(tx: &mut Tx, key: Key, minute: OffsetDateTime) -> sqlx::Result<Vec<(OffsetDateTime, i64)>> {
    let rows = sqlx::query!(
        "SELECT minute, capped_count FROM issue_minutes WHERE project_id = $1 AND issue_id = $2 AND minute > $3 AND minute <= $4",
        key.0.0,
        key.1.0,
        minute - Duration::minutes(start::REACH + 15),
        minute
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.minute, i64::from(row.capped_count))).collect())
}

/// The hours in which events of the project were refused: silence in them is no silence.
pub async fn cut_hours(tx: &mut Tx, project: ProjectId, minute: OffsetDateTime) -> sqlx::Result<HashSet<i64>> {
    let rows = sqlx::query_scalar!(
        "SELECT DISTINCT hour FROM project_outcomes WHERE project_id = $1 AND hour >= $2 AND category = 'error' AND outcome = 'rate_limited'",
        project.0,
        start_of_hour(minute) - Duration::hours(REFERENCE_HOURS)
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(hour_number).collect())
}

/// An issue of the project that tells how busy the project is.
#[derive(Clone, Copy, Debug)]
pub struct Neighbour {
    /// Which.
    pub key: Key,
    /// First event.
    pub first_seen_at: OffsetDateTime,
    /// Capped events of the last 15 and 60 minutes.
    pub capped: [i64; 2],
}

/// Issues with an event in the last 6 hours that are at least 72 hours old.
pub async fn neighbours(tx: &mut Tx, project: ProjectId, minute: OffsetDateTime) -> sqlx::Result<Vec<Neighbour>> {
    let rows = sqlx::query!(
        r#"SELECT i.id, i.first_seen_at,
                  coalesce(sum(m.capped_count) FILTER (WHERE m.minute > $2::timestamptz - interval '15 minutes'), 0)::int8 AS "capped15!",
                  coalesce(sum(m.capped_count), 0)::int8 AS "capped60!"
           FROM (SELECT id, first_seen_at FROM issues WHERE project_id = $1 AND last_seen_at > $2::timestamptz - interval '6 hours'
                 AND first_seen_at <= $2::timestamptz - interval '72 hours' ORDER BY event_count DESC LIMIT $3) AS i
           LEFT JOIN issue_minutes m ON m.project_id = $1 AND m.issue_id = i.id
                                    AND m.minute > $2::timestamptz - interval '60 minutes' AND m.minute <= $2
           GROUP BY i.id, i.first_seen_at"#,
        project.0,
        minute,
        NEIGHBOURS_MAX
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Neighbour { key: (project, IssueId(row.id)), first_seen_at: row.first_seen_at, capped: [row.capped15, row.capped60] })
        .collect())
}

/// Hours since the epoch.
pub fn hour_number(at: OffsetDateTime) -> i64 {
    at.unix_timestamp().div_euclid(3_600)
}

fn start_of_hour(at: OffsetDateTime) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(hour_number(at) * 3_600).expect("an hour near a valid time is valid")
}

pub(super) fn split(keys: &[Key]) -> (Vec<i64>, Vec<i64>) {
    keys.iter().map(|(project, issue)| (project.0, issue.0)).unzip()
}
