//! Old addresses: where an issue that was merged is now.

use sqlx::PgExecutor;
use time::OffsetDateTime;

use super::Merge;
use crate::domain::ids::{IssueId, ProjectId};
use crate::store::Tx;

/// An issue that is part of another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The number it had.
    pub id: IssueId,
    /// When.
    pub merged_at: OffsetDateTime,
    /// Who; `None`: Bugle itself, or somebody who was removed.
    pub user_id: Option<i64>,
    /// Why, for people.
    pub reason: String,
    /// Hashes that led to it.
    pub hash_count: i64,
}

/// The issue that the events of this one are in now, where it was merged.
pub async fn leads_to(db: impl PgExecutor<'_>, id: IssueId) -> sqlx::Result<Option<IssueId>> {
    let into = sqlx::query_scalar!("SELECT into_id FROM merged_issues WHERE id = $1", id.0).fetch_optional(db).await?;
    Ok(into.map(IssueId))
}

/// What was merged into an issue, latest first.
pub async fn list_into(db: impl PgExecutor<'_>, project: ProjectId, into: IssueId, most: i64) -> sqlx::Result<Vec<Merged>> {
    let rows = sqlx::query!(
        r#"
        SELECT m.id, m.merged_at, m.user_id, m.reason,
            (SELECT count(*) FROM issue_hashes h WHERE h.project_id = $1 AND h.issue_id = $2 AND h.origin_id = m.id) AS "hash_count!"
        FROM merged_issues m
        WHERE m.project_id = $1 AND m.into_id = $2
        ORDER BY m.merged_at DESC, m.id DESC
        LIMIT $3
        "#,
        project.0,
        into.0,
        most
    )
    .fetch_all(db)
    .await?;
    let merged = rows.into_iter().map(|row| Merged {
        id: IssueId(row.id),
        merged_at: row.merged_at,
        user_id: row.user_id,
        reason: row.reason,
        hash_count: row.hash_count,
    });
    Ok(merged.collect())
}

/// What led to the one leads to the other.
pub(super) async fn move_on(tx: &mut Tx, merge: &Merge) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE merged_issues SET into_id = $3 WHERE project_id = $1 AND into_id = $2",
        merge.project_id.0,
        merge.from.0,
        merge.into.0
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
