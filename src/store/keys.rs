//! `project_keys`: which key sends to which project.

use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;
use time::OffsetDateTime;

use crate::domain::ids::ProjectId;
use crate::store::Tx;

/// A key that may send. Also kept in a file of the data directory: fields are only ever added, each with a default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnabledKey {
    /// As in the DSN.
    pub public_key: String,
    /// The project it sends to.
    pub project_id: ProjectId,
}

/// Every key that may send, in a stable order: a handful per project.
pub async fn list_enabled(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<EnabledKey>> {
    let rows =
        sqlx::query!("SELECT public_key, project_id FROM project_keys WHERE disabled_at IS NULL ORDER BY public_key").fetch_all(db).await?;
    Ok(rows.into_iter().map(|row| EnabledKey { public_key: row.public_key, project_id: ProjectId(row.project_id) }).collect())
}

/// A key, if it may send.
pub async fn find_enabled(db: impl PgExecutor<'_>, public_key: &str) -> sqlx::Result<Option<EnabledKey>> {
    let row = sqlx::query!("SELECT public_key, project_id FROM project_keys WHERE public_key = $1 AND disabled_at IS NULL", public_key)
        .fetch_optional(db)
        .await?;
    Ok(row.map(|row| EnabledKey { public_key: row.public_key, project_id: ProjectId(row.project_id) }))
}

/// One key of a project.
#[derive(Clone, Debug)]
pub struct KeyRow {
    /// 32 lower-case hex digits.
    pub public_key: String,
    /// What it is for.
    pub label: String,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// Set: what comes with it is refused.
    pub disabled_at: Option<OffsetDateTime>,
}

/// All keys of a project, oldest first.
pub async fn list(db: impl PgExecutor<'_>, project: ProjectId) -> sqlx::Result<Vec<KeyRow>> {
    sqlx::query_as!(
        KeyRow,
        "SELECT public_key, label, created_at, disabled_at FROM project_keys WHERE project_id = $1 ORDER BY created_at, public_key",
        project.0
    )
    .fetch_all(db)
    .await
}

/// The oldest key that is on: the one in the DSN people are shown.
pub async fn find_first_enabled(db: impl PgExecutor<'_>, project: ProjectId) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "SELECT public_key FROM project_keys WHERE project_id = $1 AND disabled_at IS NULL ORDER BY created_at, public_key LIMIT 1",
        project.0
    )
    .fetch_optional(db)
    .await
}

/// Adds a key.
pub async fn insert(tx: &mut Tx, project: ProjectId, public_key: &str, label: &str, at: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO project_keys (project_id, public_key, label, created_at) VALUES ($1, $2, $3, $4)",
        project.0,
        public_key,
        label,
        at
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Turns a key off (`Some`) or on (`None`); false when the project has no such key.
pub async fn set_disabled(tx: &mut Tx, project: ProjectId, public_key: &str, at: Option<OffsetDateTime>) -> sqlx::Result<bool> {
    let done =
        sqlx::query!("UPDATE project_keys SET disabled_at = $3 WHERE project_id = $1 AND public_key = $2", project.0, public_key, at)
            .execute(&mut **tx)
            .await?;
    Ok(done.rows_affected() == 1)
}
