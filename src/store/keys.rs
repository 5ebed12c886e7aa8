//! `project_keys`: which key sends to which project.

use sqlx::PgExecutor;

use crate::domain::ids::ProjectId;

/// A key that may send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnabledKey {
    /// As in the DSN.
    pub public_key: String,
    /// The project it sends to.
    pub project_id: ProjectId,
}

/// Every key that may send, in no particular order: a handful per project.
pub async fn list_enabled(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<EnabledKey>> {
    let rows = sqlx::query!("SELECT public_key, project_id FROM project_keys WHERE disabled_at IS NULL").fetch_all(db).await?;
    Ok(rows.into_iter().map(|row| EnabledKey { public_key: row.public_key, project_id: ProjectId(row.project_id) }).collect())
}

/// The project a key may send to.
pub async fn find_enabled(db: impl PgExecutor<'_>, public_key: &str) -> sqlx::Result<Option<ProjectId>> {
    let id = sqlx::query_scalar!("SELECT project_id FROM project_keys WHERE public_key = $1 AND disabled_at IS NULL", public_key)
        .fetch_optional(db)
        .await?;
    Ok(id.map(ProjectId))
}
