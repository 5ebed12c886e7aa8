//! Merging one issue into another: everything that was counted, kept and noted of it moves, exactly, in one transaction.
//!
//! What an undo needs is written down before: the row and the counters of the issue as they were, which of its people the other one had not
//! seen, and of every hash the issue it led to (`issue_hashes.origin_id`). Taken back, an issue is that plus the events that came since with
//! one of its hashes; the other is what is left.

use time::OffsetDateTime;

use super::Tx;
use crate::domain::ids::{IssueId, ProjectId, UserId};

mod counters;
mod redirects;
mod rows;
mod snapshot;
pub mod split;

pub use redirects::{leads_to, list_into};

/// What becomes part of what.
#[derive(Clone, Debug)]
pub struct Merge {
    /// Of both.
    pub project_id: ProjectId,
    /// The issue that is no more afterwards.
    pub from: IssueId,
    /// The one that goes on.
    pub into: IssueId,
    /// Who decided it; `None`: Bugle itself.
    pub user_id: Option<UserId>,
    /// Why, for people.
    pub reason: String,
    /// When.
    pub at: OffsetDateTime,
}

/// Merges. Both issues are locked by the caller (`issue_state::lock` or `issue_standing::lock_visible`), in the order of their keys with all
/// others that the transaction locks. Nobody is told: alerts that were decided about the one and not mailed yet are held back.
///
/// The title and the status of the survivor stay what they are, but for an open issue, which is not closed by being merged into a closed one.
pub async fn merge(tx: &mut Tx, merge: &Merge) -> sqlx::Result<()> {
    snapshot::write(tx, merge).await?;
    let new_people = counters::move_people(tx, merge).await?;
    counters::add_up(tx, merge).await?;
    rows::add_issue(tx, merge, new_people).await?;
    rows::move_all(tx, merge).await?;
    redirects::move_on(tx, merge).await?;
    rows::delete_issue(tx, merge).await
}
