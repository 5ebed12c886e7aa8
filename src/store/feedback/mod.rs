//! `feedback`: what people say, as they sent it, scrubbed. Writing and forgetting; lists are in [`reads`].

use std::collections::HashSet;

use sqlx::PgExecutor;
use time::OffsetDateTime;
use uuid::Uuid;

use super::text::clean_cut;
use super::{Db, Tx};
use crate::domain::event_id::EventId;
use crate::domain::ids::{ProjectId, UserId};

pub mod reads;

/// Longest message, in bytes; SDKs allow 4,096 characters.
const MESSAGE_LEN_MAX: usize = 16 * 1_024;
/// Longest of the other texts, in bytes.
const TEXT_LEN_MAX: usize = 1_000;
/// Reports that are looked at for their events at a time.
const WAITING_MAX: i64 = 1_000;

/// A report to store.
#[derive(Clone, Debug)]
pub struct NewFeedback {
    /// Whose.
    pub project_id: ProjectId,
    /// The same for the same report.
    pub feedback_id: EventId,
    /// When it arrived.
    pub received_at: OffsetDateTime,
    /// What it is about.
    pub event_id: Option<EventId>,
    /// Of the person.
    pub name: String,
    /// Of the person, as typed.
    pub email: String,
    /// What they say.
    pub message: String,
    /// Where they were.
    pub url: String,
    /// Deployment.
    pub environment: String,
    /// Version.
    pub release: String,
}

/// Stores reports and tells which are new. In the order of the key.
pub async fn insert(tx: &mut Tx, reports: &[&NewFeedback]) -> sqlx::Result<HashSet<(ProjectId, EventId)>> {
    let mut reports = reports.to_vec();
    reports.sort_by_key(|report| (report.project_id, report.feedback_id));
    let texts =
        |of: fn(&NewFeedback) -> &str, len: usize| reports.iter().map(|report| clean_cut(of(report).trim(), len)).collect::<Vec<_>>();
    let rows = sqlx::query!(
        r#"
        INSERT INTO feedback (project_id, feedback_id, received_at, event_id, name, email, message, url, environment, release)
        SELECT project_id, feedback_id, received_at, event_id, name, email, message, url, environment, release
        FROM unnest($1::int8[], $2::uuid[], $3::timestamptz[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
            $10::text[])
            AS u (project_id, feedback_id, received_at, event_id, name, email, message, url, environment, release)
        ON CONFLICT (project_id, feedback_id) DO NOTHING
        RETURNING project_id, feedback_id
        "#,
        &reports.iter().map(|report| report.project_id.0).collect::<Vec<_>>(),
        &reports.iter().map(|report| report.feedback_id.0).collect::<Vec<_>>(),
        &reports.iter().map(|report| report.received_at).collect::<Vec<_>>(),
        &reports.iter().map(|report| report.event_id.map(|id| id.0)).collect::<Vec<_>>() as &[Option<Uuid>],
        &texts(|report| &report.name, TEXT_LEN_MAX),
        &texts(|report| &report.email, TEXT_LEN_MAX),
        &texts(|report| &report.message, MESSAGE_LEN_MAX),
        &texts(|report| &report.url, TEXT_LEN_MAX),
        &texts(|report| &report.environment, TEXT_LEN_MAX),
        &texts(|report| &report.release, TEXT_LEN_MAX),
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| (ProjectId(row.project_id), EventId(row.feedback_id))).collect())
}

/// Finds the issues of reports that arrived since `since` and whose event is there by now. Tells how many.
pub async fn find_issues(tx: &mut Tx, since: OffsetDateTime) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"
        UPDATE feedback f
        SET issue_id = e.issue_id
        FROM (
            SELECT project_id, feedback_id, event_id
            FROM feedback
            WHERE issue_id IS NULL AND event_id IS NOT NULL AND received_at > $1
            ORDER BY received_at DESC
            LIMIT $2
        ) AS w
        JOIN event_ids k ON k.project_id = w.project_id AND k.event_id = w.event_id
        JOIN events e ON e.project_id = k.project_id AND e.event_id = k.event_id AND e.received_at = k.received_at
        WHERE f.project_id = w.project_id AND f.feedback_id = w.feedback_id
        "#,
        since,
        WAITING_MAX
    );
    Ok(done.execute(&mut **tx).await?.rows_affected())
}

/// Notes that somebody has taken care of a report, or with `None` that nobody has. `false`: it is not there.
pub async fn set_handled(tx: &mut Tx, project: ProjectId, id: EventId, by: Option<(UserId, OffsetDateTime)>) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "UPDATE feedback SET handled_at = $3, handled_by = $4 WHERE project_id = $1 AND feedback_id = $2",
        project.0,
        id.0,
        by.map(|(_, at)| at),
        by.map(|(user, _)| user.0)
    );
    Ok(done.execute(&mut **tx).await?.rows_affected() > 0)
}

/// Deletes a report. `false`: it was not there.
pub async fn delete(tx: &mut Tx, project: ProjectId, id: EventId) -> sqlx::Result<bool> {
    let done = sqlx::query!("DELETE FROM feedback WHERE project_id = $1 AND feedback_id = $2", project.0, id.0);
    Ok(done.execute(&mut **tx).await?.rows_affected() > 0)
}

/// Forgets at most `limit` reports that arrived before `before`.
pub async fn trim(db: &Db, before: OffsetDateTime, limit: i64) -> sqlx::Result<u64> {
    // By the index, which says where old rows may lie.
    let mut tx = super::begin_keyed(db).await?;
    let done = sqlx::query!(
        "DELETE FROM feedback WHERE ctid = ANY (ARRAY(SELECT ctid FROM feedback WHERE received_at < $1 LIMIT $2))",
        before,
        limit
    );
    let count = done.execute(&mut *tx).await?.rows_affected();
    tx.commit().await?;
    Ok(count)
}

/// Forgets at most `limit` reports of a project that arrived before `before`.
pub async fn trim_of_project(db: impl PgExecutor<'_>, project: ProjectId, before: OffsetDateTime, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"
        DELETE FROM feedback
        WHERE project_id = $1 AND feedback_id = ANY (ARRAY(
            SELECT feedback_id FROM feedback WHERE project_id = $1 AND received_at < $2 ORDER BY received_at DESC, feedback_id DESC LIMIT $3
        ))
        "#,
        project.0,
        before,
        limit
    );
    Ok(done.execute(db).await?.rows_affected())
}
