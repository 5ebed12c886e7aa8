//! What one batch does to the database, as a list of verbs. The caller opens and commits the transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use time::OffsetDateTime;

use super::assign::{Assigned, Placed, assign};
use super::failure::Failure;
use super::fates::{EventKey, Fates};
use super::reading::Reading;
use super::sighting::Sighting;
use super::{Settings, alerts, attached, check_in, counts, discards, feedback, sampling, session, status};
use crate::domain::ids::{IssueId, ProjectId};
use crate::domain::outcome::Outcome;
use crate::store::activities::{self, NewActivity};
use crate::store::counters::projects::HeldProject;
use crate::store::event_ids::{self, Claim};
use crate::store::events::{self, NewEvent};
use crate::store::job_locks::{self, Job};
use crate::store::outcomes::{self, Tally};
use crate::store::{Tx, counters, dead_letters, refusals, spikes};

/// Counted under this reason: events of a project that was deleted between accepting and digesting them.
const PROJECT_DELETED: &str = "project_deleted";
/// The project of letters of which not even the project is known.
const NOBODY: ProjectId = ProjectId(0);

/// What a batch did.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// Events stored.
    pub stored_count: usize,
    /// Events counted without being stored.
    pub sampled_count: usize,
    /// Events whose id was taken before.
    pub duplicate_count: usize,
    /// Issues made.
    pub new_issue_count: usize,
    /// Alerts decided.
    pub alert_count: usize,
    /// Dead letters kept.
    pub letter_count: usize,
    /// Events that are not stored, and how they ended: to be remembered once this is committed.
    pub unstored: Vec<(EventKey, Outcome)>,
    /// How everything ended.
    pub tallies: Vec<Tally>,
}

/// Writes a batch. `fates`: of events that were not stored before.
pub async fn write(tx: &mut Tx, readings: &[Reading], settings: &Settings, fates: &Fates, now: OffsetDateTime) -> Result<Done, Failure> {
    // First of all locks, and until the commit: the minute sweep must not look at minutes that are being counted.
    job_locks::share(tx, Job::Spikes).await?;
    let projects = counters::projects::hold(tx, &projects_of(readings)).await?;
    let parted = discards::part(tx, readings, &projects).await?;
    warn_of_orphans(&parted.orphans);
    let dedupe = dedupe(tx, parted.wanted).await?;
    let assigned = assign(tx, &dedupe.fresh, parted.found, settings.new_issues, now).await?;
    activities::insert(tx, &first_sights(&assigned)).await?;
    let verdict = status::judge(tx, &assigned, &projects).await?;
    activities::insert(tx, &verdict.activities).await?;
    counts::add(tx, &assigned, &verdict).await?;
    let thinned = sampling::thin(tx, &assigned.placed, &projects, settings.sample_after).await?;
    store_events(tx, &thinned.kept).await?;
    fates.forget(thinned.kept.iter().map(|placed| placed.sighting.event()));
    let unstored = unstored(&thinned.sampled, &parted.dropped);
    let attached = attached::store(tx, readings, &projects, &unstored, fates, settings).await?;
    let said = feedback::store(tx, readings, &projects).await?;
    if let Some(earliest) = assigned.placed.iter().map(|placed| placed.sighting).filter(|one| one.clean).map(|one| one.received_at).min() {
        spikes::sweep_again(tx, counters::minute(earliest)).await?;
    }
    session::count(tx, readings, &projects).await?;
    let checked_in = check_in::store(tx, readings, &projects).await?;
    let alert_count = alerts::decide(tx, &verdict.tellings, now).await?;
    let letters: Vec<_> =
        readings.iter().flat_map(|reading| &reading.letters).filter(|letter| kept(letter.project_id, &projects)).cloned().collect();
    dead_letters::insert(tx, &letters, &settings.seal, now).await?;
    let refused: Vec<_> =
        readings.iter().flat_map(|reading| &reading.refusals).filter(|one| kept(one.project_id, &projects)).cloned().collect();
    refusals::add(tx, &refused).await?;
    discards::note(tx, &parted.dropped).await?;
    let tallies = readings.iter().flat_map(|reading| &reading.tallies).filter(|tally| kept(tally.project_id, &projects)).cloned();
    let ends = [(&thinned.kept, Outcome::Stored), (&thinned.sampled, Outcome::Sampled)];
    let placed = ends.into_iter().flat_map(|(placed, outcome)| placed.iter().map(move |placed| placed.sighting.tally(outcome.clone())));
    let duplicates = dedupe.duplicates.iter().map(|sighting| sighting.tally(Outcome::Duplicate));
    let dropped = parted.dropped.iter().map(|(sighting, _)| sighting.tally(Outcome::Filtered(discards::DISCARDED)));
    let tallies: Vec<Tally> =
        placed.chain(duplicates).chain(dropped).chain(attached).chain(said).chain(checked_in).chain(tallies).collect();
    outcomes::add(tx, &tallies).await?;
    Ok(Done {
        stored_count: thinned.kept.len(),
        sampled_count: thinned.sampled.len(),
        duplicate_count: dedupe.duplicates.len(),
        new_issue_count: assigned.founders.len(),
        alert_count,
        letter_count: letters.len(),
        unstored: unstored.into_iter().collect(),
        tallies,
    })
}

fn projects_of(readings: &[Reading]) -> Vec<ProjectId> {
    let projects: BTreeSet<ProjectId> = readings.iter().map(|reading| reading.project_id).collect();
    projects.into_iter().collect()
}

fn kept(project: ProjectId, projects: &HashMap<ProjectId, HeldProject>) -> bool {
    project == NOBODY || projects.contains_key(&project)
}

struct Dedupe<'a> {
    fresh: Vec<&'a Sighting>,
    duplicates: Vec<&'a Sighting>,
}

/// Takes the ids of the events; what was taken before, by anybody, is a duplicate.
async fn dedupe<'a>(tx: &mut Tx, wanted: Vec<&'a Sighting>) -> Result<Dedupe<'a>, Failure> {
    let mut taken = event_ids::take(tx, &wanted.iter().map(|sighting| sighting.claim()).collect::<Vec<_>>()).await?;
    let (fresh, duplicates) = wanted.into_iter().partition(|sighting| taken.remove(&sighting.event()));
    Ok(Dedupe { fresh, duplicates })
}

fn warn_of_orphans(orphans: &[&Sighting]) {
    let deleted: HashSet<ProjectId> = orphans.iter().map(|sighting| sighting.project_id).collect();
    for project in deleted {
        tracing::warn!(project.id = project.0, "events of a project that no longer exists were thrown away ({PROJECT_DELETED})");
    }
}

/// Events of which nothing is stored beyond what they count.
fn unstored(sampled: &[Placed<'_>], dropped: &[(&Sighting, IssueId)]) -> HashMap<EventKey, Outcome> {
    let sampled = sampled.iter().map(|placed| (placed.sighting.event(), Outcome::Sampled));
    sampled.chain(dropped.iter().map(|(sighting, _)| (sighting.event(), Outcome::Filtered(discards::DISCARDED)))).collect()
}

impl Sighting {
    fn event(&self) -> EventKey {
        (self.project_id, self.event_id)
    }

    fn claim(&self) -> Claim {
        Claim { project_id: self.project_id, event_id: self.event_id, received_at: self.received_at }
    }

    fn tally(&self, outcome: Outcome) -> Tally {
        Tally { project_id: self.project_id, at: self.received_at, category: self.category.name().to_owned(), outcome, count: 1 }
    }
}

async fn store_events(tx: &mut Tx, placed: &[Placed<'_>]) -> Result<(), Failure> {
    let rows: Vec<NewEvent<'_>> = placed.iter().map(|placed| placed.sighting.row(placed.issue_id, placed.hash)).collect();
    Ok(events::insert(tx, &rows).await?)
}

fn first_sights(assigned: &Assigned<'_>) -> Vec<NewActivity> {
    let note = |founder: &Placed<'_>| NewActivity {
        project_id: founder.sighting.project_id,
        issue_id: founder.issue_id,
        user_id: None,
        kind: "first_seen",
        detail: String::new(),
        at: founder.sighting.received_at,
    };
    assigned.founders.values().map(note).collect()
}

/// The earliest and latest of times, per key.
pub type Spans<K> = BTreeMap<K, (OffsetDateTime, OffsetDateTime)>;

/// Widens the span of `key` so that it holds `at`.
pub fn widen<K: Ord>(spans: &mut Spans<K>, key: K, at: OffsetDateTime) {
    let span = spans.entry(key).or_insert((at, at));
    *span = (span.0.min(at), span.1.max(at));
}
