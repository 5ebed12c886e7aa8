//! From the spool to Postgres, exactly once: claim, decode, read, normalize, scrub, fingerprint, then one transaction per batch.
//!
//! Nothing is lost: a batch that the database cannot take now is tried again for ever, what cannot be read becomes a dead letter.
//! Nothing is counted twice: the batch, the ids of its events and how far the spool is done are one commit.
//!
//! Deliberately absent: SQL (`store`), how anything is read (`protocol`) or understood (`pipeline`), mails (`notify`).

use std::sync::Arc;

use anyhow::Context;
use time::Duration;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tracing::{debug, error, info, warn};

use crate::clock::Clock;
use crate::domain::accounting::Accounting;
use crate::domain::attachment::Quota;
use crate::geoip::GeoIp;
use crate::protocol::receipt::Receipt;
use crate::spool::{Entry, Mark, Place, Position, Spool};
use crate::store::payload::packer::{Packed, Packer};
use crate::store::sealing::SealKey;
use crate::store::spool_positions::SpoolPosition;
use crate::store::{self, Db};

mod alerts;
mod assign;
mod attached;
mod attachment;
mod background;
mod check_in;
mod client_report;
mod commit;
mod counts;
mod crash;
mod discards;
mod event;
mod failure;
mod fates;
mod feedback;
mod grouping;
mod item;
mod letter;
mod lines;
mod overflow;
mod plan;
mod read;
mod reading;
mod refused;
mod rehearse;
mod retry;
mod rulebook;
mod sampling;
mod security;
mod session;
mod sighting;
mod status;
mod versions;
mod words;

pub use grouping::explain;
pub use rehearse::rehearse;

use failure::Failure;
use fates::Fates;
use read::{Pace, Reader};
use reading::Reading;
use rulebook::Shelf;
use versions::Versions;

/// Most spool entries that are claimed and read at a time. One envelope seldom holds more than one event.
const PORTION_ENTRIES_MAX: usize = 256;
/// Most bytes of bodies, as spooled, that are claimed and read at a time. What is made of them is a third as large, and waits for its commit.
const PORTION_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Waiting entries that are worth a portion of their own before what was read is committed.
const AHEAD_ENTRIES_MIN: u64 = 64;
/// With so many entries waiting beyond a portion it is a flood.
const FLOOD_ENTRIES_MIN: u64 = 256;
/// Most events in one transaction, unless a single envelope holds more. The more there are, the more of them share the rows of their issue:
/// this is where a flood becomes cheap.
const COMMIT_EVENTS_MAX: usize = 1_280;
/// Most bytes of payloads and attachments in one transaction, unless a single entry has more.
const COMMIT_BYTES_MAX: usize = 8 * 1024 * 1024;
/// With so many events or bytes a batch takes no further portion, so that no small rest makes a transaction of its own.
const BATCH_FULL: (usize, usize) = (COMMIT_EVENTS_MAX - PORTION_ENTRIES_MAX, COMMIT_BYTES_MAX - PORTION_BYTES_MAX * 5 / 4);
/// How often a batch is tried at once when another node was faster at the same issue. Each time one of the nodes gets through.
const RACES_MAX: usize = 20;

/// While events keep coming, a dead letter that waits to be tried again gets its turn after so many batches.
const RUNS_PER_RETRY: u32 = 16;

/// Limits of reading, from the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Largest event item in bytes, after decompression.
    pub event_bytes: usize,
    /// Largest body in bytes, after decompression.
    pub envelope_bytes: usize,
    /// Limits of attachments.
    pub attachments: Quota,
    /// Where addresses are; lives as long as the process.
    pub geoip: Option<&'static GeoIp>,
    /// How long events are kept; no event is stored as older than that.
    pub retention: Duration,
    /// Events of one issue and hour that are stored whole, where a project says nothing else. `None`: all.
    pub sample_after: Option<u32>,
    /// Issues that one project may make in a minute, see `domain::new_issues`. `None`: any number.
    pub new_issues: Option<u32>,
    /// Seals dead letters that cannot be scrubbed.
    pub seal: SealKey,
}

/// The digest of one node. Clones share their state.
#[derive(Clone)]
pub struct Digest(Arc<Inner>);

struct Inner {
    db: Db,
    /// The connection of the one committer.
    commits: Db,
    clock: Clock,
    spool: Spool,
    settings: Settings,
    accounting: Arc<Accounting>,
    work: Mutex<Work>,
    packer: Packer,
    rules: Shelf,
    versions: Versions,
    fates: Fates,
}

/// What is between the spool and the database. Whoever holds its lock is the one committer.
#[derive(Default)]
struct Work {
    /// The spool was told where the database says it is.
    started: bool,
    /// The packer knows the dictionaries of those who wait since the last life.
    equipped: bool,
    /// Entries were claimed that are neither in `readings` nor committed: a run was dropped half-way.
    adrift: bool,
    /// Read and not yet committed, in the order of the spool.
    readings: Vec<Reading>,
    /// A commit of some of `readings` was begun and its end is not known: they may be in the database already.
    in_doubt: bool,
    /// What follows them in the spool, being read while they are committed.
    ahead: Option<JoinHandle<anyhow::Result<Vec<Reading>>>>,
    /// Runs since a dead letter was last looked for.
    runs_since_retry: u32,
}

impl Digest {
    /// Wires it; nothing is read before the first [`Digest::run_once`].
    pub fn new(db: Db, clock: Clock, spool: Spool, settings: Settings) -> Self {
        Self(Arc::new(Inner {
            commits: store::of_one(&db),
            db,
            clock,
            spool,
            settings,
            accounting: Arc::default(),
            packer: Packer::default(),
            rules: Shelf::default(),
            versions: Versions::default(),
            fates: Fates::default(),
            work: Mutex::default(),
        }))
    }

    /// What became of the items since the start.
    pub fn accounting(&self) -> Arc<Accounting> {
        Arc::clone(&self.0.accounting)
    }

    /// Compresses what is stored; `jobs::dictionaries` serves it.
    pub fn packer(&self) -> &Packer {
        &self.0.packer
    }

    /// Returns once there is something to digest: in the spool, or left by a run that failed.
    pub async fn wait(&self) {
        let nothing_left = {
            let work = self.0.work.lock().await;
            work.readings.is_empty() && work.ahead.is_none()
        };
        if nothing_left {
            self.0.spool.wait().await;
        }
    }

    /// Digests the next batch, or one dead letter that somebody asked to try again, and tells how many spool entries (or letters) that
    /// were. 0: nothing waits. An error is one of the database and leaves everything to the next run.
    pub async fn run_once(&self) -> anyhow::Result<usize> {
        let mut work = self.0.work.lock().await;
        self.0.start(&mut work).await?;
        self.0.settle(&mut work).await?;
        if work.readings.is_empty() {
            self.0.claim(&mut work).await?;
        }
        let count = work.readings.len();
        self.0.read_ahead(&mut work);
        self.0.commit_all(&mut work).await?;
        work.runs_since_retry += 1;
        if count > 0 && work.runs_since_retry < RUNS_PER_RETRY {
            return Ok(count);
        }
        work.runs_since_retry = 0;
        Ok(count + retry::next(&self.0.db, &self.0.clock, &self.0.reader().await?).await?)
    }
}

impl Inner {
    /// Once: takes up where the last life of this node stopped, whatever its spool remembers of it.
    async fn start(&self, work: &mut Work) -> anyhow::Result<()> {
        if work.started {
            return Ok(());
        }
        let row = store::spool_positions::find(&self.db, self.spool.node_id()).await.context("reading the position in the spool")?;
        self.spool.start_from(row.map(mark)).await;
        work.started = true;
        Ok(())
    }

    /// Finds out what became of a commit whose answer never came, because the connection broke or the wait for it was given up: if it went
    /// through, the position says so, and nothing of it is done again. Events would be recognised by their ids, other counts would not.
    async fn settle(&self, work: &mut Work) -> anyhow::Result<()> {
        if !work.in_doubt {
            return Ok(());
        }
        let mut tx = store::begin(&self.db).await.context("asking what became of the last commit")?;
        let row = store::spool_positions::settled(&mut tx, self.spool.node_id(), self.clock.now()).await;
        let row = row.context("asking what became of the last commit")?;
        drop(tx);
        let done = mark(row).done_of(work.readings.iter().map(|reading| reading.place));
        if !done.is_empty() {
            info!(batch.entry_count = done.len(), "a commit that was not answered had gone through");
            work.readings.retain(|reading| !done.contains(&reading.place));
            self.spool.acknowledge(&done);
        }
        work.in_doubt = false;
        Ok(())
    }

    /// The next batch: what was read ahead, else what the spool has.
    async fn claim(self: &Arc<Self>, work: &mut Work) -> anyhow::Result<()> {
        if let Some(ahead) = &mut work.ahead {
            let read = ahead.await.context("reading ahead");
            work.ahead = None;
            work.adrift = true; // until it is known that the batch is there
            work.readings = read??;
            work.adrift = false;
            return Ok(());
        }
        if std::mem::replace(&mut work.adrift, true) {
            self.spool.rewind().await;
        }
        let entries = self.portion().await?;
        self.equip(work, &entries).await;
        work.readings = self.read_on(entries).await?;
        work.adrift = false;
        Ok(())
    }

    async fn portion(&self) -> anyhow::Result<Vec<Entry>> {
        self.spool.claim(PORTION_ENTRIES_MAX, PORTION_BYTES_MAX).await.context("claiming from the spool")
    }

    /// Reads a portion, and further ones while much waits. What trickles in meanwhile makes a better batch afterwards.
    async fn read_on(&self, mut entries: Vec<Entry>) -> anyhow::Result<Vec<Reading>> {
        let mut readings: Vec<Reading> = Vec::new();
        let (mut events, mut bytes) = (0, 0);
        while !entries.is_empty() {
            let pace = if self.spool.unclaimed_count() < FLOOD_ENTRIES_MIN { Pace::Steady } else { Pace::Flood };
            let portion = read::entries(entries, &self.reader().await?, pace).await?;
            events += portion.iter().map(|reading| reading.sightings.len().max(1)).sum::<usize>();
            bytes += portion.iter().map(Reading::byte_count).sum::<usize>();
            readings.extend(portion);
            let is_full = events >= BATCH_FULL.0 || bytes >= BATCH_FULL.1;
            entries = if is_full || self.spool.unclaimed_count() < AHEAD_ENTRIES_MIN { vec![] } else { self.portion().await? };
        }
        Ok(readings)
    }

    /// What a batch is read with.
    async fn reader(&self) -> anyhow::Result<Reader> {
        let rules = self.rules.newest(&self.db, self.clock.now()).await?;
        self.versions.refresh(&self.db, self.clock.now()).await?;
        let (packer, versions, fates) = (self.packer.clone(), self.versions.clone(), self.fates.clone());
        Ok(Reader { settings: self.settings, packer, rules, versions, fates })
    }

    /// Before the first batch: what waits since the last life is compressed against the dictionaries that life made.
    async fn equip(&self, work: &mut Work, entries: &[Entry]) {
        if entries.is_empty() || std::mem::replace(&mut work.equipped, true) {
            return;
        }
        let receipts = entries.iter().filter_map(|entry| serde_json::from_slice::<Receipt>(&entry.meta).ok());
        receipts.for_each(|receipt| self.packer.expect(receipt.project_id));
        if let Err(error) = store::dictionaries::catch_up(&self.db, &self.packer).await {
            warn!("dictionaries cannot be read, so events are stored larger than they need be: {error:#}");
        }
    }

    /// While one batch is committed, mostly by Postgres, the next one is read. Only where enough waits for a batch worth its statements.
    fn read_ahead(self: &Arc<Self>, work: &mut Work) {
        if work.adrift || work.ahead.is_some() || work.readings.is_empty() || self.spool.unclaimed_count() < AHEAD_ENTRIES_MIN {
            return;
        }
        let inner = Arc::clone(self);
        work.ahead = Some(tokio::spawn(async move { inner.read_on(inner.portion().await?).await }));
    }

    async fn commit_all(&self, work: &mut Work) -> anyhow::Result<()> {
        let mut most = usize::MAX;
        while !work.readings.is_empty() {
            let count = slice_len(&work.readings).min(most);
            work.in_doubt = true; // until there is an answer
            let committed = self.commit(&work.readings[..count]).await;
            work.in_doubt = matches!(committed, Err(Failure::Transient(_)));
            match committed {
                Ok(()) => {
                    work.readings.drain(..count);
                    most = usize::MAX;
                }
                Err(Failure::Poison(reason)) if count > 1 => {
                    warn!(batch.entry_count = count, "the database refuses a batch, which is halved to find the culprit: {reason}");
                    most = count / 2;
                }
                Err(Failure::Poison(reason)) => {
                    let project = work.readings[0].project_id;
                    error!(project.id = project.0, "the database refuses an entry, which becomes a dead letter: {reason}");
                    let events = self.unpack(&work.readings[0]).await.context("unpacking what the database refuses")?;
                    let body = self.spool.read_again(work.readings[0].place).await.context("reading again what the database refuses")?;
                    work.readings[0].bury(&events, &body, &reason).with_context(|| format!("even the dead letter is refused: {reason}"))?;
                }
                Err(Failure::Race) => anyhow::bail!("other nodes were faster {RACES_MAX} times in a row"),
                Err(Failure::Transient(error)) => return Err(error.context("committing a batch")),
            }
        }
        Ok(())
    }

    /// The JSON of each sighting.
    async fn unpack(&self, reading: &Reading) -> anyhow::Result<Vec<Vec<u8>>> {
        let mut events = Vec::with_capacity(reading.sightings.len());
        for sighting in &reading.sightings {
            let Packed { dictionary_id, payload } = &sighting.packed;
            events.push(store::dictionaries::open(&self.db, sighting.project_id, *dictionary_id, payload).await?);
        }
        Ok(events)
    }

    /// One transaction: what the readings hold, and that the spool has done them. Then the spool may forget them.
    async fn commit(&self, readings: &[Reading]) -> Result<(), Failure> {
        let mut races = 0;
        let places: Vec<Place> = readings.iter().map(|reading| reading.place).collect();
        let done = loop {
            match self.try_commit(readings, &places).await {
                Err(Failure::Race) if races < RACES_MAX => races += 1,
                other => break other?,
            }
        };
        self.spool.acknowledge(&places);
        done.unstored.into_iter().for_each(|(event, fate)| self.fates.note(event, fate));
        for tally in &done.tallies {
            self.accounting.count(&tally.outcome, &tally.category, tally.count);
        }
        debug!(
            batch.entry_count = readings.len(),
            event.stored_count = done.stored_count,
            event.sampled_count = done.sampled_count,
            event.duplicate_count = done.duplicate_count,
            issue.new_count = done.new_issue_count,
            alert.count = done.alert_count,
            dead_letter.count = done.letter_count,
            "digested a batch"
        );
        Ok(())
    }

    async fn try_commit(&self, readings: &[Reading], places: &[Place]) -> Result<commit::Done, Failure> {
        let now = self.clock.now();
        let mut tx = store::begin_keyed(&self.commits).await?;
        let done = commit::write(&mut tx, readings, &self.settings, &self.fates, now).await?;
        let Mark { position, ahead } = self.spool.mark_after(places);
        let (segment, offset) = position.to_row();
        let position = SpoolPosition { segment, offset, ahead };
        store::spool_positions::upsert(&mut tx, self.spool.node_id(), &position, now).await?;
        tx.commit().await?;
        Ok(done)
    }
}

fn mark(row: SpoolPosition) -> Mark {
    Mark { position: Position::from_row(row.segment, row.offset), ahead: row.ahead }
}

/// How many of the readings go into the next transaction: at least one.
fn slice_len(readings: &[Reading]) -> usize {
    let (mut events, mut bytes) = (0, 0);
    let fitting = readings.iter().take_while(|reading| {
        events += reading.sightings.len();
        bytes += reading.byte_count();
        events <= COMMIT_EVENTS_MAX && bytes <= COMMIT_BYTES_MAX
    });
    fitting.count().max(1)
}
