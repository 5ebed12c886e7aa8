//! Compresses what the digest stores, each project's events against its newest dictionary, and keeps count of how well that goes. Never asks
//! the database: `jobs::dictionaries` tells it what there is.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use time::OffsetDateTime;
use tokio::sync::Notify;

use super::{Encoder, NO_DICTIONARY};
use crate::domain::dictionary::{self, FIRST_EVENTS, Newest, Sizes};
use crate::domain::ids::ProjectId;

/// Most bytes of prepared dictionaries. Where projects need more, those with the most to compress have theirs.
const MEMORY_LEN_MAX: usize = 16 << 20;
/// Most bytes of payloads that are remembered of projects without a dictionary, to make their first one of.
const EARLY_LEN_MAX: usize = 4 << 20;

/// Compressed JSON of an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packed {
    /// Of the event's project; 0: none.
    pub dictionary_id: i32,
    /// zstd.
    pub payload: Vec<u8>,
}

/// Shared by all threads of a digest. Clones are the same packer.
#[derive(Clone, Default)]
pub struct Packer(Arc<Inner>);

#[derive(Default)]
struct Inner {
    projects: Mutex<HashMap<ProjectId, Project>>,
    /// Bytes of `early` of all projects.
    early_len: AtomicUsize,
    wanted: Notify,
}

/// What is known of a project's payloads.
#[derive(Default)]
struct Project {
    newest: Option<Newest>,
    /// Prepared, with its id.
    encoder: Option<(i32, Arc<Encoder>)>,
    /// Since the newest dictionary was made, or this process began.
    since: Sizes,
    /// How many of those it takes until the job looks again.
    patience: u64,
    /// JSON bytes of late, for who gets the room; halved at every look.
    load: u64,
    /// The job was asked to look.
    asked: bool,
    /// The first payloads of a project without a dictionary.
    early: Vec<Vec<u8>>,
}

impl Packer {
    /// Compresses the JSON of an event of this project; `locals` are the places in it of what is better moved to its end (see `layout`).
    pub fn pack(&self, project: ProjectId, json: &[u8], locals: &[Range<usize>]) -> Packed {
        let encoder = self.lock().get(&project).and_then(|known| known.encoder.clone());
        let packed = match encoder {
            Some((dictionary_id, encoder)) => Packed { dictionary_id, payload: encoder.encode_moving(json, Some(locals)) },
            None => Packed { dictionary_id: NO_DICTIONARY, payload: super::encode_moving(json, Some(locals)) },
        };
        let mut projects = self.lock();
        let known = projects.entry(project).or_default();
        known.load += json.len() as u64;
        known.since.add(json.len(), packed.payload.len());
        if packed.dictionary_id == NO_DICTIONARY && known.newest.is_none() && known.since.event_count <= FIRST_EVENTS {
            self.remember(known, &packed.payload);
        }
        // At the first event, whether there is a dictionary; later, whether there should be another.
        let asks = known.since.event_count == 1 || known.may_want();
        if asks && !std::mem::replace(&mut known.asked, true) {
            self.0.wanted.notify_one();
        }
        packed
    }

    fn remember(&self, known: &mut Project, payload: &[u8]) {
        let before = self.0.early_len.fetch_add(payload.len(), Ordering::Relaxed);
        if before + payload.len() > EARLY_LEN_MAX {
            self.0.early_len.fetch_sub(payload.len(), Ordering::Relaxed);
            return;
        }
        known.early.push(payload.to_vec());
    }

    /// The first payloads that were packed for a project without a dictionary, each on its own; given away once.
    pub fn take_early(&self, project: ProjectId) -> Vec<Vec<u8>> {
        self.lock().get_mut(&project).map(|known| self.forget(known)).unwrap_or_default()
    }

    fn forget(&self, known: &mut Project) -> Vec<Vec<u8>> {
        let early = std::mem::take(&mut known.early);
        self.0.early_len.fetch_sub(early.iter().map(Vec::len).sum(), Ordering::Relaxed);
        early
    }

    /// Events of this project are about to come: its dictionary will be asked for.
    pub fn expect(&self, project: ProjectId) {
        let mut projects = self.lock();
        let known = projects.entry(project).or_default();
        known.load = known.load.max(1);
    }

    /// Returns when there may be something to do for the job.
    pub async fn wanted(&self) {
        self.0.wanted.notified().await;
    }

    /// Tells which dictionaries there are. Answers which of them are to be prepared, and lets go of those that others need the room of.
    pub fn learn(&self, newest: &[(ProjectId, Newest)]) -> Vec<(ProjectId, i32)> {
        let mut projects = self.lock();
        let newest: HashMap<ProjectId, Newest> = newest.iter().copied().collect();
        let mut ranked: Vec<(u64, ProjectId)> = Vec::new();
        for (id, known) in projects.iter_mut() {
            known.asked = false;
            let found = newest.get(id).copied();
            if found.map(|one| one.id) != known.newest.map(|one| one.id) {
                (known.since, known.patience) = (Sizes::default(), 0);
            }
            known.newest = found;
            if found.is_some() {
                drop(self.forget(known));
            }
            known.encoder.take_if(|(of, _)| found.is_none_or(|one| one.id != *of));
            ranked.push((known.load, *id));
            known.load /= 2;
        }
        ranked.sort_unstable();
        let (mut room, mut missing) = (MEMORY_LEN_MAX, Vec::new());
        for (load, id) in ranked.into_iter().rev() {
            let Some(known) = projects.get_mut(&id) else { continue };
            match (&known.encoder, known.newest) {
                (Some((_, encoder)), _) if encoder.memory_len() <= room => room -= encoder.memory_len(),
                (Some(_), _) => known.encoder = None,
                (None, Some(one)) if room > 0 && load > 0 => missing.push((id, one.id)),
                (None, _) => {}
            }
        }
        missing
    }

    /// From now on the project's events are compressed against this dictionary, if there is room for it. Answers whether there is.
    pub fn equip(&self, project: ProjectId, id: i32, encoder: Arc<Encoder>) -> bool {
        let mut projects = self.lock();
        let used: usize =
            projects.iter().filter(|(of, _)| **of != project).filter_map(|(_, known)| Some(known.encoder.as_ref()?.1.memory_len())).sum();
        let fits = used == 0 || used + encoder.memory_len() <= MEMORY_LEN_MAX;
        if fits {
            projects.entry(project).or_default().encoder = Some((id, encoder));
        }
        fits
    }

    /// The projects that should have a dictionary made, with the newest they have.
    pub fn due(&self, now: OffsetDateTime) -> Vec<(ProjectId, Option<Newest>)> {
        let mut due: Vec<_> = self
            .lock()
            .iter()
            .filter(|(_, known)| known.may_want() && known.newest.as_ref().is_none_or(|newest| dictionary::may_be_replaced(newest, now)))
            .map(|(id, known)| (*id, known.newest))
            .collect();
        due.sort_unstable_by_key(|(id, _)| *id);
        due
    }

    /// Nothing better was found for the project: not to be asked before so many more events.
    pub fn postpone(&self, project: ProjectId, more: u64) {
        if let Some(known) = self.lock().get_mut(&project) {
            known.patience = known.since.event_count + more;
        }
    }

    /// What was compressed for the project since its newest dictionary was made, or this process began.
    pub fn sizes(&self, project: ProjectId) -> Sizes {
        self.lock().get(&project).map(|known| known.since).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ProjectId, Project>> {
        self.0.projects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Project {
    fn may_want(&self) -> bool {
        self.since.event_count >= self.patience && dictionary::is_wanted(self.newest.as_ref(), &self.since)
    }
}
