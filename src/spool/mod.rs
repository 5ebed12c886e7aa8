//! Durable accept: append, claim, acknowledge, replay. Knows only bytes.
//!
//! Records go into numbered segment files; a finished one gives its place on disk to the next (`spare`). One thread writes: whatever waits
//! goes into one write and one `fdatasync`, then all senders are answered, so a thousand events a second cost a few dozen syncs. Each record
//! has a lane, a number of the sender's; within a lane
//! records are claimed in the order they were appended, and the lanes take turns, so that one that floods does not delay the others.
//! They come from memory where they still are, else from the file. The one who claims says what is done (`acknowledge`), keeps how far
//! that is (`mark_after`) in its own transaction, and hands it back at the next start (`start_from`), so nothing is lost and nothing
//! replayed twice.
//!
//! Deliberately absent: what the bytes mean.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use bytes::Bytes;
use tokio::sync::{Notify, oneshot};
use tracing::{error, info, warn};
use uuid::Uuid;

mod counters;
mod error;
mod lanes;
mod limits;
mod position;
mod progress;
mod queue;
mod reader;
mod record;
mod recover;
mod segment;
mod spare;
mod state;
pub mod survey;
#[cfg(test)]
mod tests;
mod waiting;
mod writer;

pub use counters::SpoolCounters;
pub use error::{AppendError, OpenError};
pub use limits::{DiskSpace, SpoolLimits, disk};
pub use position::{Depth, Entry, Mark, Place, Position};
use queue::{Append, Queue};
use reader::{Batch, Reader};
use spare::Spare;
use state::State;
use writer::{Disk, Writer};

use crate::clock::Clock;

/// The spool of one data directory. Cheap to clone; the last clone that is dropped writes what waits and lets go of the directory.
#[derive(Clone)]
pub struct Spool(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    dir: PathBuf,
    limits: SpoolLimits,
    node_id: Uuid,
    reader: Arc<tokio::sync::Mutex<Reader>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    /// Keeps other processes out; `None` once released.
    lock: Mutex<Option<std::fs::File>>,
}

/// What the writer's thread and everybody else use together.
struct Shared {
    state: Mutex<State>,
    queue: Queue,
    available: Notify,
    counters: SpoolCounters,
    spare: Spare,
    /// Tells how long records wait.
    clock: Clock,
}

impl Spool {
    /// Opens the spool in `dir`, creating it if need be, and starts the writer. Refused while another process has it open.
    pub fn open(dir: &Path, limits: SpoolLimits, clock: Clock) -> Result<Self, OpenError> {
        Self::open_with(dir, limits, clock, Disk::default())
    }

    fn open_with(dir: &Path, limits: SpoolLimits, clock: Clock, disk: Disk) -> Result<Self, OpenError> {
        recover::create_dir(dir)?;
        let lock = recover::lock(dir)?;
        let node_id = recover::node_id(dir)?;
        let state = recover::state(dir, limits.memory_bytes, clock.now())?;
        let (depth, damage_count) = (state.depth(), state.damage_count());
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            queue: Queue::default(),
            available: Notify::new(),
            counters: SpoolCounters::default(),
            spare: Spare::of(dir, limits.segment_bytes),
            clock,
        });
        shared.counters.corrupt_count.fetch_add(damage_count as u64, Relaxed);
        let writer = Writer::new(Arc::clone(&shared), dir.to_owned(), limits, disk);
        let thread = std::thread::Builder::new()
            .name("spool".into())
            .spawn(move || writer.run())
            .map_err(OpenError::io("starting the writer of", dir))?;
        info!(spool.entry_count = depth.entry_count, spool.byte_count = depth.byte_count, "opened the spool {}", dir.display());
        Ok(Self(Arc::new(Inner {
            shared,
            dir: dir.to_owned(),
            limits,
            node_id,
            reader: Arc::new(tokio::sync::Mutex::new(Reader::new(dir.to_owned()))),
            writer: Mutex::new(Some(thread)),
            lock: Mutex::new(Some(lock)),
        })))
    }

    /// The name of this spool in `spool_positions`; the same at every start.
    pub fn node_id(&self) -> Uuid {
        self.0.node_id
    }

    /// Makes a record of a lane durable: once this returns `Ok` it survives everything but the loss of the disk. On `Err` nothing of it is kept.
    /// A caller that goes away meanwhile leaves the outcome open.
    pub async fn append(&self, lane: u64, meta: &[u8], body: Bytes) -> Result<(), AppendError> {
        if !record::fits(meta, &body) {
            return Err(AppendError::Failed("the record is longer than 1 GiB".into()));
        }
        let (answer, answered) = oneshot::channel();
        let append = Append { lane, meta: [&lane.to_le_bytes(), meta].concat().into(), body, answer };
        self.0.shared.queue.push(append).inspect_err(|_| {
            self.0.shared.counters.refused_count.fetch_add(1, Relaxed);
        })?;
        answered.await.unwrap_or(Err(AppendError::Closed))
    }

    /// Whether an append would find room now. Asks the disk, so the answer changes by itself once there is space again.
    pub fn room(&self) -> Result<(), AppendError> {
        let stuck_since = self.0.shared.state().stuck_since();
        self.0.limits.check_age(stuck_since, self.0.shared.clock.now())?;
        let free_bytes = disk(&self.0.dir).map_or(u64::MAX, |disk| disk.free_bytes).saturating_add(self.0.shared.spare.byte_count());
        let depth = self.depth();
        if depth.byte_count == 0 {
            return self.0.limits.check(0, free_bytes.saturating_add(self.0.limits.segment_bytes)); // the next append can free a segment
        }
        self.0.limits.check(depth.byte_count, free_bytes)
    }

    /// Says how far an earlier life got: what is done by `mark` is not claimed again, and finished segments are deleted. To be called
    /// before the first claim. `None`: everything on disk is yet to be done.
    pub async fn start_from(&self, mark: Option<Mark>) {
        let Some(mark) = mark else { return };
        let _claims = self.0.reader.lock().await;
        self.0.shared.start_from(&mark);
        self.0.shared.delete_done(&self.0.dir);
        self.0.shared.available.notify_waiters();
    }

    /// The next records, at most `max_entries`, and no more than fit `max_bytes` (meta and bodies) unless the first alone is larger; in
    /// the order of appending, but chosen so that every lane has its turn. Empty: nothing waits. Claimed records are not handed out
    /// again before `rewind` or a restart.
    /// An error of the disk can be tried again; a place that stays unreadable is skipped after a few attempts.
    pub async fn claim(&self, max_entries: usize, max_bytes: usize) -> io::Result<Vec<Entry>> {
        let mut reader = Arc::clone(&self.0.reader).lock_owned().await;
        loop {
            if self.is_released() {
                return Ok(Vec::new());
            }
            let claimed = self.0.shared.state().claim(max_entries, max_bytes);
            if claimed.is_empty() {
                return Ok(Vec::new());
            }
            let batch;
            (reader, batch) = if claimed.iter().all(|claimed| claimed.content.is_some()) {
                let batch = reader.read(claimed);
                (reader, batch)
            } else {
                blocking(move || {
                    let batch = reader.read(claimed);
                    Ok((reader, batch))
                })
                .await?
            };
            let (entries, error) = self.0.shared.settle(batch);
            match error {
                Some(error) if entries.is_empty() => return Err(error),
                _ if !entries.is_empty() => return Ok(entries),
                _ => {}
            }
        }
    }

    /// The body of a claimed record once more, from the disk. Empty: it is unreadable by now.
    pub async fn read_again(&self, place: Place) -> io::Result<Bytes> {
        let mut reader = Arc::clone(&self.0.reader).lock_owned().await;
        blocking(move || reader.read_one(place)).await.map(|found| found.map(|(_, body)| body).unwrap_or_default())
    }

    /// How far everything will be done once these places are, too: to be stored where the doing is stored.
    pub fn mark_after(&self, places: &[Place]) -> Mark {
        self.0.shared.state().mark_after(places)
    }

    /// These claimed records are done; segments that are done as a whole are deleted.
    pub fn acknowledge(&self, places: &[Place]) {
        let now = self.0.shared.clock.now();
        self.0.shared.state().acknowledge(places, now);
        if !self.is_released() {
            self.0.shared.note_age(&self.0.dir);
            self.0.shared.delete_done(&self.0.dir);
        }
    }

    /// Everything claimed and not acknowledged is claimed again, for a batch that failed.
    pub async fn rewind(&self) {
        let _claims = self.0.reader.lock().await;
        self.0.shared.state().rewind();
        self.0.shared.available.notify_waiters();
    }

    /// Returns once there is something to claim.
    pub async fn wait(&self) {
        let mut available = std::pin::pin!(self.0.shared.available.notified());
        loop {
            available.as_mut().enable(); // before looking, so that nothing can slip in between
            if self.0.shared.state().has_unclaimed() {
                return;
            }
            available.as_mut().await;
            available.set(self.0.shared.available.notified());
        }
    }

    /// How many records wait to be claimed.
    pub fn unclaimed_count(&self) -> u64 {
        self.0.shared.state().unclaimed_count()
    }

    /// What was appended and is not acknowledged.
    pub fn depth(&self) -> Depth {
        self.0.shared.state().depth()
    }

    /// What the spool has done since it was opened.
    pub fn counters(&self) -> &SpoolCounters {
        &self.0.shared.counters
    }

    /// The limits it was opened with.
    pub fn limits(&self) -> SpoolLimits {
        self.0.limits
    }

    /// Writes and answers what waits, and takes no more. What is there can still be claimed and acknowledged.
    pub async fn close(&self) {
        let inner = Arc::clone(&self.0);
        drop(tokio::task::spawn_blocking(move || inner.stop_writer()).await);
    }

    /// The end: closes, and lets go of the directory, so that another may open it. From then on nothing is claimed; so finish digesting
    /// first. Dropping the last clone does the same.
    pub async fn release(&self) {
        self.close().await;
        let _claims = self.0.reader.lock().await;
        self.0.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn is_released(&self) -> bool {
        self.0.lock.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }
}

impl Inner {
    fn stop_writer(&self) {
        self.shared.queue.close();
        let thread = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            error!("the spool's writer has panicked");
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop_writer();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A position behind everything on disk means that the directory is older than the database (restored, or emptied). Then all that is
    /// on disk is done again, for losing an event is worse than counting on the database to recognise it.
    fn start_from(&self, mark: &Mark) {
        let mut state = self.state();
        let position = mark.position;
        if state.last_segment().is_none_or(|last| last < position.segment) {
            if state.last_segment().is_some() {
                warn!("the spool is older than the database says (segment {}): everything in it is digested again", position.segment);
            }
            state.next_number = state.next_number.max(position.segment + 1);
            return;
        }
        state.start_from(mark);
    }

    /// Notes what became of a claim: what was read, and why not all of it.
    fn settle(&self, batch: Batch) -> (Vec<Entry>, Option<io::Error>) {
        let mut state = self.state();
        let mut damage_count = batch.damaged.len();
        batch.damaged.into_iter().for_each(|place| state.give_up(place));
        batch.failed.into_iter().rev().for_each(|place| state.put_back(place));
        let mut error = batch.error;
        if let Some(from) = batch.given_up {
            state.give_up_segment(from);
            (damage_count, error) = (damage_count + 1, None);
        }
        self.counters.corrupt_count.fetch_add(damage_count as u64, Relaxed);
        (batch.entries, error)
    }

    /// Keeps the note of the oldest record's age true, for the next life.
    fn note_age(&self, dir: &Path) {
        let mut state = self.state();
        let something_waits = state.depth().byte_count > 0;
        let note = state.ages.note(self.clock.now(), something_waits);
        drop(state);
        if let Some(since) = note
            && let Err(error) = waiting::write(dir, since)
        {
            warn!("the age of the spool could not be noted: {error}");
        }
    }

    /// Deletes the segments that are done, but for one whose place the next takes; those with damage are kept under another name.
    fn delete_done(&self, dir: &Path) {
        let done = self.state().take_done();
        for (number, segment) in done {
            let path = segment::path(dir, number);
            let result = if segment.damaged { std::fs::rename(&path, recover::aside(&path)) } else { self.spare.take_over(&path) };
            if let Err(error) = result {
                warn!(spool.segment = number, "a finished spool segment could not be removed: {error}");
            }
        }
    }
}

/// Runs file work where it does not hold up others.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
