//! Places in the spool, and how much waits there.

use bytes::Bytes;
use time::OffsetDateTime;

use super::progress::Progress;

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

/// Where one record lies, within one segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Its first byte.
    pub start: Position,
    /// Behind its last byte.
    pub end: Position,
}

/// How far a spool is done, as kept in `spool_positions`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Everything before is done.
    pub position: Position,
    /// What is done beyond, out of turn; only the spool can read it. Empty: nothing.
    pub ahead: Vec<u8>,
}

impl Mark {
    /// Which of these places are done.
    pub fn done_of(&self, places: impl IntoIterator<Item = Place>) -> Vec<Place> {
        let progress = Progress::of(self);
        places.into_iter().filter(|place| progress.has(place.start)).collect()
    }
}

/// One claimed record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it lies; with this it is acknowledged.
    pub place: Place,
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
    /// Bytes on disk from the first of them on, with what is done in between.
    pub byte_count: u64,
    /// When the oldest of them was appended, to within ten seconds; `None` where nothing waits.
    pub waiting_since: Option<OffsetDateTime>,
}
