//! Limits of projects and keys.

use crate::domain::ids::ProjectId;
use crate::store::project_limits::{self, ProjectLimits};
use crate::store::{self, Db, keys};

/// Replaces the limits of a project. They hold within seconds, on every node.
pub async fn change_project(db: &Db, project: ProjectId, limits: ProjectLimits) -> anyhow::Result<()> {
    let mut tx = store::begin(db).await?;
    project_limits::update(&mut tx, project, limits).await?;
    tx.commit().await?;
    Ok(())
}

/// Replaces the limits of a key; false: the project has no such key.
pub async fn change_key(db: &Db, project: ProjectId, public_key: &str, minute: Option<i32>, hour: Option<i32>) -> anyhow::Result<bool> {
    let mut tx = store::begin(db).await?;
    let found = keys::set_limits(&mut tx, project, public_key, minute, hour).await?;
    tx.commit().await?;
    Ok(found)
}
