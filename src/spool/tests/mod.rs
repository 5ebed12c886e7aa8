//! The promises of the spool, on a real file system.

use std::path::Path;

use super::*;

mod damage;
mod failing_disk;
mod fairness;
mod life;
mod limits;
mod reading;
mod reuse;

/// No guard of the disk: tests run on small ones.
const LIMITS: SpoolLimits = SpoolLimits {
    max_bytes: 1 << 30,
    max_age: time::Duration::hours(72),
    min_free_bytes: 0,
    segment_bytes: 64 << 20,
    memory_bytes: 64 << 20,
};
/// Everything has to be read from disk.
const NO_MEMORY: SpoolLimits = SpoolLimits { memory_bytes: 0, ..LIMITS };
/// Every group opens a new segment.
const SMALL_SEGMENTS: SpoolLimits = SpoolLimits { segment_bytes: 40, ..LIMITS };

fn dir() -> tempfile::TempDir {
    tempfile::tempdir().expect("the temporary folder is writable")
}

fn open(dir: &Path) -> Spool {
    open_with(dir, LIMITS)
}

fn open_with(dir: &Path, limits: SpoolLimits) -> Spool {
    Spool::open(dir, limits, Clock::system()).expect("the spool opens")
}

async fn append(spool: &Spool, body: &str) {
    spool.append(1, b"meta", Bytes::copy_from_slice(body.as_bytes())).await.expect("the record is kept");
}

async fn append_all(spool: &Spool, bodies: &[&str]) {
    for body in bodies {
        append(spool, body).await;
    }
}

async fn claim_all(spool: &Spool) -> Vec<Entry> {
    let mut all = Vec::new();
    loop {
        let entries = spool.claim(100, 1 << 20).await.expect("the spool is readable");
        if entries.is_empty() {
            return all;
        }
        all.extend(entries);
    }
}

async fn claim_bodies(spool: &Spool) -> Vec<String> {
    bodies(&claim_all(spool).await)
}

fn places(entries: &[Entry]) -> Vec<Place> {
    entries.iter().map(|entry| entry.place).collect()
}

/// Everything before this is done, and nothing else.
fn mark(position: Position) -> Mark {
    Mark { position, ahead: Vec::new() }
}

/// The length on disk of a record with the usual meta.
fn record_len(body: &str) -> u64 {
    record::encoded_len(b"laneslotmeta", body.as_bytes())
}

fn bodies(entries: &[Entry]) -> Vec<String> {
    entries.iter().map(|entry| String::from_utf8_lossy(&entry.body).into_owned()).collect()
}

/// Paths of the segments in `dir`, oldest first.
fn segment_paths(dir: &Path) -> Vec<PathBuf> {
    segment::list(dir).expect("the folder is readable").into_iter().map(|number| segment::path(dir, number)).collect()
}
