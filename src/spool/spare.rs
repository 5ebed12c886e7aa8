//! A finished segment whose place on disk the next one takes.
//!
//! A sync that makes a file longer must also bring out where its new blocks are, and may wait for whatever else the file system has to write,
//! Postgres's files above all. Writing over bytes that are there already does not. So one finished segment is kept for the next instead of being
//! deleted.
//! A segment is made in this file and gets its name when its header is durable, so that no segment ever has the header of a former life.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use tracing::warn;

/// Name of the file in the spool's directory.
const FILE: &str = "spare";

/// The file that waits to become a segment, if there is one.
pub struct Spare {
    dir: PathBuf,
    path: PathBuf,
    /// What is worth keeping: as long as segments get, and not much longer.
    lens: std::ops::Range<u64>,
    byte_count: AtomicU64,
    /// Held by whoever deals with the file.
    hands: Mutex<()>,
}

impl Spare {
    /// What an earlier life left in `dir` is used, if it is as long as segments get.
    pub fn of(dir: &Path, segment_bytes: u64) -> Self {
        let path = dir.join(FILE);
        let lens = segment_bytes..segment_bytes.saturating_mul(2);
        let spare = Self { dir: dir.to_owned(), path, lens, byte_count: AtomicU64::new(0), hands: Mutex::default() };
        match fs::metadata(&spare.path) {
            Ok(file) if file.is_file() && spare.lens.contains(&file.len()) => spare.byte_count.store(file.len(), Relaxed),
            Ok(_) => spare.let_go(),
            Err(_) => {}
        }
        spare
    }

    /// Bytes that are kept on disk for the next segment.
    pub fn byte_count(&self) -> u64 {
        self.byte_count.load(Relaxed)
    }

    /// Removes a finished segment: it becomes the spare where there is none, else it is deleted.
    pub fn take_over(&self, segment: &Path) -> io::Result<()> {
        // Whoever holds it makes a segment of it, which takes syncs: no reason to wait.
        let Ok(_hands) = self.hands.try_lock() else { return fs::remove_file(segment) };
        let len = fs::metadata(segment)?.len();
        if self.byte_count() > 0 || !self.lens.contains(&len) {
            return fs::remove_file(segment);
        }
        fs::rename(segment, &self.path)?;
        self.byte_count.store(len, Relaxed);
        Ok(())
    }

    /// Lets `make` make a segment in this file, creating it if it is not there, and gives it the name of `segment`, which survives as well as
    /// the bytes. On failure neither is left.
    pub fn become_segment<T>(&self, segment: &Path, make: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
        let _hands = self.hands.lock().unwrap_or_else(PoisonError::into_inner);
        if self.byte_count() > 0 {
            // Its old name must be gone before its header is: else a power cut could leave a segment that looks damaged.
            sync_dir(&self.dir)?;
        }
        let made = make(&self.path).and_then(|made| {
            fs::rename(&self.path, segment)?;
            sync_dir(&self.dir).inspect_err(|_| drop(fs::remove_file(segment)))?;
            Ok(made)
        });
        self.byte_count.store(0, Relaxed);
        made.inspect_err(|_| drop(fs::remove_file(&self.path)))
    }

    /// Deletes the file: others need the space.
    pub fn let_go(&self) {
        let _hands = self.hands.lock().unwrap_or_else(PoisonError::into_inner);
        self.byte_count.store(0, Relaxed);
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => warn!("{} could not be deleted: {error}", self.path.display()),
            _ => {}
        }
    }
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}
