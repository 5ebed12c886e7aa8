//! What the operator does with dead letters: try again, or drop.

use time::OffsetDateTime;

use crate::clock::Clock;
use crate::domain::ids::ProjectId;
use crate::store::{self, Db};

/// Which letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The one with this id.
    One(i64),
    /// Those of a project.
    Of(ProjectId),
    /// All of them.
    All,
}

impl Which {
    /// Id and project that a letter must have.
    fn conditions(self) -> (Option<i64>, Option<ProjectId>) {
        match self {
            Self::One(id) => (Some(id), None),
            Self::Of(project) => (None, Some(project)),
            Self::All => (None, None),
        }
    }
}

/// Asks for letters to be digested again and tells how many there are. A running server takes them up within moments, else the next one
/// that starts; a letter that fails again stays, with its new reason.
pub async fn retry(db: &Db, clock: &Clock, which: Which) -> anyhow::Result<u64> {
    let at: OffsetDateTime = clock.now();
    let mut tx = store::begin(db).await?;
    let count = store::dead_letters::ask_retry(&mut tx, which.conditions(), at).await?;
    tx.commit().await?;
    Ok(count)
}

/// Removes letters for good and tells how many.
pub async fn drop(db: &Db, which: Which) -> anyhow::Result<u64> {
    let mut tx = store::begin(db).await?;
    let count = store::dead_letters::delete(&mut tx, which.conditions()).await?;
    tx.commit().await?;
    Ok(count)
}
