//! Which version of the fingerprint projects use.

use sqlx::PgExecutor;

use super::Tx;
use crate::domain::ids::{IssueId, ProjectId};

/// Versions of one project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin {
    /// New hashes are made with it.
    pub version: i16,
    /// The oldest version whose hashes there may be.
    pub oldest: i16,
}

/// The projects that have anything to do with versions before `newest`.
pub async fn list_behind(db: impl PgExecutor<'_>, newest: i16) -> sqlx::Result<Vec<(ProjectId, Pin)>> {
    let rows =
        sqlx::query!("SELECT id, grouping_version, grouping_oldest FROM projects WHERE grouping_oldest < $1", newest).fetch_all(db).await?;
    Ok(rows.into_iter().map(|row| (ProjectId(row.id), Pin { version: row.grouping_version, oldest: row.grouping_oldest })).collect())
}

/// The versions of a project; `None` where there is none of this id.
pub async fn find(db: impl PgExecutor<'_>, project: ProjectId) -> sqlx::Result<Option<Pin>> {
    sqlx::query_as!(Pin, "SELECT grouping_version AS version, grouping_oldest AS oldest FROM projects WHERE id = $1", project.0)
        .fetch_optional(db)
        .await
}

/// Moves a project on to a version; the hashes of the one before go on leading to their issues. Nothing moves back.
pub async fn move_to(tx: &mut Tx, project: ProjectId, version: i16) -> sqlx::Result<()> {
    sqlx::query!("UPDATE projects SET grouping_version = greatest(grouping_version, $2) WHERE id = $1", project.0, version)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// A stored event, to be fingerprinted again.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Its issue.
    pub issue_id: IssueId,
    /// What the issue is called.
    pub title: String,
    /// What `payload` needs.
    pub dictionary_id: i32,
    /// zstd of the event's JSON.
    pub payload: Vec<u8>,
}

/// The latest `per_issue` events of each of the `issues` issues of a project that were seen last.
pub async fn latest_events(db: impl PgExecutor<'_>, project: ProjectId, issues: i64, per_issue: i64) -> sqlx::Result<Vec<Stored>> {
    let rows = sqlx::query!(
        r#"
        SELECT i.id, concat_ws(': ', nullif(i.type, ''), nullif(i.value, '')) AS "title!", e.dictionary_id, e.payload
        FROM (SELECT id, type, value FROM issues WHERE project_id = $1 ORDER BY last_seen_at DESC LIMIT $2) AS i
        CROSS JOIN LATERAL (
            SELECT dictionary_id, payload FROM events WHERE project_id = $1 AND issue_id = i.id
            ORDER BY received_at DESC, event_id DESC LIMIT $3
        ) AS e
        "#,
        project.0,
        issues,
        per_issue
    )
    .fetch_all(db)
    .await?;
    let stored = rows.into_iter().map(|row| Stored {
        issue_id: IssueId(row.id),
        title: row.title,
        dictionary_id: row.dictionary_id,
        payload: row.payload,
    });
    Ok(stored.collect())
}
