//! Messages that differ in one word which varies become one issue, also those that have one already.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use time::OffsetDateTime;

use super::failure::Failure;
use super::plan::{Lead, Name, Plan};
use super::sighting::Sighting;
use crate::domain::fingerprint::Hash;
use crate::domain::ids::ProjectId;
use crate::domain::slot;
use crate::pipeline::fingerprint::{self, Slot};
use crate::store::{Tx, hashes, message_slots};

/// Where the sentence with a value in the slot has an issue, this many others in that issue show that the slot was found to vary.
const JOINED_MIN: usize = 3;

/// A pattern, in a project.
type PatternKey = (ProjectId, Hash);

/// The sentences that agree in everything but one slot.
#[derive(Default)]
struct Group {
    /// By hash: where it leads, and whether its word is written like a name.
    members: BTreeMap<Hash, (Lead, bool)>,
    /// Where the sentence with a value in the slot leads.
    own: Option<Lead>,
}

/// What is known of the slots of a batch.
#[derive(Default)]
struct Board {
    groups: HashMap<PatternKey, Group>,
    /// Patterns of which a person decided where they lead.
    settled: BTreeSet<PatternKey>,
    /// Events of issues.
    counts: HashMap<(ProjectId, Lead), i64>,
    /// To be remembered: project, pattern, hash, written like a name.
    new: BTreeMap<(ProjectId, Hash, Hash), bool>,
}

/// Looks at each event that would found an issue, in the order of arrival. The projects' buckets are held.
pub async fn join(tx: &mut Tx, plan: &mut Plan<'_>, now: OffsetDateTime) -> Result<(), Failure> {
    let slots: HashMap<usize, Vec<Slot>> =
        plan.founders.iter().enumerate().filter_map(|(place, founder)| slots_of(place, founder)).collect();
    if slots.is_empty() {
        return Ok(());
    }
    let patterns: BTreeSet<PatternKey> =
        slots.iter().flat_map(|(place, slots)| slots.iter().map(|slot| (plan.founders[*place].project_id, slot.pattern))).collect();
    let mut board = Board::read(tx, &patterns.into_iter().collect::<Vec<_>>()).await?;
    for at in 0..plan.leads.len() {
        let (sighting, lead, _) = plan.leads[at];
        *board.counts.entry((sighting.project_id, plan.end(sighting.project_id, lead))).or_default() += 1;
        if let Some(slots) = plan.founded_by(sighting, lead).and_then(|place| slots.get(&place)) {
            board.look(plan, sighting, lead, slots);
        }
    }
    Ok(message_slots::remember(tx, &board.new, now).await?)
}

fn slots_of(place: usize, founder: &Sighting) -> Option<(usize, Vec<Slot>)> {
    let slots = fingerprint::slots(founder.memory.sentence.as_ref()?);
    (!slots.is_empty()).then_some((place, slots))
}

impl Board {
    async fn read(tx: &mut Tx, patterns: &[PatternKey]) -> Result<Self, Failure> {
        let mut board = Self::default();
        for (key, known) in hashes::list_leads(tx, patterns).await? {
            if known.pinned {
                board.settled.insert(key);
            }
            board.groups.entry(key).or_default().own = Some(Lead::Known(known.issue_id));
        }
        for (key, member) in message_slots::list(tx, patterns).await?.into_iter().filter(|(_, member)| !member.pinned) {
            let lead = Lead::Known(member.issue_id);
            board.groups.entry(key).or_default().members.insert(member.hash, (lead, member.is_name));
            board.counts.insert((key.0, lead), member.event_count);
        }
        Ok(board)
    }

    fn look<'a>(&mut self, plan: &mut Plan<'a>, sighting: &'a Sighting, lead: Lead, slots: &[Slot]) {
        let (project, hash) = (sighting.project_id, sighting.hashes[0]);
        for slot in slots {
            let key = (project, slot.pattern);
            if self.settled.contains(&key) {
                continue;
            }
            let group = self.groups.entry(key).or_default();
            group.own = group.own.or_else(|| plan.attached.get(&key).map(|(_, lead)| *lead));
            group.members.insert(hash, (lead, slot.is_name));
            let group_is_unknown = group.own.is_none();
            if group.varies(plan, project, &self.counts) {
                self.unite(plan, key, slot);
                if group_is_unknown {
                    plan.attach(key, sighting, lead);
                }
            }
        }
        if plan.end(project, lead) == lead {
            self.new.extend(slots.iter().map(|slot| ((project, slot.pattern, hash), slot.is_name)));
        }
    }

    /// All sentences of a pattern are one, and so is the one with a value in its place.
    fn unite(&mut self, plan: &mut Plan<'_>, key: PatternKey, slot: &Slot) {
        let Some(group) = self.groups.get_mut(&key) else { return };
        let leads: BTreeSet<Lead> =
            group.members.values().map(|(lead, _)| *lead).chain(group.own).map(|lead| plan.end(key.0, lead)).collect();
        let count = leads.iter().filter_map(|lead| self.counts.remove(&(key.0, *lead))).sum();
        let reason = format!("messages that differ in one word: “{}”", slot.title);
        let Some(first) = leads.first().copied() else { return };
        let stays = leads.iter().fold(first, |stays, lead| plan.join(key.0, stays, *lead, &reason));
        self.counts.insert((key.0, stays), count);
        group.own = Some(stays);
        plan.names.entry((key.0, stays)).or_insert(Name { kind: None, value: slot.title.clone() });
    }
}

impl Group {
    fn varies(&self, plan: &Plan<'_>, project: ProjectId, counts: &HashMap<(ProjectId, Lead), i64>) -> bool {
        let own = self.own.map(|lead| plan.end(project, lead));
        let ends = || self.members.values().map(|(lead, _)| plan.end(project, *lead));
        if own.is_some_and(|own| ends().filter(|end| *end == own).count() >= JOINED_MIN) {
            return true;
        }
        let distinct: BTreeSet<Lead> = ends().collect();
        let name_count = self.members.values().filter(|(_, is_name)| *is_name).count();
        let known = slot::Slot {
            name_count,
            word_count: self.members.len() - name_count,
            event_count: distinct.iter().filter_map(|lead| counts.get(&(project, *lead))).sum(),
            beside_values: own.is_some(),
        };
        known.varies()
    }
}
