//! Which issue each event belongs to: the first of its hashes that is known decides, its unknown hashes are attached.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::failure::Failure;
use super::sighting::Sighting;
use crate::domain::fingerprint::Hash;
use crate::domain::ids::{IssueId, ProjectId};
use crate::store::Tx;
use crate::store::hashes::{self, HASHES_MAX, NewHash};
use crate::store::issue_state;

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
}

impl Assigned<'_> {
    /// Whether the batch found this issue.
    pub fn is_new(&self, issue: IssueId) -> bool {
        self.founders.contains_key(&issue)
    }
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

/// Finds the issues, or ids for new ones. [`Failure::Race`] where another node has just taken one of the hashes.
pub async fn assign<'a>(tx: &mut Tx, fresh: &[&'a Sighting]) -> Result<Assigned<'a>, Failure> {
    let asked: BTreeSet<_> = fresh.iter().flat_map(|sighting| sighting.keys()).collect();
    let known = hashes::list(tx, &asked.into_iter().collect::<Vec<_>>()).await?;
    let mut plan = plan(fresh, known);
    leave_out_surplus(tx, &mut plan.attached).await?;
    let ids = if plan.founders.is_empty() { vec![] } else { issue_state::allocate(tx, plan.founders.len()).await? };
    let id_of = |lead| match lead {
        Lead::Known(id) => id,
        Lead::New(index) => ids[index],
    };
    let attached: BTreeMap<_, _> = plan.attached.into_iter().map(|(key, (sighting, lead))| (key, sighting.attach(id_of(lead)))).collect();
    hashes::attach(tx, &attached).await?;
    let place = |(sighting, lead, hash)| Placed { sighting, issue_id: id_of(lead), hash };
    let founders =
        plan.founders.iter().zip(&ids).map(|(founder, id)| (*id, Placed { sighting: founder, issue_id: *id, hash: founder.hashes[0] }));
    Ok(Assigned { founders: founders.collect(), placed: plan.leads.into_iter().map(place).collect() })
}

/// An issue that has as many hashes as it may have gets no more; new issues have few.
async fn leave_out_surplus(tx: &mut Tx, attached: &mut BTreeMap<(ProjectId, Hash), (&Sighting, Lead)>) -> Result<(), Failure> {
    let issue = |project: ProjectId, lead: Lead| match lead {
        Lead::Known(id) => Some((project, id)),
        Lead::New(_) => None,
    };
    let growing: BTreeSet<_> = attached.iter().filter_map(|((project, _), (_, lead))| issue(*project, *lead)).collect();
    let mut counts = hashes::counts(tx, &growing.into_iter().collect::<Vec<_>>()).await?;
    attached.retain(|(project, _), (_, lead)| {
        let Some(count) = issue(*project, *lead).and_then(|issue| counts.get_mut(&issue)) else { return true };
        *count += 1;
        *count <= HASHES_MAX
    });
    Ok(())
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

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::digest::sighting::Timing;
    use crate::protocol::event::Event;
    use crate::store::payload::packer::Packer;

    fn sighting(project: i64, hashes: &[u8]) -> Sighting {
        let timing = Timing { received_at: datetime!(2026-11-20 12:00 UTC), clean: true, retention: time::Duration::DAY };
        let mut sighting = Sighting::of(ProjectId(project), Event::default(), timing, &Packer::default());
        sighting.hashes = hashes.iter().map(|hash| [*hash; 16]).collect();
        sighting
    }

    /// Per event: the known issue it belongs to, or which of the new ones.
    fn leads(sightings: &[Sighting], known: &[(i64, u8, i64)]) -> Vec<Result<i64, usize>> {
        let known = known.iter().map(|(project, hash, issue)| ((ProjectId(*project), [*hash; 16]), IssueId(*issue))).collect();
        let plan = plan(&sightings.iter().collect::<Vec<_>>(), known);
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
