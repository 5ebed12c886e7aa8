//! Events nobody wants any more: of issues that were deleted together with their future. How many came is counted, and nothing else is kept.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use time::OffsetDateTime;

use super::failure::Failure;
use super::reading::Reading;
use super::sighting::Sighting;
use crate::domain::fingerprint::Hash;
use crate::domain::ids::{IssueId, ProjectId};
use crate::pipeline::fingerprint;
use crate::store::counters::projects::HeldProject;
use crate::store::hashes::{self, Found};
use crate::store::removals::IssueKey;
use crate::store::{Tx, discards};

/// The reason in the accounting.
pub const DISCARDED: &str = "discarded";

/// The events of a batch, parted before anything is written of them: a flood of what is dropped leaves no trace but two sums.
pub struct Parted<'a> {
    /// Belong to a project that exists, and are wanted.
    pub wanted: Vec<&'a Sighting>,
    /// Are dropped, with the number of the issue they would have belonged to.
    pub dropped: Vec<(&'a Sighting, IssueId)>,
    /// Belong to a project that was deleted.
    pub orphans: Vec<&'a Sighting>,
    /// Where the hashes of all of them lead.
    pub found: Found,
}

/// Looks up all hashes of the batch, once, and lets the first that is known decide, as it does where it leads to an issue.
pub async fn part<'a>(tx: &mut Tx, readings: &'a [Reading], projects: &HashMap<ProjectId, HeldProject>) -> Result<Parted<'a>, Failure> {
    let (known, orphans): (Vec<&Sighting>, Vec<&Sighting>) =
        readings.iter().flat_map(|reading| &reading.sightings).partition(|sighting| projects.contains_key(&sighting.project_id));
    let asked: BTreeSet<_> = known.iter().flat_map(|sighting| sighting.keys().chain(sighting.older_keys())).collect();
    let found = hashes::find(tx, &asked.into_iter().collect::<Vec<_>>()).await?;
    let varied = varied(tx, &known, &found, projects).await?;
    let mut parted = Parted { wanted: Vec::with_capacity(known.len()), dropped: Vec::new(), orphans, found };
    for (place, sighting) in known.into_iter().enumerate() {
        match parted.found.discards(sighting).or_else(|| varied.get(&place).copied()) {
            Some(issue) => parted.dropped.push((sighting, issue)),
            None => parted.wanted.push(sighting),
        }
    }
    Ok(parted)
}

/// Events nobody knows whose sentence differs from those of a deleted issue in a word that varied there. Asked for only where a project has
/// such issues. By their place in the batch.
async fn varied(
    tx: &mut Tx,
    sightings: &[&Sighting],
    found: &Found,
    projects: &HashMap<ProjectId, HeldProject>,
) -> Result<HashMap<usize, IssueId>, Failure> {
    let is_asked = |(_, sighting): &(usize, &&Sighting)| {
        let discards = projects.get(&sighting.project_id).is_some_and(|held| held.has_discards);
        discards && !sighting.keys().chain(sighting.older_keys()).any(|key| found.knows(&key))
    };
    let patterns = |sighting: &Sighting| -> Vec<_> {
        let slots = sighting.memory.sentence.as_ref().map(fingerprint::slots).unwrap_or_default();
        slots.into_iter().map(|slot| (sighting.project_id, slot.pattern)).collect()
    };
    let asked: Vec<_> = sightings.iter().enumerate().filter(is_asked).map(|(place, sighting)| (place, patterns(sighting))).collect();
    let all: BTreeSet<_> = asked.iter().flat_map(|(_, patterns)| patterns).copied().collect();
    if all.is_empty() {
        return Ok(HashMap::new());
    }
    let known = discards::find_varied(tx, &all.into_iter().collect::<Vec<_>>()).await?;
    let issue = |(place, patterns): (usize, Vec<_>)| Some((place, patterns.iter().find_map(|pattern| known.get(pattern).copied())?));
    Ok(asked.into_iter().filter_map(issue).collect())
}

impl Found {
    fn knows(&self, key: &(ProjectId, Hash)) -> bool {
        self.issues.contains_key(key) || self.discarded.contains_key(key)
    }

    /// The deleted issue this event would have belonged to.
    fn discards(&self, sighting: &Sighting) -> Option<IssueId> {
        if self.discarded.is_empty() {
            return None;
        }
        let mut keys = sighting.keys().chain(sighting.older_keys());
        let decisive = keys.find(|key| self.knows(key))?;
        if self.issues.contains_key(&decisive) { None } else { self.discarded.get(&decisive).copied() }
    }
}

/// Counts what was dropped where the decision is listed.
pub async fn note(tx: &mut Tx, dropped: &[(&Sighting, IssueId)]) -> Result<(), Failure> {
    if dropped.is_empty() {
        return Ok(());
    }
    let mut counts: BTreeMap<IssueKey, (i64, OffsetDateTime)> = BTreeMap::new();
    for (sighting, issue) in dropped {
        let count = counts.entry((sighting.project_id, *issue)).or_insert((0, sighting.received_at));
        *count = (count.0 + 1, count.1.max(sighting.received_at));
    }
    Ok(discards::count_dropped(tx, &counts).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::assign::tests::sighting;

    #[test]
    fn the_first_known_hash_decides_whether_an_event_is_dropped() {
        let lead = |hash: u8, issue: i64| ((ProjectId(1), [hash; 16]), IssueId(issue));
        let found = Found { issues: [lead(1, 10)].into(), discarded: [lead(2, 20)].into() };
        assert_eq!(found.discards(&sighting(1, &[9, 2])), Some(IssueId(20)));
        assert_eq!(found.discards(&sighting(1, &[1, 2])), None);
        assert_eq!(found.discards(&sighting(1, &[2, 1])), Some(IssueId(20)));
        assert_eq!(found.discards(&sighting(1, &[9])), None);
        assert_eq!(found.discards(&sighting(2, &[2])), None);
    }
}
