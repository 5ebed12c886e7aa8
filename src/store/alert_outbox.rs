//! From decided to mailed: pending alerts, the pace of their project, receivers.

use std::collections::HashSet;

use sqlx::PgExecutor;
use sqlx::types::Json;
use time::{Duration, OffsetDateTime};

use super::Tx;
use crate::domain::alert::{Kind, Numbers};
use crate::domain::alert_rule::Recipients;
use crate::domain::ids::{AlertId, IssueId, ProjectId, RuleId, UserId};
use crate::domain::issue::Status;
use crate::domain::level::Level;
use crate::domain::pacing::{self, Pace};

/// At most this many alerts of a project are folded at once; the rest waits for the next run.
const FOLD_MAX: i64 = 500;

/// The projects that have something to tell.
pub async fn waiting_projects(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<ProjectId>> {
    let ids =
        sqlx::query_scalar!("SELECT DISTINCT project_id FROM alerts WHERE state = 'pending' ORDER BY project_id").fetch_all(db).await?;
    Ok(ids.into_iter().map(ProjectId).collect())
}

/// The project's pace. Locks it, so that one node at a time folds the project.
pub async fn lock_pace(tx: &mut Tx, project: ProjectId) -> sqlx::Result<Pace> {
    sqlx::query!("INSERT INTO alert_pacing (project_id) VALUES ($1) ON CONFLICT (project_id) DO NOTHING", project.0)
        .execute(&mut **tx)
        .await?;
    let row = sqlx::query!(
        "SELECT last_mail_at, storm_since, storm_held_at, storm_digest_at FROM alert_pacing WHERE project_id = $1 FOR UPDATE",
        project.0
    )
    .fetch_one(&mut **tx)
    .await?;
    let seconds = |at: Option<OffsetDateTime>| at.map(OffsetDateTime::unix_timestamp);
    Ok(Pace {
        last_mail: seconds(row.last_mail_at),
        storm_since: seconds(row.storm_since),
        storm_held: seconds(row.storm_held_at),
        storm_digest: seconds(row.storm_digest_at),
    })
}

/// Stores the project's pace.
pub async fn save_pace(tx: &mut Tx, project: ProjectId, pace: &Pace) -> sqlx::Result<()> {
    let at = |seconds: Option<i64>| seconds.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    sqlx::query!(
        "UPDATE alert_pacing SET last_mail_at = $2, storm_since = $3, storm_held_at = $4, storm_digest_at = $5 WHERE project_id = $1",
        project.0,
        at(pace.last_mail),
        at(pace.storm_since),
        at(pace.storm_held),
        at(pace.storm_digest)
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What the pace is decided on, besides what is pending.
#[derive(Clone, Copy, Debug)]
pub struct Traffic {
    /// When the project was made.
    pub project_created_at: OffsetDateTime,
    /// Alerts decided within [`pacing::RECENT`], not held back.
    pub recent_count: i64,
    /// Mails in the last hour.
    pub mails_in_hour: i64,
    /// Mails in the last day.
    pub mails_in_day: i64,
}

/// Counts the project's alerts and mails up to `now`.
pub async fn traffic(tx: &mut Tx, project: ProjectId, now: OffsetDateTime) -> sqlx::Result<Traffic> {
    sqlx::query_as!(
        Traffic,
        r#"SELECT p.created_at AS project_created_at,
                  (SELECT count(*) FROM alerts WHERE project_id = $1 AND state <> 'held' AND decided_at > $2) AS "recent_count!",
                  (SELECT count(DISTINCT mail_ref) FROM alerts WHERE project_id = $1 AND state = 'mailed' AND settled_at > $3
                      AND decided_at > $5) AS "mails_in_hour!",
                  (SELECT count(DISTINCT mail_ref) FROM alerts WHERE project_id = $1 AND state = 'mailed' AND settled_at > $4
                      AND decided_at > $5) AS "mails_in_day!"
           FROM projects p WHERE p.id = $1"#,
        project.0,
        now - Duration::seconds(pacing::RECENT),
        now - Duration::HOUR,
        now - Duration::DAY,
        now - Duration::days(3)
    )
    .fetch_one(&mut **tx)
    .await
}

/// An alert that waits to be mailed, with what a mail says about its issue.
#[derive(Clone, Debug)]
pub struct PendingAlert {
    /// Its row.
    pub id: AlertId,
    /// Why.
    pub kind: Kind,
    /// Of the incident.
    pub since: OffsetDateTime,
    /// When it was decided.
    pub decided_at: OffsetDateTime,
    /// What justified it.
    pub numbers: Numbers,
    /// The rule that was asked, its name and whom it tells.
    pub rule: Option<(RuleId, String, Recipients)>,
    /// The issue as it is now.
    pub issue: AlertedIssue,
}

/// What a mail says about an issue.
#[derive(Clone, Debug)]
pub struct AlertedIssue {
    /// Its row.
    pub id: IssueId,
    /// `SHOP-431`.
    pub short_id: String,
    /// Exception type, or empty for a message.
    pub type_: String,
    /// First line of the value or message.
    pub value: String,
    /// Where, in words.
    pub culprit: String,
    /// `file:line` of the failing frame.
    pub location: String,
    /// Its function.
    pub function: String,
    /// Of the latest event.
    pub level: Level,
    /// What people decided meanwhile.
    pub status: Status,
    /// Events so far.
    pub event_count: i64,
    /// People so far.
    pub user_count: i64,
    /// First event.
    pub first_seen_at: OffsetDateTime,
    /// In which release it was first seen.
    pub first_release: Option<String>,
    /// In which release it was last seen.
    pub last_release: Option<String>,
}

/// The project's pending alerts, oldest first.
pub async fn pending(tx: &mut Tx, project: ProjectId) -> sqlx::Result<Vec<PendingAlert>> {
    let rows = sqlx::query!(
        r#"SELECT a.id, a.kind, a.since, a.decided_at, a.numbers AS "numbers: Json<Numbers>",
                  r.id AS "rule_id?", r.name AS "rule_name?", r.recipients AS "recipients?",
                  i.id AS issue_id, p.short_prefix, i.type AS type_, i.value, i.culprit, i.location, i.function, i.level, i.status,
                  i.event_count, i.user_count, i.first_seen_at, i.first_release, i.last_release
           FROM alerts a
           JOIN projects p ON p.id = a.project_id
           JOIN issues i ON i.project_id = a.project_id AND i.id = a.issue_id
           LEFT JOIN alert_rules r ON r.project_id = a.project_id AND r.id = a.rule_id
           WHERE a.project_id = $1 AND a.state = 'pending' ORDER BY a.decided_at, a.id LIMIT $2"#,
        project.0,
        FOLD_MAX
    )
    .fetch_all(&mut **tx)
    .await?;
    let read = |kind: &str| {
        Kind::parse(kind).ok_or_else(|| sqlx::Error::ColumnDecode { index: "alerts.kind".to_owned(), source: kind.to_owned().into() })
    };
    rows.into_iter()
        .map(|row| {
            Ok(PendingAlert {
                id: AlertId(row.id),
                kind: read(&row.kind)?,
                since: row.since,
                decided_at: row.decided_at,
                numbers: row.numbers.0,
                rule: row
                    .rule_id
                    .zip(row.rule_name)
                    .zip(row.recipients)
                    .map(|((id, name), recipients)| (RuleId(id), name, Recipients::parse(&recipients))),
                issue: AlertedIssue {
                    id: IssueId(row.issue_id),
                    short_id: format!("{}-{}", row.short_prefix, row.issue_id),
                    type_: row.type_,
                    value: row.value,
                    culprit: row.culprit,
                    location: row.location,
                    function: row.function,
                    level: Level::from_number(i64::from(row.level)).unwrap_or_default(),
                    status: Status::parse(&row.status).unwrap_or_default(),
                    event_count: row.event_count,
                    user_count: row.user_count,
                    first_seen_at: row.first_seen_at,
                    first_release: row.first_release,
                    last_release: row.last_release,
                },
            })
        })
        .collect()
}

/// Holds back alerts whose issue is gone: nothing can be said about it any more.
pub async fn hold_orphans(tx: &mut Tx, project: ProjectId, now: OffsetDateTime) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "UPDATE alerts a SET state = 'held', held_reason = 'the issue was deleted', settled_at = $2
         WHERE a.project_id = $1 AND a.state = 'pending'
           AND NOT EXISTS (SELECT FROM issues i WHERE i.project_id = a.project_id AND i.id = a.issue_id)",
        project.0,
        now
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}

/// The alerts left in the mails of `mail_ref`.
pub async fn settle_mailed(tx: &mut Tx, project: ProjectId, alerts: &[AlertId], mail_ref: &str, now: OffsetDateTime) -> sqlx::Result<()> {
    if alerts.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = alerts.iter().map(|id| id.0).collect();
    sqlx::query!(
        "UPDATE alerts SET state = 'mailed', mail_ref = $3, settled_at = $4
         WHERE project_id = $1 AND id = ANY($2) AND state = 'pending'",
        project.0,
        &ids,
        mail_ref,
        now
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The alert was told, but not to everybody, for this reason.
pub async fn note_untold(tx: &mut Tx, project: ProjectId, alerts: &[AlertId], reason: &str) -> sqlx::Result<()> {
    if alerts.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = alerts.iter().map(|id| id.0).collect();
    sqlx::query!("UPDATE alerts SET held_reason = $3 WHERE project_id = $1 AND id = ANY($2)", project.0, &ids, reason)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The alerts are told to nobody, for this reason.
pub async fn settle_held(tx: &mut Tx, project: ProjectId, alerts: &[AlertId], reason: &str, now: OffsetDateTime) -> sqlx::Result<()> {
    if alerts.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = alerts.iter().map(|id| id.0).collect();
    sqlx::query!(
        "UPDATE alerts SET state = 'held', held_reason = $3, settled_at = $4
         WHERE project_id = $1 AND id = ANY($2) AND state = 'pending'",
        project.0,
        &ids,
        reason,
        now
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What the project is called in addresses and subjects.
pub async fn slug(tx: &mut Tx, project: ProjectId) -> sqlx::Result<String> {
    sqlx::query_scalar!("SELECT slug FROM projects WHERE id = $1", project.0).fetch_one(&mut **tx).await
}

/// Somebody who may get mail of a project.
#[derive(Clone, Debug)]
pub struct Receiver {
    /// Who.
    pub id: UserId,
    /// Where to.
    pub email: String,
    /// What to call them.
    pub name: String,
    /// May resolve issues.
    pub may_work: bool,
}

/// The members of the project who accepted their invitation and are not disabled.
pub async fn receivers(tx: &mut Tx, project: ProjectId) -> sqlx::Result<Vec<Receiver>> {
    let rows = sqlx::query!(
        "SELECT u.id, u.email, u.name, u.role FROM project_members m JOIN users u ON u.id = m.user_id
         WHERE m.project_id = $1 AND u.disabled_at IS NULL AND u.password_hash IS NOT NULL ORDER BY u.id",
        project.0
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Receiver {
            id: UserId(row.id),
            email: row.email,
            name: row.name,
            may_work: crate::domain::user::Role::parse(&row.role).is_some_and(crate::domain::user::Role::may_work),
        })
        .collect())
}

/// Who muted which of these issues.
pub async fn mutes(tx: &mut Tx, project: ProjectId, issues: &[IssueId]) -> sqlx::Result<HashSet<(IssueId, UserId)>> {
    let ids: Vec<i64> = issues.iter().map(|id| id.0).collect();
    let rows = sqlx::query!("SELECT issue_id, user_id FROM issue_mutes WHERE project_id = $1 AND issue_id = ANY($2)", project.0, &ids)
        .fetch_all(&mut **tx)
        .await?;
    Ok(rows.into_iter().map(|row| (IssueId(row.issue_id), UserId(row.user_id))).collect())
}

/// No more mail about the issue for this person; `false` if it was so already.
pub async fn mute(tx: &mut Tx, project: ProjectId, issue: IssueId, user: UserId, now: OffsetDateTime) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO issue_mutes (project_id, issue_id, user_id, muted_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        project.0,
        issue.0,
        user.0,
        now
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Under which reference the issue was first mailed, for threading.
pub async fn first_mail_ref(tx: &mut Tx, project: ProjectId, issue: IssueId) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "SELECT mail_ref FROM alerts WHERE project_id = $1 AND issue_id = $2 AND state = 'mailed' ORDER BY settled_at, id LIMIT 1",
        project.0,
        issue.0
    )
    .fetch_optional(&mut **tx)
    .await
}

/// The newest event of the issue that is kept.
#[derive(Clone, Debug)]
pub struct LatestEvent {
    /// Where it ran.
    pub environment: Option<String>,
    /// Route, task or command.
    pub transaction: Option<String>,
    /// For `store::payload::decode`.
    pub dictionary_id: i32,
    /// See `dictionary_id`.
    pub payload: Vec<u8>,
}

/// Reads it.
pub async fn latest_event(tx: &mut Tx, project: ProjectId, issue: IssueId) -> sqlx::Result<Option<LatestEvent>> {
    sqlx::query_as!(
        LatestEvent,
        "SELECT environment, transaction, dictionary_id, payload FROM events
         WHERE project_id = $1 AND issue_id = $2 ORDER BY received_at DESC, event_id DESC LIMIT 1",
        project.0,
        issue.0
    )
    .fetch_optional(&mut **tx)
    .await
}

/// Events of the last 24 hours, by hour, oldest first, and whether each hour was part of an alert.
pub async fn last_day(tx: &mut Tx, project: ProjectId, issue: IssueId, now: OffsetDateTime) -> sqlx::Result<Vec<(i64, bool)>> {
    let rows = sqlx::query!(
        r#"SELECT coalesce(h.clean_count, 0) AS "count!", coalesce(h.hot, false) AS "hot!"
           FROM generate_series(date_trunc('hour', $3::timestamptz, 'UTC') - interval '23 hours',
                                date_trunc('hour', $3::timestamptz, 'UTC'), interval '1 hour') AS g (hour)
           LEFT JOIN issue_hours h ON h.project_id = $1 AND h.issue_id = $2 AND h.hour = g.hour ORDER BY g.hour"#,
        project.0,
        issue.0,
        now
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.count, row.hot)).collect())
}
