//! Places in the spool, and how much waits there.

use bytes::Bytes;

/// A place in the spool. Grows for ever, over segments and restarts; never used again for other bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Number of the segment file, from 1.
    pub segment: u64,
    /// Bytes from the beginning of that file.
    pub offset: u64,
}

impl Position {
    /// As stored in `spool_positions`: segment and offset.
    pub fn to_row(self) -> (i64, i64) {
        (i64::try_from(self.segment).unwrap_or(i64::MAX), i64::try_from(self.offset).unwrap_or(i64::MAX))
    }

    /// From `spool_positions`. Negative numbers, which nobody writes, count as the very beginning.
    pub fn from_row(segment: i64, offset: i64) -> Self {
        Self { segment: u64::try_from(segment).unwrap_or(0), offset: u64::try_from(offset).unwrap_or(0) }
    }
}

/// One claimed record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The end of this record: acknowledging it says that this entry and everything before it is done.
    pub position: Position,
    /// What was written in front of the body.
    pub meta: Bytes,
    /// The body as it was given.
    pub body: Bytes,
}

/// What waits: appended and not yet acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Records.
    pub entry_count: u64,
    /// Bytes of these records on disk.
    pub byte_count: u64,
}
