//! What people decide about issues that should not be there: deleting them, with or without their future, and taking the latter back.

use anyhow::Context;
use time::OffsetDateTime;
use tracing::info;

use crate::clock::Clock;
use crate::domain::ids::{IssueId, ProjectId};
use crate::domain::issue::OVERFLOW_KIND;
use crate::domain::user::User;
use crate::store::issue_reads::{self, Issue};
use crate::store::job_locks::{self, Job};
use crate::store::removals::{self, IssueKey};
use crate::store::{self, Db, Tx, discards, issue_standing};

/// Most issues that are deleted at once.
pub const DELETE_MAX: usize = 100;

/// What becomes of events that come later and would belong to a deleted issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Future {
    /// The next one founds a new issue.
    Accepted,
    /// They are dropped and counted.
    Discarded,
}

/// Why nothing was deleted.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The role is read only.
    #[error("this role may not delete issues")]
    ReadOnly,
    /// None of what was chosen exists for this person.
    #[error("No issue was selected, or what was selected is gone.")]
    Nothing,
    /// Over [`DELETE_MAX`].
    #[error("At most {DELETE_MAX} issues can be deleted at once.")]
    TooMany,
    /// The issue of everything there was no room for has no fingerprint of its own.
    #[error("“Too many new issues” holds events of all kinds, which cannot be told from others later. It can only be deleted.")]
    Untold,
    /// Anything else.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// Deletes those of `issues` that `who` may see, and answers them as they were. Their events go in the background. The digest either commits
/// what it holds of them before, or finds them gone and decides again.
pub async fn delete(db: &Db, clock: &Clock, who: &User, issues: &[IssueId], future: Future) -> Result<Vec<Issue>, Refusal> {
    if !who.role.may_work() {
        return Err(Refusal::ReadOnly);
    }
    if issues.len() > DELETE_MAX {
        return Err(Refusal::TooMany);
    }
    let mut tx = store::begin(db).await.context("deleting issues")?;
    // First of all locks, as in the digest: spikes are not looked for meanwhile.
    job_locks::share(&mut tx, Job::Spikes).await.context("keeping spikes from being looked for")?;
    let gone = read(&mut tx, who, issues).await?;
    if gone.is_empty() {
        return Err(Refusal::Nothing);
    }
    if future == Future::Discarded && gone.iter().any(|issue| issue.kind == OVERFLOW_KIND) {
        return Err(Refusal::Untold);
    }
    apply(&mut tx, who, &gone, future, clock.now()).await.context("deleting issues")?;
    tx.commit().await.context("deleting issues")?;
    for issue in &gone {
        info!(user.id = who.id.0, project.id = issue.project_id.0, issue.id = issue.id.0, issue.future = ?future, "deleted {}", issue.short_id());
    }
    Ok(gone)
}

/// Locks the issues and reads them.
async fn read(tx: &mut Tx, who: &User, issues: &[IssueId]) -> anyhow::Result<Vec<Issue>> {
    let mut found = Vec::new();
    for locked in issue_standing::lock_visible(tx, issues, who).await.context("locking issues to delete")? {
        found.push(issue_reads::find(&mut **tx, locked.id).await?.context("a locked issue is gone")?);
    }
    Ok(found)
}

async fn apply(tx: &mut Tx, who: &User, gone: &[Issue], future: Future, at: OffsetDateTime) -> sqlx::Result<()> {
    if future == Future::Discarded {
        discards::insert(tx, gone, who.id, at).await?;
    }
    let keys: Vec<IssueKey> = gone.iter().map(|issue| (issue.project_id, issue.id)).collect();
    removals::begin(tx, &keys, at).await
}

/// Takes events again that were dropped since their issue was deleted. The caller has checked that `who` may work on the project. Answers
/// what the issue was called; `None`: nothing is dropped for it.
pub async fn accept_again(db: &Db, who: &User, project: ProjectId, issue: IssueId) -> anyhow::Result<Option<String>> {
    let mut tx = store::begin(db).await?;
    let title = discards::remove(&mut tx, project, issue).await.context("accepting events again")?;
    tx.commit().await?;
    if title.is_some() {
        info!(user.id = who.id.0, project.id = project.0, issue.id = issue.0, "events of deleted issue {issue} are accepted again");
    }
    Ok(title)
}
