//! What the spool has done since it was opened, for `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Plain counters; each is read on its own, without a common moment.
#[derive(Debug, Default)]
pub struct SpoolCounters {
    /// Records made durable.
    pub appended_count: AtomicU64,
    /// Bytes of these records.
    pub appended_bytes: AtomicU64,
    /// Records refused because the spool or the disk is full, or too much waits to be written.
    pub refused_count: AtomicU64,
    /// Records refused because writing or syncing failed.
    pub failed_count: AtomicU64,
    /// Syncs; `appended_count / fsync_count` is the mean size of a group.
    pub fsync_count: AtomicU64,
    /// Time spent in them, in microseconds.
    pub fsync_micros: AtomicU64,
    /// The longest of them, in microseconds.
    pub fsync_micros_max: AtomicU64,
    /// Places at which a segment was damaged.
    pub corrupt_count: AtomicU64,
}

impl SpoolCounters {
    pub(super) fn synced(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.fsync_count.fetch_add(1, Relaxed);
        self.fsync_micros.fetch_add(micros, Relaxed);
        self.fsync_micros_max.fetch_max(micros, Relaxed);
    }

    pub(super) fn appended(&self, records: u64, bytes: u64) {
        self.appended_count.fetch_add(records, Relaxed);
        self.appended_bytes.fetch_add(bytes, Relaxed);
    }
}
