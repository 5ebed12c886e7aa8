//! The limits of a project: what it may send, and after how many events a spike is thinned.

use sqlx::PgExecutor;

use super::Tx;
use crate::domain::ids::ProjectId;

/// As chosen. `None`: the installation's setting holds; 0: none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProjectLimits {
    /// Most items of a category in a minute.
    pub minute_limit: Option<i32>,
    /// The same in an hour.
    pub hour_limit: Option<i32>,
    /// Events of an issue and hour that are stored whole.
    pub sample_after: Option<i32>,
}

/// Reads them.
pub async fn get(db: impl PgExecutor<'_>, project: ProjectId) -> sqlx::Result<ProjectLimits> {
    sqlx::query_as!(ProjectLimits, "SELECT minute_limit, hour_limit, sample_after FROM projects WHERE id = $1", project.0)
        .fetch_one(db)
        .await
}

/// Replaces them.
pub async fn update(tx: &mut Tx, project: ProjectId, limits: ProjectLimits) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE projects SET minute_limit = $2, hour_limit = $3, sample_after = $4 WHERE id = $1",
        project.0,
        limits.minute_limit,
        limits.hour_limit,
        limits.sample_after
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
