//! What a project wants scrubbed.

use crate::domain::ids::ProjectId;
use crate::domain::scrubbing::Scrubbing;
use crate::store::{self, Db};

/// Replaces what a project chose. It holds for what is digested some seconds later, on every node; what is stored stays as it is.
pub async fn change(db: &Db, project: ProjectId, chosen: &Scrubbing) -> anyhow::Result<()> {
    let mut tx = store::begin(db).await?;
    store::scrubbing::upsert(&mut tx, project, chosen).await?;
    tx.commit().await?;
    Ok(())
}
