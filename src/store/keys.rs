//! `project_keys`: which key sends to which project.

use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;
use time::OffsetDateTime;

use crate::domain::ids::ProjectId;
use crate::domain::rate_limit::OwnLimits;
use crate::store::Tx;

/// A key that may send. Also kept in a file of the data directory: fields are only ever added, each with a default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnabledKey {
    /// As in the DSN.
    pub public_key: String,
    /// The project it sends to.
    pub project_id: ProjectId,
    /// How much it may send.
    #[serde(default)]
    pub limits: OwnLimits,
}

struct EnabledRow {
    public_key: String,
    project_id: i64,
    key_minute: Option<i32>,
    key_hour: Option<i32>,
    project_minute: Option<i32>,
    project_hour: Option<i32>,
}

impl From<EnabledRow> for EnabledKey {
    fn from(row: EnabledRow) -> Self {
        let limits = OwnLimits {
            key_minute: number(row.key_minute),
            key_hour: number(row.key_hour),
            project_minute: number(row.project_minute),
            project_hour: number(row.project_hour),
        };
        Self { public_key: row.public_key, project_id: ProjectId(row.project_id), limits }
    }
}

/// Negative numbers are refused by the table.
fn number(raw: Option<i32>) -> Option<u32> {
    raw.and_then(|raw| u32::try_from(raw).ok())
}

/// Every key that may send, in a stable order: a handful per project.
pub async fn list_enabled(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<EnabledKey>> {
    let rows = sqlx::query_as!(
        EnabledRow,
        r#"
        SELECT k.public_key, k.project_id, k.minute_limit AS key_minute, k.hour_limit AS key_hour,
            p.minute_limit AS project_minute, p.hour_limit AS project_hour
        FROM project_keys k
        JOIN projects p ON p.id = k.project_id
        WHERE k.disabled_at IS NULL
        ORDER BY k.public_key
        "#
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(EnabledKey::from).collect())
}

/// A key, if it may send.
pub async fn find_enabled(db: impl PgExecutor<'_>, public_key: &str) -> sqlx::Result<Option<EnabledKey>> {
    let row = sqlx::query_as!(
        EnabledRow,
        r#"
        SELECT k.public_key, k.project_id, k.minute_limit AS key_minute, k.hour_limit AS key_hour,
            p.minute_limit AS project_minute, p.hour_limit AS project_hour
        FROM project_keys k
        JOIN projects p ON p.id = k.project_id
        WHERE k.public_key = $1 AND k.disabled_at IS NULL
        "#,
        public_key
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(EnabledKey::from))
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
    /// Most items of a category in a minute; null: the installation's setting, 0: no limit.
    pub minute_limit: Option<i32>,
    /// The same in an hour.
    pub hour_limit: Option<i32>,
}

/// All keys of a project, oldest first.
pub async fn list(db: impl PgExecutor<'_>, project: ProjectId) -> sqlx::Result<Vec<KeyRow>> {
    sqlx::query_as!(
        KeyRow,
        r#"
        SELECT public_key, label, created_at, disabled_at, minute_limit, hour_limit
        FROM project_keys
        WHERE project_id = $1
        ORDER BY created_at, public_key
        "#,
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

/// Limits a key; false when the project has no such key.
pub async fn set_limits(tx: &mut Tx, project: ProjectId, public_key: &str, minute: Option<i32>, hour: Option<i32>) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "UPDATE project_keys SET minute_limit = $3, hour_limit = $4 WHERE project_id = $1 AND public_key = $2",
        project.0,
        public_key,
        minute,
        hour
    );
    Ok(done.execute(&mut **tx).await?.rows_affected() == 1)
}
