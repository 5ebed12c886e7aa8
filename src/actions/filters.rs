//! What a project does not want at all.

use crate::domain::filters::Chosen;
use crate::domain::ids::ProjectId;
use crate::store::{self, Db};

/// Replaces the filters of a project. They hold for what is digested some seconds later, on every node; what is stored stays.
pub async fn change(db: &Db, project: ProjectId, chosen: &Chosen) -> anyhow::Result<()> {
    let mut tx = store::begin(db).await?;
    store::filters::upsert(&mut tx, project, chosen).await?;
    tx.commit().await?;
    Ok(())
}
