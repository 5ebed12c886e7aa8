//! Makes dictionaries that stored events are compressed against, where they pay, and prepares those that are there for the digest of this
//! node. Safe to run twice and on several nodes: one makes, all find it.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context;
use time::{Duration, OffsetDateTime};
use tracing::{debug, info};
use uuid::Uuid;

use crate::clock::Clock;
use crate::domain::dictionary::{self, AGAIN_AFTER, EVENTS_MAX, FIRST_EVENTS, Newest, Sizes};
use crate::domain::ids::ProjectId;
use crate::store::dictionaries;
use crate::store::job_locks::{self, Job};
use crate::store::partitions::{self, Family};
use crate::store::payload::packer::Packer;
use crate::store::payload::{self, Decoder, Encoder, Gathering, NO_DICTIONARY};
use crate::store::{Db, Tx};

/// Events that are in memory at a time.
const PAGE: i64 = 32;
/// Most bytes of JSON that one dictionary looks at.
const SAMPLED_BYTES_MAX: u64 = 64 << 20;
/// One event in so many is kept for the trial.
const TRIAL_EVERY: u64 = 16;
/// Most bytes of JSON that are kept for the trial.
const TRIAL_BYTES_MAX: usize = 1 << 20;
/// Dictionaries of earlier times that are needed to read the events.
const DECODERS_MAX: usize = 3;
/// A node uses a dictionary at most so long after it was replaced, and its events arrived before that.
const GRACE: Duration = Duration::DAY;

/// To be called when the packer asks, and every few seconds. Tells how many dictionaries were made.
pub async fn run_once(db: &Db, clock: &Clock, packer: &Packer) -> anyhow::Result<usize> {
    dictionaries::catch_up(db, packer).await?;
    let mut made = 0;
    for (project, newest) in packer.due(clock.now()) {
        let Some(mut held) = job_locks::try_hold(db, Job::Dictionaries).await.context("holding the job of dictionaries")? else { break };
        let renewed = renew(&mut held, clock.now(), packer, project, newest).await;
        held.commit().await.context("letting go of the job of dictionaries")?;
        // Not before: an event must never refer to a dictionary that is not there.
        if let Some((id, encoder)) = renewed.with_context(|| format!("making a dictionary for project {project}"))? {
            packer.equip(project, id, encoder);
            made += 1;
        }
    }
    if made > 0 {
        dictionaries::catch_up(db, packer).await?; // what is packed from now on is counted for the new ones
    }
    Ok(made)
}

/// Forgets dictionaries that no stored event can refer to any more. Tells how many.
pub async fn trim(db: &Db, clock: &Clock, limit: i64) -> anyhow::Result<u64> {
    let partitions = partitions::list(db, Family::Events).await.context("listing partitions")?;
    let strays = partitions::stray_days(db, Family::Events).await.context("looking into the default partition")?;
    let days = partitions.into_iter().map(|partition| partition.day).chain(strays.into_iter().map(|(day, _)| day));
    let oldest = days.min().map_or(clock.now(), |day| day.midnight().assume_utc());
    dictionaries::trim(db, oldest - GRACE, limit).await.context("trimming dictionaries")
}

/// Makes a dictionary and keeps it if it pays. `None`: another node was faster, or it does not.
async fn renew(
    tx: &mut Tx,
    now: OffsetDateTime,
    packer: &Packer,
    project: ProjectId,
    newest: Option<Newest>,
) -> anyhow::Result<Option<(i32, Arc<Encoder>)>> {
    let there = dictionaries::newest(&mut **tx).await.context("listing dictionaries")?;
    let there = there.into_iter().find(|(of, _)| *of == project).map(|(_, newest)| newest.id);
    if there != newest.map(|newest| newest.id) {
        return Ok(None);
    }
    let early = packer.take_early(project);
    let study = match newest {
        None if early.len() as u64 >= FIRST_EVENTS => blocking(move || Study::of_early(&early)).await?,
        _ => study(tx, project, dictionary::sampled_since(newest.as_ref(), now)).await?,
    };
    let event_count = study.seen.event_count;
    if event_count < dictionary::events_min(newest.as_ref()) {
        packer.postpone(project, AGAIN_AFTER); // what was compressed is not stored yet
        return Ok(None);
    }
    let (content, encoder, trial, stored_bytes) = blocking(move || study.conclude()).await??;
    if !dictionary::pays(stored_bytes, trial.payload_bytes) {
        debug!(
            project.id = project.0,
            "a dictionary of {event_count} events would spare too little: {stored_bytes} to {} bytes", trial.payload_bytes
        );
        packer.postpone(project, packer.sizes(project).event_count);
        return Ok(None);
    }
    let Some(id) = dictionaries::insert(tx, project, &content, event_count, trial, now).await.context("keeping a dictionary")? else {
        packer.postpone(project, packer.sizes(project).event_count); // the project was deleted
        return Ok(None);
    };
    info!(
        project.id = project.0,
        dictionary.id = id,
        "dictionary {id} made of {event_count} events: {} KB, payloads become {} % of what they were",
        content.len() >> 10,
        trial.payload_bytes * 100 / stored_bytes.max(1)
    );
    Ok(Some((id, Arc::new(encoder))))
}

/// What is gathered of the events, and those it is tried on.
#[derive(Default)]
struct Study {
    gathering: Gathering,
    /// JSON, and the length of the payload it is stored as.
    trial: Vec<(Vec<u8>, usize)>,
    trial_bytes: usize,
    seen: Sizes,
}

async fn study(tx: &mut Tx, project: ProjectId, since: OffsetDateTime) -> anyhow::Result<Study> {
    let (mut study, mut decoders) = (Study::default(), HashMap::new());
    let start = Uuid::new_v4();
    for (mut from, until) in [(start, Uuid::max()), (Uuid::nil(), start)] {
        while !study.is_complete() {
            let page = dictionaries::samples(&mut **tx, project, since, from, PAGE).await.context("sampling events")?;
            let is_last = page.len() < usize::try_from(PAGE)?;
            let Some(next) = page.last().and_then(|last| last.event_id.0.as_u128().checked_add(1)) else { break };
            from = Uuid::from_u128(next);
            let page = page.into_iter().filter(|sample| sample.event_id.0 < until);
            let page: Vec<_> = page.map(|sample| (sample.dictionary_id, sample.payload)).collect();
            read_dictionaries(tx, project, &page, &mut decoders).await?;
            let at_hand = decoders.clone();
            study = blocking(move || study.look_at_all(&page, &at_hand)).await?;
            if is_last || from >= until {
                break;
            }
        }
    }
    Ok(study)
}

async fn read_dictionaries(
    tx: &mut Tx,
    project: ProjectId,
    page: &[(i32, Vec<u8>)],
    decoders: &mut HashMap<i32, Arc<Decoder>>,
) -> anyhow::Result<()> {
    for id in page.iter().map(|sample| sample.0).filter(|id| *id != NO_DICTIONARY) {
        if !decoders.contains_key(&id)
            && decoders.len() < DECODERS_MAX
            && let Some(content) = dictionaries::content(&mut **tx, project, id).await?
        {
            decoders.insert(id, Arc::new(Decoder::new(&content)?));
        }
    }
    Ok(())
}

impl Study {
    fn is_complete(&self) -> bool {
        self.seen.event_count >= EVENTS_MAX || self.seen.json_bytes >= SAMPLED_BYTES_MAX
    }

    /// Of payloads that were packed without a dictionary.
    fn of_early(payloads: &[Vec<u8>]) -> Self {
        let mut study = Self::default();
        payloads.iter().for_each(|payload| study.look_at(payload.len(), payload::decode(payload)));
        study
    }

    /// Of payloads with their dictionaries.
    fn look_at_all(mut self, page: &[(i32, Vec<u8>)], decoders: &HashMap<i32, Arc<Decoder>>) -> Self {
        for (dictionary_id, payload) in page {
            match decoders.get(dictionary_id) {
                Some(decoder) => self.look_at(payload.len(), decoder.decode(payload)),
                None if *dictionary_id == NO_DICTIONARY => self.look_at(payload.len(), payload::decode(payload)),
                None => {}
            }
        }
        self
    }

    /// What cannot be read is left out: a dictionary is a convenience.
    fn look_at(&mut self, payload_len: usize, json: anyhow::Result<Vec<u8>>) {
        let Ok(json) = json else { return };
        if self.is_complete() {
            return;
        }
        self.seen.add(json.len(), payload_len);
        if self.seen.event_count.is_multiple_of(TRIAL_EVERY) && self.trial_bytes + json.len() <= TRIAL_BYTES_MAX {
            self.trial_bytes += json.len();
            self.trial.push((json, payload_len));
        } else {
            self.gathering.add(&json);
        }
    }

    /// The dictionary, prepared, and its trial with what the same events take now.
    fn conclude(self) -> anyhow::Result<(Vec<u8>, Encoder, Sizes, u64)> {
        let content = self.gathering.content();
        let encoder = Encoder::new(&content)?;
        let (mut trial, mut stored_bytes) = (Sizes::default(), 0);
        for (json, stored_len) in &self.trial {
            trial.add(json.len(), encoder.encode(json).len());
            stored_bytes += *stored_len as u64;
        }
        Ok((content, encoder, trial, stored_bytes))
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> anyhow::Result<T> {
    tokio::task::spawn_blocking(work).await.context("working on a dictionary")
}
