//! Which events of a batch are stored: all, but for spikes of projects that want them thinned. Whatever is not is counted all the same.

use std::collections::{BTreeMap, HashMap};

use super::assign::Placed;
use super::failure::Failure;
use crate::domain::ids::ProjectId;
use crate::domain::sampling;
use crate::store::counters::hour;
use crate::store::counters::projects::HeldProject;
use crate::store::{Tx, absences, samples};

/// The events of a batch, parted.
pub struct Thinned<'a> {
    /// Get a row.
    pub kept: Vec<Placed<'a>>,
    /// Are counted only.
    pub sampled: Vec<Placed<'a>>,
}

/// Decides, in the order of arrival. `default`: where a project says nothing. The issues are locked.
pub async fn thin<'a>(
    tx: &mut Tx,
    placed: &[Placed<'a>],
    projects: &HashMap<ProjectId, HeldProject>,
    default: Option<u32>,
) -> Result<Thinned<'a>, Failure> {
    let after = |project: ProjectId| projects.get(&project).and_then(|held| sampling::threshold(held.sample_after, default));
    let mut arrived: BTreeMap<samples::Key, i64> = BTreeMap::new();
    for placed in placed.iter().filter(|placed| after(placed.sighting.project_id).is_some()) {
        *arrived.entry(key(placed)).or_default() += 1;
    }
    if arrived.is_empty() {
        return Ok(Thinned { kept: placed.to_vec(), sampled: Vec::new() });
    }
    let mut counts = samples::add(tx, &arrived).await?;
    let keeps = |placed: &&Placed<'a>| {
        let (Some(after), Some(count)) = (after(placed.sighting.project_id), counts.get_mut(&key(placed))) else { return true };
        *count += 1;
        sampling::is_kept(u64::try_from(*count).unwrap_or_default(), after)
    };
    let (kept, sampled): (Vec<&Placed<'a>>, Vec<&Placed<'a>>) = placed.iter().partition(keeps);
    note(tx, &arrived, &kept, &sampled).await?;
    Ok(Thinned { kept: kept.into_iter().copied().collect(), sampled: sampled.into_iter().copied().collect() })
}

async fn note(tx: &mut Tx, arrived: &BTreeMap<samples::Key, i64>, kept: &[&Placed<'_>], sampled: &[&Placed<'_>]) -> Result<(), Failure> {
    let mut kept_counts: BTreeMap<samples::Key, i64> = BTreeMap::new();
    for key in kept.iter().map(|placed| key(placed)).filter(|key| arrived.contains_key(key)) {
        *kept_counts.entry(key).or_default() += 1;
    }
    samples::add_kept(tx, &kept_counts).await?;
    let mut sampled_counts = BTreeMap::new();
    let mut absent = BTreeMap::new();
    for placed in sampled {
        *sampled_counts.entry(placed.issue()).or_insert(0) += 1;
        *absent.entry(absence(placed)).or_insert(0) += 1;
    }
    absences::add(tx, &absent).await?;
    Ok(samples::add_sampled(tx, &sampled_counts).await?)
}

fn absence(placed: &Placed<'_>) -> absences::Key {
    let sighting = placed.sighting;
    let name = |name: &Option<String>| name.clone().unwrap_or_default();
    (sighting.project_id, placed.issue_id, hour(sighting.occurred_at), name(&sighting.environment), name(&sighting.release))
}

fn key(placed: &Placed<'_>) -> samples::Key {
    (placed.sighting.project_id, placed.issue_id, hour(placed.sighting.received_at))
}
