//! Moving a project on to newer rules of grouping.

use anyhow::Context;

use crate::domain::ids::ProjectId;
use crate::store::{self, Db, grouping_versions};

/// New hashes are made with this version from now on; those that are there go on leading to their issues. Nothing moves back.
pub async fn move_on(db: &Db, project: ProjectId, version: i16) -> anyhow::Result<()> {
    let mut tx = store::begin(db).await?;
    grouping_versions::move_to(&mut tx, project, version).await.context("moving a project on to newer rules of grouping")?;
    tx.commit().await.context("moving a project on to newer rules of grouping")
}
