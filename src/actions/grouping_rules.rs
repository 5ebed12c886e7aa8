//! The grouping rules of a project.

use time::OffsetDateTime;

use crate::domain::grouping_rules::{Faults, GroupingRules, RuleTexts};
use crate::domain::ids::{ProjectId, UserId};
use crate::store::{self, Db};

/// Why rules were not saved.
#[derive(Debug)]
pub enum NotSaved {
    /// Some lines cannot be understood.
    Faults(Faults),
    /// Somebody else has saved since the rules were looked at.
    Outdated,
    /// The database did not take it.
    Database(anyhow::Error),
}

impl From<sqlx::Error> for NotSaved {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

/// Saves the next version after `base`. It holds for what is digested some seconds later, on every node; what is stored stays where it is.
/// A text that is the same as before is no new version.
pub async fn save(db: &Db, project: ProjectId, base: i64, texts: &RuleTexts, user: UserId, at: OffsetDateTime) -> Result<(), NotSaved> {
    GroupingRules::parse(texts).map_err(NotSaved::Faults)?;
    let mut tx = store::begin(db).await?;
    let newest = store::grouping_rules::newest(&mut *tx, project).await?;
    if newest.texts == *texts {
        return Ok(());
    }
    if newest.revision != base || !store::grouping_rules::insert(&mut tx, project, base, texts, user, at).await? {
        return Err(NotSaved::Outdated);
    }
    tx.commit().await?;
    Ok(())
}
