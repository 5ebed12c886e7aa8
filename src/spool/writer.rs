//! The one thread that writes: everything that waits in one write and one sync, then all answers.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use tracing::{error, info, warn};

use super::Shared;
use super::error::AppendError;
use super::limits::{self, SpoolLimits};
use super::position::{Entry, Place, Position};
use super::queue::Append;
use super::record::{self, Salt};
use super::segment;

/// A buffer that had to grow beyond this for one group is not kept for the next.
const BUFFER_KEPT_BYTES: usize = 4 << 20;

/// A segment that is being written. A seam, so that tests can have disks that fail.
pub trait SegmentFile: Send {
    /// Writes all of `bytes` at `offset`.
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Cuts the file.
    fn truncate(&mut self, len: u64) -> io::Result<()>;
    /// Returns when everything written is on the disk.
    fn sync(&mut self) -> io::Result<()>;
}

type Open = Box<dyn FnMut(&Path) -> io::Result<Box<dyn SegmentFile>> + Send>;

/// What the writer asks of the disk. A seam, as above.
pub struct Disk {
    /// Opens the file of a new segment, which may hold an old one.
    pub open: Open,
    /// Bytes left on the disk that holds this directory.
    pub free_bytes: Box<dyn Fn(&Path) -> u64 + Send>,
}

impl Default for Disk {
    fn default() -> Self {
        Self { open: Box::new(open_file), free_bytes: Box::new(free_bytes) }
    }
}

/// A disk that does not tell counts as empty: writing to it will show.
fn free_bytes(dir: &Path) -> u64 {
    limits::disk(dir).map_or(u64::MAX, |disk| disk.free_bytes)
}

impl SegmentFile for File {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }
    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// The real thing. What the file holds stays: a segment is made over it.
pub fn open_file(path: &Path) -> io::Result<Box<dyn SegmentFile>> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    Ok(Box::new(file))
}

/// What the thread owns.
pub struct Writer {
    shared: Arc<Shared>,
    dir: PathBuf,
    limits: SpoolLimits,
    disk: Disk,
    active: Option<Active>,
    buffer: Vec<u8>,
    /// The last group failed, which was logged; the log must not fill the disk further.
    is_failing: bool,
}

struct Active {
    file: Box<dyn SegmentFile>,
    number: u64,
    salt: Salt,
    /// Everything before this is durable.
    len: u64,
}

impl Writer {
    pub fn new(shared: Arc<Shared>, dir: PathBuf, limits: SpoolLimits, disk: Disk) -> Self {
        Self { shared, dir, limits, disk, active: None, buffer: Vec::new(), is_failing: false }
    }

    /// Works until the queue is closed and empty.
    pub fn run(mut self) {
        let _guard = AbandonOnPanic(Arc::clone(&self.shared));
        while let Some(group) = self.shared.queue.take() {
            self.commit(group);
        }
        self.undo(); // nothing is to be undone, but the next life need not look through what was there before
    }

    fn commit(&mut self, group: Vec<Append>) {
        let group = self.admit(group);
        if group.is_empty() {
            return;
        }
        match self.write(&group) {
            Ok(start) => self.publish(start, group),
            Err(error) => self.fail(group, &error),
        }
    }

    /// Refuses what there is no room for.
    fn admit(&mut self, group: Vec<Append>) -> Vec<Append> {
        let (mut depth, stuck_since) = {
            let state = self.shared.state();
            (state.depth().byte_count, state.stuck_since())
        };
        let now = self.shared.clock.now();
        let mut free = (self.disk.free_bytes)(&self.dir);
        if free < self.limits.min_free_bytes {
            free = self.release_disk(depth).unwrap_or(free);
        }
        let mut admitted = Vec::with_capacity(group.len());
        for append in group {
            let bytes = append.encoded_len();
            let room = self.limits.check(depth + bytes, free.saturating_sub(bytes));
            match room.and_then(|()| self.limits.check_age(stuck_since, now)) {
                Ok(()) => {
                    depth += bytes;
                    free = free.saturating_sub(bytes);
                    admitted.push(append);
                }
                Err(error) => {
                    self.shared.counters.refused_count.fetch_add(1, Relaxed);
                    append.answer(Err(error));
                }
            }
        }
        admitted
    }

    /// Gives back what others need more: the spare, and with nothing left to digest the segment in use, for a new one.
    fn release_disk(&mut self, depth: u64) -> Option<u64> {
        self.shared.spare.let_go();
        if depth == 0 && self.active.take_if(|active| active.len > segment::HEADER_BYTES).is_some() {
            self.active().ok()?;
            self.shared.spare.let_go();
        }
        Some((self.disk.free_bytes)(&self.dir))
    }

    /// One write, one sync. Returns where the group begins; on failure nothing of it is left.
    fn write(&mut self, group: &[Append]) -> io::Result<Position> {
        let segment_bytes = self.limits.segment_bytes;
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        let written = self.active().and_then(|active| active.write_group(group, segment_bytes, &mut buffer));
        let byte_count = buffer.len() as u64;
        if buffer.capacity() <= BUFFER_KEPT_BYTES {
            self.buffer = buffer;
        }
        match written {
            Ok(start) => self.sync(byte_count).map(|()| start),
            Err(error) => {
                self.undo();
                Err(error)
            }
        }
    }

    /// After a failed sync the system may have thrown the pages away and call the next sync a success: never trust that file again.
    fn sync(&mut self, byte_count: u64) -> io::Result<()> {
        let Some(active) = &mut self.active else { return Ok(()) };
        let began = Instant::now();
        if let Err(error) = active.file.sync() {
            error!(spool.segment = active.number, "syncing the spool failed, continuing in a new segment: {error}");
            self.undo();
            self.active = None;
            return Err(error);
        }
        self.shared.counters.synced(began.elapsed());
        active.len += byte_count;
        Ok(())
    }

    /// Cuts off what a failed write left behind. Where even that fails the segment is left as it is: what was good in it stays good.
    fn undo(&mut self) {
        let Some(active) = &mut self.active else { return };
        if let Err(error) = active.file.truncate(active.len) {
            warn!(spool.segment = active.number, "cutting back the spool failed, continuing in a new segment: {error}");
            self.active = None;
        }
    }

    /// The segment to write to: a new one at the beginning, after a failure, and when the last is long enough.
    fn active(&mut self) -> io::Result<&mut Active> {
        self.active.take_if(|active| active.len >= self.limits.segment_bytes);
        let active = match self.active.take() {
            Some(active) => active,
            None => self.open_segment()?,
        };
        Ok(self.active.insert(active))
    }

    fn open_segment(&mut self) -> io::Result<Active> {
        let number = self.shared.state().next_number;
        let path = segment::path(&self.dir, number);
        let salt = Salt(rand::random());
        let make = |path: &Path| {
            let mut file = (self.disk.open)(path)?;
            file.write_at(&segment::header(salt), 0)?;
            file.sync()?;
            Ok(file)
        };
        let file = self.shared.spare.become_segment(&path, make);
        let file = file.inspect_err(|error| warn!(spool.segment = number, "opening a spool segment failed: {error}"))?;
        self.shared.state().add_segment(number);
        self.shared.delete_done(&self.dir);
        Ok(Active { file, number, salt, len: segment::HEADER_BYTES })
    }

    fn publish(&mut self, start: Position, group: Vec<Append>) {
        if std::mem::take(&mut self.is_failing) {
            info!("the spool is written again");
        }
        let bytes = group.iter().map(Append::encoded_len).sum();
        self.shared.counters.appended(group.len() as u64, bytes);
        let now = self.shared.clock.now();
        let mut state = self.shared.state();
        state.begin_group(start, now);
        let mut answers = Vec::with_capacity(group.len());
        let mut from = start;
        for Append { lane, meta, body, answer } in group {
            let end = Position { offset: from.offset + record::encoded_len(&meta, &body), ..from };
            state.add_entry(lane, Entry { place: Place { start: from, end }, meta: meta.slice(record::LANE_BYTES..), body });
            answers.push(answer);
            from = end;
        }
        drop(state);
        answers.into_iter().for_each(|answer| drop(answer.send(Ok(()))));
        self.shared.available.notify_waiters();
        self.shared.note_age(&self.dir);
    }

    fn fail(&mut self, group: Vec<Append>, error: &io::Error) {
        if !std::mem::replace(&mut self.is_failing, true) {
            error!(spool.record_count = group.len(), "the spool cannot be written, nothing is accepted until it can: {error}");
        }
        self.shared.counters.failed_count.fetch_add(group.len() as u64, Relaxed);
        for append in group {
            append.answer(Err(AppendError::Failed(error.to_string())));
        }
    }
}

impl Active {
    /// The group that makes the segment long enough is its last.
    fn write_group(&mut self, group: &[Append], segment_bytes: u64, buffer: &mut Vec<u8>) -> io::Result<Position> {
        for append in group {
            let offset = self.len + buffer.len() as u64;
            record::encode(self.salt, offset, &append.meta, &append.body, buffer);
        }
        let end = self.len + buffer.len() as u64;
        if end >= segment_bytes {
            record::encode_end(self.salt, end, buffer);
        }
        self.file.write_at(buffer, self.len)?;
        Ok(Position { segment: self.number, offset: self.len })
    }
}

/// A writer that panicked must not leave senders waiting for ever.
struct AbandonOnPanic(Arc<Shared>);

impl Drop for AbandonOnPanic {
    fn drop(&mut self) {
        self.0.queue.abandon();
    }
}
