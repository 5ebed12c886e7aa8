//! Which issue each event belongs to: the first of its hashes that is known decides, its unknown hashes are attached.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::failure::Failure;
use super::sighting::Sighting;
use crate::domain::fingerprint::Hash;
use crate::domain::ids::{IssueId, ProjectId};
use crate::store::Tx;
use crate::store::hashes::{self, NewHash};
use crate::store::issue_state::{self, NewIssue};

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
    /// The events whose issue is new, one for each such issue.
    pub founders: Vec<Placed<'a>>,
}

/// An issue that is known, or the place in the list of those that this batch founds.
#[derive(Clone, Copy)]
enum Lead {
    Known(IssueId),
    New(usize),
}

struct Plan<'a> {
    leads: Vec<(&'a Sighting, Lead, Hash)>,
    founders: Vec<&'a Sighting>,
    attached: BTreeMap<(ProjectId, Hash), (&'a Sighting, Lead)>,
}

/// Finds or makes the issues. [`Failure::Race`] where another node has just taken one of the hashes.
pub async fn assign<'a>(tx: &mut Tx, fresh: &[&'a Sighting]) -> Result<Assigned<'a>, Failure> {
    let asked: BTreeSet<_> = fresh.iter().flat_map(|sighting| sighting.keys()).collect();
    let known = hashes::list(tx, &asked.into_iter().collect::<Vec<_>>()).await?;
    let plan = plan(fresh, known);
    let ids = if plan.founders.is_empty() { vec![] } else { issue_state::allocate(tx, plan.founders.len()).await? };
    let new: Vec<NewIssue> = plan.founders.iter().zip(&ids).map(|(founder, id)| founder.found(*id)).collect();
    issue_state::insert(tx, &new).await?;
    let id_of = |lead| match lead {
        Lead::Known(id) => id,
        Lead::New(index) => ids[index],
    };
    let attached: BTreeMap<_, _> = plan.attached.into_iter().map(|(key, (sighting, lead))| (key, sighting.attach(id_of(lead)))).collect();
    if hashes::attach(tx, &attached).await? != attached.len() as u64 {
        return Err(Failure::Race);
    }
    let place = |(sighting, lead, hash)| Placed { sighting, issue_id: id_of(lead), hash };
    let founders = plan.founders.iter().zip(&ids).map(|(founder, id)| Placed { sighting: founder, issue_id: *id, hash: founder.hashes[0] });
    Ok(Assigned { founders: founders.collect(), placed: plan.leads.into_iter().map(place).collect() })
}

/// Events that share a hash join within the batch as they do over batches.
fn plan<'a>(fresh: &[&'a Sighting], known: HashMap<(ProjectId, Hash), IssueId>) -> Plan<'a> {
    let mut leads: HashMap<_, Lead> = known.into_iter().map(|(key, id)| (key, Lead::Known(id))).collect();
    let mut plan = Plan { leads: Vec::with_capacity(fresh.len()), founders: vec![], attached: BTreeMap::new() };
    for sighting in fresh {
        let decided = sighting.keys().find_map(|key| leads.get(&key).map(|lead| (*lead, key.1)));
        let (lead, hash) = decided.unwrap_or_else(|| {
            plan.founders.push(sighting);
            (Lead::New(plan.founders.len() - 1), sighting.hashes[0])
        });
        for key in sighting.keys() {
            if let std::collections::hash_map::Entry::Vacant(vacant) = leads.entry(key) {
                vacant.insert(lead);
                plan.attached.insert(key, (sighting, lead));
            }
        }
        plan.leads.push((sighting, lead, hash));
    }
    plan
}

impl Sighting {
    fn keys(&self) -> impl Iterator<Item = (ProjectId, Hash)> + use<'_> {
        self.hashes.iter().map(|hash| (self.project_id, *hash))
    }

    fn attach(&self, issue_id: IssueId) -> NewHash {
        NewHash { algorithm: self.algorithm, issue_id, first_seen_at: self.received_at }
    }
}
