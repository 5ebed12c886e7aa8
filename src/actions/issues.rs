//! What people decide about issues: resolve, ignore, reopen, and taking it back. The change and its activity are one transaction.

use anyhow::Context;
use time::OffsetDateTime;

use crate::clock::Clock;
use crate::domain::ids::IssueId;
use crate::domain::issue::Decision;
use crate::domain::user::User;
use crate::store::issue_standing::{self, Locked};
use crate::store::{self, Db};

/// Most issues one request may change.
pub const BULK_MAX: usize = 1_000;

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The role is read only.
    #[error("this role may not change issues")]
    ReadOnly,
    /// Anything else.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// What was done.
#[derive(Debug)]
pub struct Decided {
    /// Issues of the request that exist for this person.
    pub found: Vec<IssueId>,
    /// Those that changed; the others stood there already.
    pub changed: Vec<IssueId>,
    /// The moment of the change: the key for [`undo`].
    pub at: OffsetDateTime,
}

/// Applies the decision to those of `issues` that `who` may see. Asking twice changes nothing and leaves no second activity.
pub async fn decide(db: &Db, clock: &Clock, who: &User, issues: &[IssueId], decision: Decision) -> Result<Decided, Refusal> {
    if !who.role.may_work() {
        return Err(Refusal::ReadOnly);
    }
    let at = clock.now();
    let decided = apply(db, who, &issues[..issues.len().min(BULK_MAX)], decision, at).await;
    Ok(decided.with_context(|| format!("deciding {decision:?}"))?)
}

async fn apply(db: &Db, who: &User, issues: &[IssueId], decision: Decision, at: OffsetDateTime) -> anyhow::Result<Decided> {
    let mut tx = store::begin(db).await?;
    let locked = issue_standing::lock_visible(&mut tx, issues, who).await?;
    let changes = locked.iter().filter_map(|issue| Some((issue.clone(), decision.apply(&issue.standing, at)?)));
    let (before, after): (Vec<Locked>, Vec<Locked>) =
        changes.map(|(issue, standing)| (issue.clone(), Locked { standing, ..issue })).unzip();
    if !before.is_empty() {
        issue_standing::update(&mut tx, &after).await?;
        issue_standing::insert_activities(&mut tx, who.id, decision.activity(), &before, at).await?;
    }
    tx.commit().await?;
    Ok(Decided { found: locked.iter().map(|issue| issue.id).collect(), changed: before.iter().map(|issue| issue.id).collect(), at })
}

/// Takes back what `who` did at `at`, for those issues that nothing has changed since. Answers which.
pub async fn undo(db: &Db, who: &User, at: OffsetDateTime) -> Result<Vec<IssueId>, Refusal> {
    if !who.role.may_work() {
        return Err(Refusal::ReadOnly);
    }
    Ok(take_back(db, who, at).await.context("taking a decision back")?)
}

async fn take_back(db: &Db, who: &User, at: OffsetDateTime) -> anyhow::Result<Vec<IssueId>> {
    let mut tx = store::begin(db).await?;
    let before = issue_standing::lock_undoable(&mut tx, who, at).await?;
    if !before.is_empty() {
        issue_standing::update(&mut tx, &before).await?;
        issue_standing::delete_activities(&mut tx, who.id, &before, at).await?;
    }
    tx.commit().await?;
    Ok(before.into_iter().map(|issue| issue.id).collect())
}
