//! Reading records that are no longer in memory.

use std::io;
use std::path::PathBuf;

use tracing::error;

use super::position::{Entry, Position};
use super::segment::{self, Found, NotASegment, SegmentReader};
use super::state::Stretch;

/// After so many failures in a row at one place the rest of the segment is given up, so that one bad sector does not stop everything.
const ATTEMPTS_MAX: u32 = 5;

/// Reads one claim after the other.
pub struct Reader {
    dir: PathBuf,
    open: Option<(u64, SegmentReader)>,
    failure_count: u32,
}

/// What a stretch held.
pub struct Batch {
    pub entries: Vec<Entry>,
    /// Where the next claim continues.
    pub read_to: Position,
    /// How many places could not be read.
    pub damage_count: u64,
}

impl Reader {
    pub fn new(dir: PathBuf) -> Self {
        Self { dir, open: None, failure_count: 0 }
    }

    /// Reads records from the beginning of `stretch`, at least one unless it holds nothing readable.
    pub fn read(&mut self, stretch: Stretch, max_entries: usize, max_bytes: usize) -> io::Result<Batch> {
        let result = self.try_read(stretch, max_entries, max_bytes);
        match result {
            Ok(batch) => {
                self.failure_count = 0;
                Ok(batch)
            }
            Err(error) => self.give_up_at_last(stretch, error),
        }
    }

    fn try_read(&mut self, stretch: Stretch, max_entries: usize, max_bytes: usize) -> io::Result<Batch> {
        let segment = self.segment(stretch.segment)?;
        let (mut entries, mut bytes, mut offset, mut damage_count) = (Vec::new(), 0, stretch.from, 0);
        while entries.len() < max_entries && bytes < max_bytes {
            match segment.read(offset, stretch.to) {
                Ok(Found::Record { meta, body, .. }) if !entries.is_empty() && bytes + meta.len() + body.len() > max_bytes => break,
                Ok(Found::Record { meta, body, end }) => {
                    bytes += meta.len() + body.len();
                    offset = end;
                    entries.push(Entry { position: Position { segment: stretch.segment, offset }, meta, body });
                }
                Ok(Found::End) => break,
                Ok(Found::Damage) => {
                    let next = segment.find_after(offset, stretch.to)?.unwrap_or(stretch.to);
                    error!(
                        spool.segment = stretch.segment,
                        "the spool is damaged: {} bytes from offset {offset} are skipped and kept aside",
                        next - offset
                    );
                    (offset, damage_count) = (next, damage_count + 1);
                }
                Err(_) if !entries.is_empty() => break, // hand out what is readable; the next claim meets the failure again
                Err(error) => return Err(error),
            }
        }
        Ok(Batch { entries, read_to: Position { segment: stretch.segment, offset }, damage_count })
    }

    fn give_up_at_last(&mut self, stretch: Stretch, error: io::Error) -> io::Result<Batch> {
        self.open = None;
        self.failure_count += 1;
        if self.failure_count < ATTEMPTS_MAX {
            return Err(error);
        }
        self.failure_count = 0;
        error!(
            spool.segment = stretch.segment,
            "the spool cannot be read from offset {} to {}, skipped and kept aside: {error}", stretch.from, stretch.to
        );
        Ok(Batch { entries: Vec::new(), read_to: Position { segment: stretch.segment, offset: stretch.to }, damage_count: 1 })
    }

    fn segment(&mut self, number: u64) -> io::Result<&SegmentReader> {
        let open = match self.open.take().filter(|(open, _)| *open == number) {
            Some(open) => open,
            None => (number, SegmentReader::open(&segment::path(&self.dir, number)).map_err(unusable)?),
        };
        Ok(&self.open.insert(open).1)
    }
}

fn unusable(reason: NotASegment) -> io::Error {
    match reason {
        NotASegment::Io(error) => error,
        NotASegment::Damaged => io::Error::new(io::ErrorKind::InvalidData, "the header of the segment is damaged"),
        NotASegment::Newer(version) => io::Error::new(io::ErrorKind::InvalidData, format!("the segment has format {version}")),
    }
}
