//! Splitting hashes off an issue: undoing a merge, or making some of its hashes an issue of their own.
//!
//! What the new issue gets: the rows of events with its hashes; of what has no row any more, what was noted when it was merged. Their number by
//! hour, environment and release is exact, so that every counter can still be proven; tags and people are those noted at the merge and those
//! of the events that came since, which are opened. What cannot be known stays with the issue: events that were only counted since, of a
//! merge that was undone in parts, and of hashes that were never merged.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::super::Tx;
use crate::domain::fingerprint::Hash;
use crate::domain::ids::{IssueId, ProjectId, UserId};
use crate::domain::person::Person;

mod counters;
mod facts;
mod rows;
mod said;

pub use rows::{LeadingHash, Snapshot, list_hashes, snapshots};
pub use said::{Packed, list_packed};

/// Which hashes become which issue.
#[derive(Clone, Debug)]
pub struct Split {
    /// Of both.
    pub project_id: ProjectId,
    /// The issue they lead to, locked by the caller.
    pub from: IssueId,
    /// The issue they will lead to: the one that was merged, or a new id.
    pub to: IssueId,
    /// When the issue was merged that is given back; `None`: there was none, or what was noted of it no longer holds.
    pub merged_at: Option<OffsetDateTime>,
    /// Not all of those that lead to it.
    pub hashes: Vec<Hash>,
    /// Who.
    pub user_id: UserId,
    /// When.
    pub at: OffsetDateTime,
}

impl Split {
    fn hash_bytes(&self) -> Vec<Vec<u8>> {
        self.hashes.iter().map(|hash| hash.to_vec()).collect()
    }
}

/// What events say that only their payload knows, summed up.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// Events by key and value of their tags, and when it was last seen.
    pub tags: BTreeMap<(String, String), (i64, OffsetDateTime)>,
    /// People, when they were last seen, and what they are called in lists.
    pub people: BTreeMap<Person, (OffsetDateTime, String)>,
}

/// Splits. `said`: of the events from [`list_packed`]. The counters of both are what the rows and what is absent say.
pub async fn split(tx: &mut Tx, split: &Split, said: &Said) -> sqlx::Result<()> {
    let facts = facts::take(tx, split).await?;
    rows::insert_issue(tx, split).await?;
    rows::note_parts(tx, split).await?;
    rows::move_all(tx, split).await?;
    counters::divide(tx, split, &facts).await?;
    said::divide_tags(tx, split, said).await?;
    said::divide_people(tx, split, said).await?;
    rows::settle(tx, split, facts.values().sum()).await?;
    said::bound_tags(tx, split).await?;
    rows::forget_merge(tx, split).await
}
