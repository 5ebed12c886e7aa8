//! How much the spool may take from the disk and from memory.

use std::io;
use std::path::Path;

use nix::sys::statvfs::statvfs;
use time::{Duration, OffsetDateTime};

use super::error::AppendError;

/// The default of `SpoolLimits::max_bytes` on large disks.
const MAX_BYTES: u64 = 1 << 30;
/// The default of `SpoolLimits::max_age`: a long weekend without a database.
const MAX_AGE: Duration = Duration::hours(72);
/// The default of `SpoolLimits::min_free_bytes` on large disks.
const MIN_FREE_BYTES: u64 = 256 << 20;
/// When a segment is this long the next batch opens a new one.
const SEGMENT_BYTES: u64 = 64 << 20;
/// What may wait is at least so many segments, for up to two are kept on disk though nothing waits.
const SEGMENTS_MIN: u64 = 16;
/// What is kept in memory for the digest, so that it need not read the file: a few batches. Beyond, the system's cache has the file.
const MEMORY_BYTES: usize = 8 << 20;

/// Sizes in bytes.
#[derive(Clone, Copy, Debug)]
pub struct SpoolLimits {
    /// Most bytes that may wait for the digest. Beyond: [`super::AppendError::Full`].
    pub max_bytes: u64,
    /// How long the oldest record may wait while none is acknowledged. Beyond: [`super::AppendError::Stuck`].
    pub max_age: Duration,
    /// Least free space of the disk, which others need too (Postgres foremost). Below: [`super::AppendError::Full`].
    pub min_free_bytes: u64,
    /// A segment that has reached this length is followed by a new one.
    pub segment_bytes: u64,
    /// Most bytes of recently appended records that are held in memory.
    pub memory_bytes: usize,
}

impl Default for SpoolLimits {
    fn default() -> Self {
        Self {
            max_bytes: MAX_BYTES,
            max_age: MAX_AGE,
            min_free_bytes: MIN_FREE_BYTES,
            segment_bytes: SEGMENT_BYTES,
            memory_bytes: MEMORY_BYTES,
        }
    }
}

impl SpoolLimits {
    /// The defaults for the disk that holds `dir`: at most 1 GB and a tenth of the disk, leaving 256 MB or a fiftieth of the disk free.
    /// The directory itself need not exist yet.
    pub fn for_disk(dir: &Path) -> io::Result<Self> {
        let existing = dir.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(Path::new("."));
        let disk = disk(existing)?;
        let limits = Self { min_free_bytes: MIN_FREE_BYTES.min(disk.total_bytes / 50), ..Self::default() };
        Ok(limits.with_max_bytes(MAX_BYTES.min(disk.total_bytes / 10)))
    }

    /// With what was configured; `None` leaves the size as it is.
    pub fn with(self, max_bytes: Option<u64>, max_age: Duration) -> Self {
        Self { max_age, ..self.with_max_bytes(max_bytes.unwrap_or(self.max_bytes)) }
    }

    fn with_max_bytes(self, max_bytes: u64) -> Self {
        Self { max_bytes, segment_bytes: SEGMENT_BYTES.min(max_bytes / SEGMENTS_MIN), ..self }
    }
}

/// Space of a file system, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct DiskSpace {
    /// What is in use and what ordinary users may still write: its size without what is set aside for root, as `df` reckons.
    pub total_bytes: u64,
    /// What ordinary users may still write.
    pub free_bytes: u64,
}

/// Asks the system for the space of the disk that holds `dir`.
pub fn disk(dir: &Path) -> io::Result<DiskSpace> {
    let stat = statvfs(dir)?;
    let unit = stat.fragment_size();
    let used_blocks = stat.blocks().saturating_sub(stat.blocks_free());
    let free_bytes = unit.saturating_mul(stat.blocks_available());
    Ok(DiskSpace { total_bytes: unit.saturating_mul(used_blocks).saturating_add(free_bytes), free_bytes })
}

impl SpoolLimits {
    /// Whether more may join what is stuck since `stuck_since`.
    pub(super) fn check_age(&self, stuck_since: Option<OffsetDateTime>, now: OffsetDateTime) -> Result<(), AppendError> {
        let age = stuck_since.map_or(Duration::ZERO, |since| now - since);
        if age > self.max_age { Err(AppendError::Stuck { age, max_age: self.max_age }) } else { Ok(()) }
    }

    /// Whether the spool may hold `byte_count` bytes while the disk has `free_bytes` left.
    pub(super) fn check(&self, byte_count: u64, free_bytes: u64) -> Result<(), AppendError> {
        if byte_count > self.max_bytes {
            return Err(AppendError::Full { byte_count, max_bytes: self.max_bytes });
        }
        if free_bytes < self.min_free_bytes {
            return Err(AppendError::DiskLow { free_bytes, min_free_bytes: self.min_free_bytes });
        }
        Ok(())
    }
}
