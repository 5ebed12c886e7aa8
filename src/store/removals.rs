//! `removals`: deleting issues. Their row and all they counted go at once; their events, and what belongs to these, in small batches afterwards.

use sqlx::PgExecutor;
use time::{Duration, OffsetDateTime};

use super::Tx;
use crate::domain::ids::{IssueId, ProjectId};

/// An issue, by project.
pub type IssueKey = (ProjectId, IssueId);

/// Deletes issues that the caller has locked in the order of their keys, and notes that their events have to go.
pub async fn begin(tx: &mut Tx, issues: &[IssueKey], at: OffsetDateTime) -> sqlx::Result<()> {
    let projects: Vec<i64> = issues.iter().map(|issue| issue.0.0).collect();
    let ids: Vec<i64> = issues.iter().map(|issue| issue.1.0).collect();
    sqlx::query!(
        "INSERT INTO removals (project_id, issue_id, deleted_at)
         SELECT u.project_id, u.issue_id, $3 FROM unnest($1::int8[], $2::int8[]) AS u (project_id, issue_id)",
        &projects,
        &ids,
        at
    )
    .execute(&mut **tx)
    .await?;
    take_from_releases(tx, &projects, &ids).await?;
    sqlx::query!(
        "DELETE FROM alerts a USING unnest($1::int8[], $2::int8[]) AS u (project_id, issue_id)
         WHERE a.project_id = u.project_id AND a.issue_id = u.issue_id",
        &projects,
        &ids
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "DELETE FROM issues i USING unnest($1::int8[], $2::int8[]) AS u (project_id, id) WHERE i.project_id = u.project_id AND i.id = u.id",
        &projects,
        &ids
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A release counts what its issues count under it. In the order in which the digest adds.
async fn take_from_releases(tx: &mut Tx, projects: &[i64], ids: &[i64]) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        WITH gone AS (
            SELECT r.project_id, r.release, sum(r.event_count)::int8 AS event_count
            FROM unnest($1::int8[], $2::int8[]) AS u (project_id, issue_id)
            JOIN issue_releases r ON r.project_id = u.project_id AND r.issue_id = u.issue_id
            GROUP BY 1, 2
        ), held AS (
            SELECT r.project_id, r.version FROM releases r JOIN gone g ON g.project_id = r.project_id AND g.release = r.version
            ORDER BY r.project_id, r.version
            FOR NO KEY UPDATE OF r
        )
        UPDATE releases r SET event_count = r.event_count - g.event_count
        FROM gone g JOIN held h ON h.project_id = g.project_id AND h.version = g.release
        WHERE r.project_id = g.project_id AND r.version = g.release
        "#,
        projects,
        ids
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A deleted issue whose events are not all gone, held until the transaction ends. Other nodes get another one.
pub async fn claim(tx: &mut Tx) -> sqlx::Result<Option<IssueKey>> {
    let row = sqlx::query!("SELECT project_id, issue_id FROM removals ORDER BY deleted_at LIMIT 1 FOR UPDATE SKIP LOCKED")
        .fetch_optional(&mut **tx)
        .await?;
    Ok(row.map(|row| (ProjectId(row.project_id), IssueId(row.issue_id))))
}

/// Arrival of the newest event that is left of the issue.
pub async fn find_left(db: impl PgExecutor<'_>, (project, issue): IssueKey) -> sqlx::Result<Option<OffsetDateTime>> {
    sqlx::query_scalar!(
        "SELECT received_at FROM events WHERE project_id = $1 AND issue_id = $2 ORDER BY received_at DESC, event_id DESC LIMIT 1",
        project.0,
        issue.0
    )
    .fetch_optional(db)
    .await
}

/// Deletes at most `limit` events of a deleted issue that arrived in the 24 hours from `day` on, with their files and what people said about
/// them. The hours of the project note that the rows are gone; the ids stay taken, so that nothing that is sent again is counted again. Tells
/// how many.
pub async fn remove(tx: &mut Tx, (project, issue): IssueKey, day: OffsetDateTime, limit: i64) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"
        WITH batch AS (
            SELECT event_id, received_at
            FROM events
            WHERE project_id = $1 AND issue_id = $2 AND received_at >= $3 AND received_at < $4
            ORDER BY received_at DESC, event_id DESC
            LIMIT $5
        ), gone AS (
            DELETE FROM events e
            USING batch b
            WHERE e.project_id = $1 AND e.event_id = b.event_id AND e.received_at = b.received_at
                AND e.received_at >= $3 AND e.received_at < $4
            RETURNING e.event_id, date_trunc('hour', e.received_at, 'UTC') AS arrival
        ), files AS (
            DELETE FROM attachments a USING gone g WHERE a.project_id = $1 AND a.event_id = g.event_id
            RETURNING a.attachment_id, a.received_at
        ), emptied AS (
            DELETE FROM attachment_chunks c USING files f
            WHERE c.project_id = $1 AND c.attachment_id = f.attachment_id AND c.received_at = f.received_at
        ), unsaid AS (
            DELETE FROM feedback f USING gone g WHERE f.project_id = $1 AND f.event_id = g.event_id
        ), arrived AS (
            UPDATE project_hours h SET removed_count = h.removed_count + g.event_count
            FROM (SELECT arrival, count(*) AS event_count FROM gone GROUP BY 1) AS g
            WHERE h.project_id = $1 AND h.hour = g.arrival
        )
        SELECT count(*) AS "event_count!" FROM gone
        "#,
        project.0,
        issue.0,
        day,
        day + Duration::DAY,
        limit,
    )
    .fetch_one(&mut **tx)
    .await
}

/// Forgets a deleted issue of which no event is left: what was noted as absent meanwhile, and what people said about events that were gone
/// before.
pub async fn finish(tx: &mut Tx, (project, issue): IssueKey) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM absent_events WHERE project_id = $1 AND issue_id = $2", project.0, issue.0).execute(&mut **tx).await?;
    sqlx::query!("DELETE FROM feedback WHERE project_id = $1 AND issue_id = $2", project.0, issue.0).execute(&mut **tx).await?;
    sqlx::query!("DELETE FROM removals WHERE project_id = $1 AND issue_id = $2", project.0, issue.0).execute(&mut **tx).await?;
    Ok(())
}
