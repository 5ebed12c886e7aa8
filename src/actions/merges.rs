//! What people decide about which issues are one: merging, with its activity on the issue that goes on, in one transaction.

use anyhow::Context;
use time::OffsetDateTime;

use crate::clock::Clock;
use crate::domain::ids::{IssueId, ProjectId};
use crate::domain::user::User;
use crate::store::activities::NewActivity;
use crate::store::issue_reads::{self, Issue};
use crate::store::merges::{self, Merge};
use crate::store::{self, Db, Tx, activities, issue_standing};

/// Most issues that become one at once: each takes some twenty statements while its project's digest waits.
pub const MERGE_MAX: usize = 100;
/// Why, on the page of merged issues.
const REASON: &str = "merged by hand";

/// Why nothing was merged.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The role is read only.
    #[error("this role may not merge issues")]
    ReadOnly,
    /// Of what was chosen, fewer than two issues exist for this person.
    #[error("Choose two or more issues to merge.")]
    TooFew,
    /// Over [`MERGE_MAX`].
    #[error("At most {MERGE_MAX} issues can be merged at once.")]
    TooMany,
    /// An issue has one project.
    #[error("Only issues of the same project can be merged.")]
    SeveralProjects,
    /// None of what was chosen leads to the issue.
    #[error("Choose what to split off.")]
    Nothing,
    /// Something has to stay.
    #[error("Something has to stay in the issue; leave out at least one fingerprint.")]
    Everything,
    /// Anything else.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// What became one.
#[derive(Debug)]
pub struct Merged {
    /// The issue that goes on.
    pub into: Issue,
    /// Those that are part of it now.
    pub gone: Vec<IssueId>,
}

/// Makes those of `issues` that `who` may see one issue: `into`, if it is one of them, else the one with the most events, of equals the oldest.
pub async fn merge(db: &Db, clock: &Clock, who: &User, issues: &[IssueId], into: Option<IssueId>) -> Result<Merged, Refusal> {
    if !who.role.may_work() {
        return Err(Refusal::ReadOnly);
    }
    if issues.len() > MERGE_MAX {
        return Err(Refusal::TooMany);
    }
    let mut tx = store::begin(db).await.context("merging issues")?;
    let locked = issue_standing::lock_visible(&mut tx, issues, who).await.context("locking issues to merge")?;
    let [first, _, ..] = locked.as_slice() else { return Err(Refusal::TooFew) };
    let project = first.project_id;
    if locked.iter().any(|issue| issue.project_id != project) {
        return Err(Refusal::SeveralProjects);
    }
    let ids: Vec<IssueId> = locked.iter().map(|issue| issue.id).collect();
    let merged = apply(&mut tx, who, project, &ids, into, clock.now()).await.context("merging issues")?;
    tx.commit().await.context("merging issues")?;
    Ok(merged)
}

async fn apply(
    tx: &mut Tx,
    who: &User,
    project_id: ProjectId,
    ids: &[IssueId],
    into: Option<IssueId>,
    at: OffsetDateTime,
) -> anyhow::Result<Merged> {
    let mut issues = Vec::with_capacity(ids.len());
    for id in ids {
        issues.push(issue_reads::find(&mut **tx, *id).await?.context("a locked issue is gone")?);
    }
    let stays = issues.iter().find(|issue| Some(issue.id) == into);
    let stays = stays.or_else(|| issues.iter().max_by_key(|issue| (issue.event_count, -issue.id.0))).context("nothing to merge")?.id;
    let gone: Vec<&Issue> = issues.iter().filter(|issue| issue.id != stays).collect();
    for issue in &gone {
        let merge = Merge { project_id, from: issue.id, into: stays, user_id: Some(who.id), reason: REASON.to_owned(), at };
        merges::merge(tx, &merge).await.with_context(|| format!("merging issue {}", issue.id))?;
    }
    let note = |issue: &&Issue| NewActivity {
        project_id,
        issue_id: stays,
        user_id: Some(who.id),
        kind: "merged",
        detail: format!("{} {}", issue.short_id(), issue.title()),
        at,
    };
    activities::insert(tx, &gone.iter().map(note).collect::<Vec<_>>()).await?;
    let gone = gone.iter().map(|issue| issue.id).collect();
    Ok(Merged { into: issue_reads::find(&mut **tx, stays).await?.context("the issue that stays is gone")?, gone })
}
