//! What the minute sweep writes: peaks and hot hours, incidents, alerts.

use std::collections::HashMap;

use sqlx::types::Json;
use time::{Duration, OffsetDateTime};

use super::Tx;
use super::spike_history::{Key, Speaker, split};
use super::text::clean;
use crate::domain::alert::{Kind, Numbers};
use crate::domain::ids::{AlertId, IssueId, ProjectId, RuleId};
use crate::domain::spike::Incident;

/// The last minute that was swept; `None` on a new installation.
pub async fn find_swept(tx: &mut Tx) -> sqlx::Result<Option<OffsetDateTime>> {
    sqlx::query_scalar!("SELECT swept_minute FROM spike_sweep").fetch_optional(&mut **tx).await
}

/// Notes that `minute` was swept.
pub async fn set_swept(tx: &mut Tx, minute: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO spike_sweep (swept_minute) VALUES ($1) ON CONFLICT (one_row) DO UPDATE SET swept_minute = excluded.swept_minute",
        minute
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Events of `minute` or later were counted only now: what was swept since then is to be swept again. Does nothing where none was.
pub async fn sweep_again(tx: &mut Tx, minute: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!("UPDATE spike_sweep SET swept_minute = $1 WHERE swept_minute > $1", minute - Duration::MINUTE).execute(&mut **tx).await?;
    Ok(())
}

/// Raises the peaks of the hour in which `minute` lies. Rows in key order, like every upsert of this table.
pub async fn raise_peaks(tx: &mut Tx, speakers: &[Speaker], minute: OffsetDateTime) -> sqlx::Result<()> {
    let (projects, issues) = split(&speakers.iter().map(|speaker| speaker.key).collect::<Vec<_>>());
    let peak = |w: usize| -> Vec<i32> { speakers.iter().map(|speaker| i32::try_from(speaker.capped[w]).unwrap_or(i32::MAX)).collect() };
    sqlx::query!(
        "INSERT INTO issue_hours (project_id, issue_id, hour, peak15, peak60)
         SELECT p, i, date_trunc('hour', $5::timestamptz, 'UTC'), a, b FROM unnest($1::int8[], $2::int8[], $3::int4[], $4::int4[]) AS k (p, i, a, b)
         WHERE b > 0 ORDER BY p, i
         ON CONFLICT (project_id, issue_id, hour) DO UPDATE SET
             peak15 = greatest(issue_hours.peak15, excluded.peak15), peak60 = greatest(issue_hours.peak60, excluded.peak60)
         WHERE excluded.peak15 > issue_hours.peak15 OR excluded.peak60 > issue_hours.peak60",
        &projects,
        &issues,
        &peak(0),
        &peak(1),
        minute
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Takes the hour of `minute` out of what is usual.
pub async fn mark_hot(tx: &mut Tx, keys: &[Key], minute: OffsetDateTime) -> sqlx::Result<()> {
    let (projects, issues) = split(keys);
    sqlx::query!(
        "INSERT INTO issue_hours (project_id, issue_id, hour, hot)
         SELECT p, i, date_trunc('hour', $3::timestamptz, 'UTC'), true FROM unnest($1::int8[], $2::int8[]) AS k (p, i) ORDER BY p, i
         ON CONFLICT (project_id, issue_id, hour) DO UPDATE SET hot = true WHERE NOT issue_hours.hot",
        &projects,
        &issues,
        minute
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The last day is ordinary after all: its level is accepted.
pub async fn mark_ordinary(tx: &mut Tx, key: Key, minute: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE issue_hours SET hot = false WHERE project_id = $1 AND issue_id = $2 AND hour > $3 AND hot",
        key.0.0,
        key.1.0,
        minute - Duration::hours(25)
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The incidents of these issues, going on or last. The second part: nothing is told before then.
pub async fn incidents(tx: &mut Tx, keys: &[Key]) -> sqlx::Result<HashMap<Key, (Incident, Option<OffsetDateTime>)>> {
    let (projects, issues) = split(keys);
    let rows = sqlx::query!(
        "SELECT s.project_id, s.issue_id, s.firing, s.quiet, s.since, s.peak60, s.last_high, s.count_at_mail, s.escalated, s.snoozed_until
         FROM unnest($1::int8[], $2::int8[]) AS k (project_id, issue_id)
         JOIN alert_states s ON s.project_id = k.project_id AND s.issue_id = k.issue_id",
        &projects,
        &issues
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let incident = Incident {
                firing: row.firing,
                quiet: row.quiet,
                since: minute_number(row.since),
                peak60: i64::from(row.peak60),
                last_high: minute_number(row.last_high),
                count_at_mail: i64::from(row.count_at_mail),
                escalated: row.escalated,
            };
            ((ProjectId(row.project_id), IssueId(row.issue_id)), (incident, row.snoozed_until))
        })
        .collect())
}

/// Stores the incident, and on the issue whether one is going on.
pub async fn save_incident(tx: &mut Tx, key: Key, incident: &Incident) -> sqlx::Result<()> {
    let small = |count: i64| i32::try_from(count).unwrap_or(i32::MAX);
    sqlx::query!(
        "INSERT INTO alert_states (project_id, issue_id, firing, quiet, since, peak60, last_high, count_at_mail, escalated)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (project_id, issue_id) DO UPDATE SET firing = excluded.firing, quiet = excluded.quiet, since = excluded.since,
             peak60 = excluded.peak60, last_high = excluded.last_high, count_at_mail = excluded.count_at_mail,
             escalated = excluded.escalated",
        key.0.0,
        key.1.0,
        incident.firing,
        incident.quiet,
        minute_start(incident.since),
        small(incident.peak60),
        minute_start(incident.last_high),
        small(incident.count_at_mail),
        incident.escalated
    )
    .execute(&mut **tx)
    .await?;
    let since = incident.firing.then(|| minute_start(incident.since));
    sqlx::query!(
        "UPDATE issues SET spiking_since = $3 WHERE project_id = $1 AND id = $2 AND spiking_since IS DISTINCT FROM $3",
        key.0.0,
        key.1.0,
        since
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// An alert about to be written down.
#[derive(Clone, Debug)]
pub struct NewAlert<'a> {
    /// About which issue.
    pub key: Key,
    /// The rule that was asked.
    pub rule_id: Option<RuleId>,
    /// Why.
    pub kind: Kind,
    /// Of the incident.
    pub since: OffsetDateTime,
    /// By the clock of the bucket.
    pub decided_at: OffsetDateTime,
    /// What justified it.
    pub numbers: &'a Numbers,
    /// `Some`: told to nobody, for this reason.
    pub held_reason: Option<&'a str>,
}

/// Writes it down; `None` if this incident has one of this kind already.
pub async fn insert_alert(tx: &mut Tx, alert: &NewAlert<'_>) -> sqlx::Result<Option<AlertId>> {
    let id = sqlx::query_scalar!(
        "INSERT INTO alerts (project_id, rule_id, issue_id, kind, since, decided_at, numbers, state, held_reason, settled_at)
         VALUES ($1, $2, $3, $4, $5, $6::timestamptz, $7, CASE WHEN $8::text IS NULL THEN 'pending' ELSE 'held' END, coalesce($8, ''),
                 CASE WHEN $8 IS NOT NULL THEN $6::timestamptz END)
         ON CONFLICT ON CONSTRAINT alerts_once_key DO NOTHING RETURNING id",
        alert.key.0.0,
        alert.rule_id.map(|id| id.0),
        alert.key.1.0,
        alert.kind.name(),
        alert.since,
        alert.decided_at,
        Json(alert.numbers) as _,
        alert.held_reason
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(id.map(AlertId))
}

/// A line in the issue's activity, by Bugle itself.
pub async fn insert_activity(tx: &mut Tx, key: Key, kind: &str, detail: &str, at: OffsetDateTime) -> sqlx::Result<()> {
    let detail = clean(detail);
    sqlx::query!(
        "INSERT INTO activities (project_id, issue_id, kind, detail, at) VALUES ($1, $2, $3, $4, $5)",
        key.0.0,
        key.1.0,
        kind,
        detail.as_ref() as &str,
        at
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// An issue that was ignored until it escalates is open again; `false` if it was not.
pub async fn reopen_ignored(tx: &mut Tx, key: Key, at: OffsetDateTime) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "UPDATE issues SET status = 'unresolved', status_at = $3, ignore_until = ''
         WHERE project_id = $1 AND id = $2 AND status = 'ignored' AND ignore_until = 'escalates'",
        key.0.0,
        key.1.0,
        at
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Minutes since the epoch.
pub fn minute_number(at: OffsetDateTime) -> i64 {
    at.unix_timestamp().div_euclid(60)
}

/// The start of a minute.
pub fn minute_start(minute: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(minute * 60).expect("minutes come from stored times")
}
