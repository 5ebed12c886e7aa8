//! Reading records that are no longer in memory.

use std::io;
use std::path::PathBuf;

use tracing::error;

use super::position::{Entry, Place, Position};
use super::segment::{self, Found, NotASegment, SegmentReader};
use super::state::Claimed;

/// After so many failures in a row in one segment the rest of it is given up, so that one bad sector does not stop everything.
const ATTEMPTS_MAX: u32 = 5;

/// Reads one claim after the other.
pub struct Reader {
    dir: PathBuf,
    open: Option<(u64, SegmentReader)>,
    /// The segment of the last failure, and how many there were in a row.
    failing: Option<(u64, u32)>,
}

/// What became of a claim.
#[derive(Default)]
pub struct Batch {
    pub entries: Vec<Entry>,
    /// No record is there any more.
    pub damaged: Vec<Place>,
    /// Could not be read for now.
    pub failed: Vec<Place>,
    /// The segment that cannot be read from here on, after many attempts.
    pub given_up: Option<Position>,
    /// Why something failed.
    pub error: Option<io::Error>,
}

impl Reader {
    pub fn new(dir: PathBuf) -> Self {
        Self { dir, open: None, failing: None }
    }

    /// Reads what is not in memory. One record that cannot be read keeps none of the others back.
    pub fn read(&mut self, claimed: Vec<Claimed>) -> Batch {
        let mut batch = Batch::default();
        for Claimed { place, content } in claimed {
            match content.map_or_else(|| self.read_one(place), |content| Ok(Some(content))) {
                Ok(Some((meta, body))) => batch.entries.push(Entry { place, meta, body }),
                Ok(None) => {
                    let Place { start, end } = place;
                    let bytes = end.offset - start.offset;
                    error!(
                        spool.segment = start.segment,
                        "the spool is damaged: {bytes} bytes from offset {} are skipped and kept aside", start.offset
                    );
                    batch.damaged.push(place);
                }
                Err(error) => {
                    self.open = None;
                    batch.failed.push(place);
                    batch.error = Some(error);
                }
            }
        }
        self.give_up_at_last(&mut batch);
        batch
    }

    /// Meta and body of one record; `None` where none is.
    pub fn read_one(&mut self, place: Place) -> io::Result<Option<(bytes::Bytes, bytes::Bytes)>> {
        match self.segment(place.start.segment)?.read(place.start.offset, place.end.offset)? {
            Found::Record { meta, body, .. } => Ok(Some((meta, body))),
            Found::End | Found::Damage => Ok(None),
        }
    }

    fn give_up_at_last(&mut self, batch: &mut Batch) {
        let Some(first) = batch.failed.first().copied() else {
            self.failing = None;
            return;
        };
        let segment = first.start.segment;
        let count = self.failing.filter(|(failing, _)| *failing == segment).map_or(0, |(_, count)| count) + 1;
        self.failing = Some((segment, count));
        if count >= ATTEMPTS_MAX {
            self.failing = None;
            let reason = batch.error.as_ref().map(io::Error::to_string).unwrap_or_default();
            error!(
                spool.segment = segment,
                "the spool cannot be read from offset {} on, skipped and kept aside: {reason}", first.start.offset
            );
            batch.given_up = Some(first.start);
        }
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
