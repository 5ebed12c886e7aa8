//! Segment files: names, header, reading.
//!
//! ```text
//! "BUGLESPL" 8 | format 4 | zero 4 | salt 16 | records … | end mark
//! ```
//!
//! A file that held another segment before is longer than its records: what is left of them has another salt, so it is no record of this one. Only
//! the segment that is being written lacks the end mark; behind its last record anything may stand.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::position::{Place, Position};
use super::record::{self, RecordHeader, Salt};

const MAGIC: [u8; 8] = *b"BUGLESPL";
/// The format this version writes. It reads this one and those before: in format 1 records had no lane, in format 2 segments no end mark.
pub const FORMAT: u32 = 3;
const FORMAT_WITHOUT_LANES: u32 = 1;
const FORMAT_WITHOUT_END: u32 = 2;
/// Where the first record stands.
pub const HEADER_BYTES: u64 = 32;

const EXTENSION: &str = "spool";
/// Bytes that are searched for a record at a time.
const PIECE_BYTES: usize = 1 << 20;

/// The path of a segment. The number is padded, so that names sort as numbers do.
pub fn path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:020}.{EXTENSION}"))
}

/// The numbers of the segments in `dir`, ascending. Other files are left alone.
pub fn list(dir: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == EXTENSION) {
            numbers.extend(path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse::<u64>().ok()));
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// The header of a new segment.
pub fn header(salt: Salt) -> [u8; HEADER_BYTES as usize] {
    let mut raw = [0; HEADER_BYTES as usize];
    raw[..8].copy_from_slice(&MAGIC);
    raw[8..12].copy_from_slice(&FORMAT.to_le_bytes());
    raw[16..].copy_from_slice(&bound_to(FORMAT, salt.0));
    raw
}

/// The salt of the file with its format in it, and back: a header whose format was damaged makes no record readable, instead of all wrongly.
fn bound_to(format: u32, mut salt: [u8; 16]) -> [u8; 16] {
    if format > FORMAT_WITHOUT_LANES {
        salt.iter_mut().zip(format.to_le_bytes()).for_each(|(byte, part)| *byte ^= part);
    }
    salt
}

/// Why a file is not a segment of ours.
#[derive(Debug)]
pub enum NotASegment {
    /// Shorter than a header, or another magic.
    Damaged,
    /// A format this version does not know.
    Newer(u32),
    /// It could not be read.
    Io(io::Error),
}

/// An open segment.
pub struct SegmentReader {
    file: File,
    salt: Salt,
    has_lanes: bool,
    has_end: bool,
}

/// What a walk over a segment found.
pub enum Step {
    /// A record, by its header: its lane and its place.
    Record(u64, Place),
    /// Bytes that are no record.
    Damage(Place),
}

/// What stands at an offset.
pub enum Found {
    /// An undamaged record.
    Record {
        /// Its meta.
        meta: Bytes,
        /// Its body.
        body: Bytes,
        /// Where it ends.
        end: u64,
    },
    /// Nothing more: the given end, or the mark that ends the segment.
    End,
    /// Bytes that are not an undamaged record.
    Damage,
}

impl SegmentReader {
    /// Opens a segment and checks its header.
    pub fn open(path: &Path) -> Result<Self, NotASegment> {
        let file = File::open(path).map_err(NotASegment::Io)?;
        let mut raw = [0; HEADER_BYTES as usize];
        file.read_exact_at(&mut raw, 0).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => NotASegment::Damaged,
            _ => NotASegment::Io(error),
        })?;
        if raw[..8] != MAGIC {
            return Err(NotASegment::Damaged);
        }
        let version = u32::from_le_bytes([raw[8], raw[9], raw[10], raw[11]]);
        if version == 0 || version > FORMAT {
            return Err(NotASegment::Newer(version));
        }
        let mut salt = [0; 16];
        salt.copy_from_slice(&raw[16..]);
        let (has_lanes, has_end) = (version > FORMAT_WITHOUT_LANES, version > FORMAT_WITHOUT_END);
        Ok(Self { file, salt: Salt(bound_to(version, salt)), has_lanes, has_end })
    }

    /// The record at `offset` of a segment that ends at `end`.
    pub fn read(&self, offset: u64, end: u64) -> io::Result<Found> {
        if offset >= end {
            return Ok(Found::End);
        }
        let Some((header, content_at, record_end)) = self.read_header(offset, end)? else {
            return Ok(Found::Damage);
        };
        if self.is_end(header) {
            return Ok(Found::End);
        }
        let mut content = vec![0; usize::try_from(header.content_len()).map_err(io::Error::other)?];
        match self.file.read_exact_at(&mut content, content_at) {
            Ok(()) if header.matches(self.salt, &content) => {
                let mut body = Bytes::from(content);
                let mut meta = body.split_to(header.meta_len());
                drop(meta.split_to(self.lane_len().min(meta.len())));
                Ok(Found::Record { meta, body, end: record_end })
            }
            Ok(()) => Ok(Found::Damage),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Found::Damage),
            Err(error) => Err(error),
        }
    }

    /// Visits what is in segment `number` up to its end mark, at most up to `end`, by the headers alone. Returns where it ends.
    pub fn walk(&self, number: u64, end: u64, visit: &mut impl FnMut(Step)) -> io::Result<u64> {
        let mut offset = HEADER_BYTES;
        while offset < end {
            let place = |to| Place { start: Position { segment: number, offset }, end: Position { segment: number, offset: to } };
            let next = match self.read_header(offset, end)? {
                Some((header, ..)) if self.is_end(header) => return Ok(offset),
                Some((_, content_at, record_end)) => {
                    visit(Step::Record(self.read_lane(content_at)?, place(record_end)));
                    record_end
                }
                None => {
                    let next = self.find_after(offset, end)?.unwrap_or(end);
                    visit(Step::Damage(place(next)));
                    next
                }
            };
            offset = next;
        }
        Ok(end)
    }

    fn is_end(&self, header: RecordHeader) -> bool {
        self.has_end && header.is_empty()
    }

    fn read_lane(&self, content_at: u64) -> io::Result<u64> {
        let mut lane = [0; record::LANE_BYTES];
        if self.has_lanes {
            self.file.read_exact_at(&mut lane, content_at)?;
        }
        Ok(u64::from_le_bytes(lane))
    }

    fn lane_len(&self) -> usize {
        if self.has_lanes { record::LANE_BYTES } else { 0 }
    }

    /// Where the first undamaged record after the damage at `offset` begins, or the end mark.
    pub fn find_after(&self, offset: u64, end: u64) -> io::Result<Option<u64>> {
        let mut piece = vec![0; PIECE_BYTES.min(usize::try_from(end.saturating_sub(offset)).map_err(io::Error::other)?)];
        let mut from = offset + 1;
        while from < end {
            let wanted = piece.len().min(usize::try_from(end - from).map_err(io::Error::other)?);
            let len = read_up_to(&self.file, &mut piece[..wanted], from)?;
            for distance in record::candidates(self.salt, from, &piece[..len]) {
                if !matches!(self.read(from + distance, end)?, Found::Damage) {
                    return Ok(Some(from + distance));
                }
            }
            // A header that the end of this piece cuts in two is whole in the next.
            let Some(seen) = (len + 1).checked_sub(record::HEADER_BYTES).filter(|seen| *seen > 0) else { break };
            from += seen as u64;
        }
        Ok(None)
    }

    /// Header, start of the content, end of the record; `None` for damage and at the end.
    fn read_header(&self, offset: u64, end: u64) -> io::Result<Option<(RecordHeader, u64, u64)>> {
        let mut raw = [0; record::HEADER_BYTES];
        let content_at = offset + record::HEADER_BYTES as u64;
        if content_at > end {
            return Ok(None);
        }
        match self.file.read_exact_at(&mut raw, offset) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        let header = RecordHeader::parse(self.salt, offset, &raw);
        Ok(header.map(|header| (header, content_at, content_at + header.content_len())).filter(|(_, _, record_end)| *record_end <= end))
    }
}

fn read_up_to(file: &File, bytes: &mut [u8], from: u64) -> io::Result<usize> {
    let mut len = 0;
    while len < bytes.len() {
        match file.read_at(&mut bytes[len..], from + len as u64) {
            Ok(0) => break,
            Ok(more) => len += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(len)
}
