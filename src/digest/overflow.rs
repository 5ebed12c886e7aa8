//! More new issues than a project may make: their events share one issue that says so, until there is room again.
//!
//! The hashes of these events are attached to nothing: the next of their kind that comes when there is room founds its own issue.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::failure::Failure;
use super::plan::{Lead, Name, Plan};
use crate::domain::fingerprint::OVERFLOW;
use crate::domain::ids::ProjectId;
use crate::domain::issue::OVERFLOW_KIND;
use crate::domain::new_issues::Bucket;
use crate::store::{Tx, hashes, new_issue_rates};

/// Diverts the founders there is no room for, in the order of arrival. `buckets` are held by the transaction.
pub async fn divert(
    tx: &mut Tx,
    plan: &mut Plan<'_>,
    mut buckets: HashMap<ProjectId, Bucket>,
    per_minute: Option<u32>,
) -> Result<(), Failure> {
    let Some(limit) = per_minute else { return Ok(()) };
    let mut diverted: BTreeMap<ProjectId, Vec<usize>> = BTreeMap::new();
    for place in plan.made() {
        let founder = plan.founders[place];
        let has_room = buckets.get_mut(&founder.project_id).is_none_or(|bucket| bucket.takes(founder.received_at, per_minute));
        if !has_room {
            diverted.entry(founder.project_id).or_default().push(place);
        }
    }
    new_issue_rates::update(tx, &buckets.into_iter().collect::<Vec<_>>()).await?;
    if diverted.is_empty() {
        return Ok(());
    }
    let keys: Vec<_> = diverted.keys().map(|project| (*project, OVERFLOW)).collect();
    let known = hashes::list(tx, &keys).await?;
    for (project, places) in diverted {
        let overflow = known.get(&(project, OVERFLOW)).map(|id| Lead::Known(*id));
        pour(plan, project, &places, overflow, limit);
    }
    Ok(())
}

fn pour(plan: &mut Plan<'_>, project: ProjectId, places: &[usize], known: Option<Lead>, limit: u32) {
    let gone: BTreeSet<Lead> = places.iter().map(|place| Lead::New(*place)).collect();
    let mut attached = std::mem::take(&mut plan.attached);
    attached.retain(|key, (_, lead)| key.0 != project || !gone.contains(&plan.end(project, *lead)));
    plan.attached = attached;
    let overflow = known.unwrap_or(Lead::New(places[0]));
    if known.is_none() {
        let value = format!("Too many new issues: more than {limit} a minute, so these events are not told apart");
        plan.attach((project, OVERFLOW), plan.founders[places[0]], overflow);
        plan.names.insert((project, overflow), Name { kind: Some(OVERFLOW_KIND), value });
    }
    for lead in gone {
        plan.names.retain(|key, _| *key != (project, lead) || lead == overflow);
        plan.join(project, lead, overflow, "there were too many new issues");
    }
}
