//! Which issue each event belongs to: the first of its hashes that is known decides, its unknown hashes are attached. What none of the hashes
//! leads to is compared with what is remembered of others, before it becomes a new issue.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use time::OffsetDateTime;

use super::failure::Failure;
use super::plan::{Lead, Name, Plan};
use super::sighting::Sighting;
use super::{lines, overflow, words};
use crate::domain::fingerprint::Hash;
use crate::domain::ids::{IssueId, ProjectId};
use crate::store::hashes::{self, Found, HASHES_MAX, NewHash};
use crate::store::merges::{self, Merge};
use crate::store::{Tx, issue_state, new_issue_rates};

/// An event with the issue it belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Placed<'a> {
    /// The event.
    pub sighting: &'a Sighting,
    /// Its issue.
    pub issue_id: IssueId,
    /// The hash that decided.
    pub hash: Hash,
}

impl Placed<'_> {
    /// The key of its issue.
    pub fn issue(&self) -> (ProjectId, IssueId) {
        (self.sighting.project_id, self.issue_id)
    }
}

/// All events of a batch with their issues.
pub struct Assigned<'a> {
    /// In the order of arrival.
    pub placed: Vec<Placed<'a>>,
    /// The events whose issue is new, one for each such issue, by the id of the issue. Its row is not written yet: nobody else can know the
    /// issue, so all of it is written once, when everything is counted.
    pub founders: BTreeMap<IssueId, Placed<'a>>,
    /// What new issues are called otherwise than after their first event.
    pub names: HashMap<IssueId, Name>,
}

impl Assigned<'_> {
    /// Whether the batch found this issue.
    pub fn is_new(&self, issue: IssueId) -> bool {
        self.founders.contains_key(&issue)
    }
}

/// Finds the issues, or ids for new ones; `per_minute` of these a project may make. Issues that turn out to be one are merged. `found`: where
/// the hashes of the events lead. [`Failure::Race`] where another node has just taken one of the hashes.
pub async fn assign<'a>(
    tx: &mut Tx,
    fresh: &[&'a Sighting],
    found: Found,
    per_minute: Option<u32>,
    now: OffsetDateTime,
) -> Result<Assigned<'a>, Failure> {
    let mut plan = Plan::of(fresh, found.issues);
    // A further hash of an event that is wanted for an earlier one: it goes on leading nowhere.
    plan.attached.retain(|key, _| !found.discarded.contains_key(key));
    if !plan.founders.is_empty() {
        remember(tx, &mut plan, per_minute, now).await?;
    }
    leave_out_surplus(tx, &mut plan).await?;
    let made = plan.made();
    let ids = if made.is_empty() { vec![] } else { issue_state::allocate(tx, made.len()).await? };
    let ids: HashMap<usize, IssueId> = made.into_iter().zip(ids).collect();
    let id_of = |project, lead| match plan.end(project, lead) {
        Lead::Known(id) => id,
        Lead::New(place) => ids[&place],
    };
    let attached: BTreeMap<_, _> =
        plan.attached.iter().map(|(key, (sighting, lead))| (*key, sighting.attach(id_of(key.0, *lead)))).collect();
    hashes::attach(tx, &attached).await?;
    let place =
        |(sighting, lead, hash): &(&'a Sighting, Lead, Hash)| Placed { sighting, issue_id: id_of(sighting.project_id, *lead), hash: *hash };
    let found = |(place, id): (&usize, &IssueId)| {
        let sighting = plan.founders[*place];
        (*id, Placed { sighting, issue_id: *id, hash: sighting.hashes[0] })
    };
    let name =
        |(place, id): (&usize, &IssueId)| Some((*id, plan.names.get(&(plan.founders[*place].project_id, Lead::New(*place)))?.clone()));
    Ok(Assigned {
        placed: plan.leads.iter().map(place).collect(),
        founders: ids.iter().map(found).collect(),
        names: ids.iter().filter_map(name).collect(),
    })
}

/// Compares what nobody knows with what is remembered. Nodes do this one after the other, project by project, so that each sees what the
/// others remembered.
async fn remember(tx: &mut Tx, plan: &mut Plan<'_>, per_minute: Option<u32>, now: OffsetDateTime) -> Result<(), Failure> {
    let projects: BTreeSet<ProjectId> = plan.founders.iter().map(|founder| founder.project_id).collect();
    let buckets = new_issue_rates::hold(tx, &projects.into_iter().collect::<Vec<_>>(), now).await?;
    words::join(tx, plan, now).await?;
    lines::join(tx, plan, now).await?;
    overflow::divert(tx, plan, buckets, per_minute).await?;
    merge(tx, plan, now).await
}

/// Issues that have rows and are one now. Locked in the order of their keys with all others of the batch.
async fn merge(tx: &mut Tx, plan: &Plan<'_>, now: OffsetDateTime) -> Result<(), Failure> {
    let merges = plan.merges();
    let renamed: Vec<(ProjectId, IssueId, &str)> = plan.renamed();
    if merges.is_empty() && renamed.is_empty() {
        return Ok(());
    }
    let leads = plan.leads.iter().map(|(sighting, lead, _)| (sighting.project_id, plan.end(sighting.project_id, *lead)));
    let led = leads.filter_map(|(project, lead)| if let Lead::Known(id) = lead { Some((project, id)) } else { None });
    let merged = merges.iter().flat_map(|(project, from, into, _)| [(*project, *from), (*project, *into)]);
    let issues: BTreeSet<_> = led.chain(merged).chain(renamed.iter().map(|(project, id, _)| (*project, *id))).collect();
    if issue_state::lock(tx, &issues.iter().copied().collect::<Vec<_>>()).await?.len() != issues.len() {
        return Err(Failure::Race); // one was deleted since its hash was read
    }
    for (project_id, from, into, reason) in merges {
        merges::merge(tx, &Merge { project_id, from, into, user_id: None, reason: reason.to_owned(), at: now }).await?;
    }
    for (project, id, value) in renamed {
        issue_state::rename(tx, project, id, value).await?;
    }
    Ok(())
}

/// An issue that has as many hashes as it may have gets no more; new issues have few.
async fn leave_out_surplus(tx: &mut Tx, plan: &mut Plan<'_>) -> Result<(), Failure> {
    let issue = |plan: &Plan<'_>, project: ProjectId, lead: Lead| match plan.end(project, lead) {
        Lead::Known(id) => Some((project, id)),
        Lead::New(_) => None,
    };
    let growing: BTreeSet<_> = plan.attached.iter().filter_map(|((project, _), (_, lead))| issue(plan, *project, *lead)).collect();
    let mut counts = hashes::counts(tx, &growing.into_iter().collect::<Vec<_>>()).await?;
    let mut attached = std::mem::take(&mut plan.attached);
    attached.retain(|(project, _), (_, lead)| {
        let Some(count) = issue(plan, *project, *lead).and_then(|issue| counts.get_mut(&issue)) else { return true };
        *count += 1;
        *count <= HASHES_MAX
    });
    plan.attached = attached;
    Ok(())
}

impl Sighting {
    /// Its hashes, with the project they hold in.
    pub fn keys(&self) -> impl Iterator<Item = (ProjectId, Hash)> + use<'_> {
        self.hashes.iter().map(|hash| (self.project_id, *hash))
    }

    /// Its hashes of earlier versions of the fingerprint, which lead to issues and are attached to none.
    pub fn older_keys(&self) -> impl Iterator<Item = (ProjectId, Hash)> + use<'_> {
        self.older_hashes.iter().map(|hash| (self.project_id, *hash))
    }

    fn attach(&self, issue_id: IssueId) -> NewHash {
        NewHash { algorithm: self.algorithm, issue_id, first_seen_at: self.received_at }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::digest::sighting::Timing;
    use crate::digest::versions::Wanted;
    use crate::domain::grouping_rules::GroupingRules;
    use crate::protocol::event::Event;
    use crate::store::payload::packer::Packer;

    /// An event with these hashes.
    pub fn sighting(project: i64, hashes: &[u8]) -> Sighting {
        let timing = Timing { received_at: datetime!(2026-11-20 12:00 UTC), clean: true, retention: time::Duration::DAY };
        let mut sighting =
            Sighting::of(ProjectId(project), Event::default(), &GroupingRules::NONE, timing, &Packer::default(), Wanted::default());
        sighting.hashes = hashes.iter().map(|hash| [*hash; 16]).collect();
        sighting
    }

    /// Per event: the known issue it belongs to, or which of the new ones.
    fn leads(sightings: &[Sighting], known: &[(i64, u8, i64)]) -> Vec<Result<i64, usize>> {
        let known = known.iter().map(|(project, hash, issue)| ((ProjectId(*project), [*hash; 16]), IssueId(*issue))).collect();
        let plan = Plan::of(&sightings.iter().collect::<Vec<_>>(), known);
        let lead = |(_, lead, _): &(&Sighting, Lead, Hash)| match lead {
            Lead::Known(id) => Ok(id.0),
            Lead::New(index) => Err(*index),
        };
        plan.leads.iter().map(lead).collect()
    }

    #[test]
    fn events_of_a_batch_that_share_a_hash_join() {
        let batch = [sighting(1, &[1]), sighting(1, &[2, 1]), sighting(1, &[2]), sighting(1, &[3])];
        assert_eq!(leads(&batch, &[]), [Err(0), Err(0), Err(0), Err(1)]);
    }

    #[test]
    fn the_first_known_hash_decides_and_the_unknown_follow_it() {
        let batch = [sighting(1, &[9, 5, 6]), sighting(1, &[9]), sighting(1, &[6, 5])];
        assert_eq!(leads(&batch, &[(1, 5, 50), (1, 6, 60)]), [Ok(50), Ok(50), Ok(60)]);
    }

    #[test]
    fn the_same_hash_in_two_projects_is_two_issues() {
        let batch = [sighting(1, &[1]), sighting(2, &[1])];
        assert_eq!(leads(&batch, &[]), [Err(0), Err(1)]);
        assert_eq!(leads(&batch, &[(2, 1, 7)]), [Err(0), Ok(7)]);
    }
}
