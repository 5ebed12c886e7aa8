//! Opening the directory: lock, node id, and what an earlier life left behind.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use time::OffsetDateTime;
use tracing::{error, info, warn};
use uuid::Uuid;

use super::error::OpenError;
use super::position::{Place, Position};
use super::segment::{self, Found, NotASegment, SegmentReader, Step};
use super::state::State;
use super::waiting::{self, Ages, Since};

/// Name of the file with the name of this spool.
pub const NODE_ID: &str = "node_id";

/// Creates the directory if need be, readable by its owner only.
pub fn create_dir(dir: &Path) -> Result<(), OpenError> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(OpenError::io("creating", dir))
}

/// Held as long as the file is open; the system lets go of it when the process dies, however it dies.
pub fn lock(dir: &Path) -> Result<File, OpenError> {
    let path = dir.join("lock");
    let file =
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(OpenError::io("opening", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(dir.to_owned())),
        Err(TryLockError::Error(error)) => Err(OpenError::io("locking", path)(error)),
    }
}

/// The name of this spool in `spool_positions`: drawn once, kept beside the segments it speaks of.
pub fn node_id(dir: &Path) -> Result<Uuid, OpenError> {
    let path = dir.join(NODE_ID);
    match fs::read_to_string(&path) {
        Ok(text) => Uuid::try_parse(text.trim()).or_else(|_| {
            warn!("{} does not hold a node id and is replaced", path.display());
            write_node_id(dir, &path)
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => write_node_id(dir, &path),
        Err(error) => Err(error),
    }
    .map_err(OpenError::io("reading or writing", path))
}

fn write_node_id(dir: &Path, path: &Path) -> std::io::Result<Uuid> {
    let id = Uuid::new_v4();
    let fresh = dir.join("node_id.new");
    let mut file = File::create(&fresh)?;
    writeln!(file, "{id}")?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    File::open(dir)?.sync_all()?;
    Ok(id)
}

/// Reads what is there. The last segment loses a torn tail: bytes of a group whose sync never returned, so nobody was told they are kept.
pub fn state(dir: &Path, recent_bytes_max: usize, now: OffsetDateTime) -> Result<State, OpenError> {
    let numbers = segment::list(dir).map_err(OpenError::io("reading", dir))?;
    let mut state = State::new(recent_bytes_max);
    for &number in &numbers {
        let path = segment::path(dir, number);
        let Some(reader) = open_or_set_aside(&path)? else { continue };
        let mut len = fs::metadata(&path).map_err(OpenError::io("reading", &path))?.len();
        if numbers.last() == Some(&number) {
            len = cut_torn_tail(&reader, &path, len)?;
        }
        state.add_found_segment(number, len);
        let end = walk(&reader, number, len, &mut state);
        state.end_segment(number, end);
    }
    state.ages = ages(dir, &state, now);
    state.next_number = state.next_number.max(numbers.last().map_or(1, |last| last + 1));
    Ok(state)
}

/// What an earlier life noted, where that is still there; else what is there counts as new.
fn ages(dir: &Path, state: &State, now: OffsetDateTime) -> Ages {
    let noted = waiting::read(dir).filter(|since| state.has(since.from) && since.at <= now);
    match (noted, state.first_segment()) {
        (Some(since), _) => Ages::since_earlier_life(since, true),
        (None, Some(segment)) => {
            let from = Position { segment, offset: segment::HEADER_BYTES };
            Ages::since_earlier_life(Since { from, at: now }, false)
        }
        (None, None) => Ages::default(),
    }
}

/// Lists the records of a segment and returns where they end. Where it cannot be read any further, the rest is kept aside like other damage.
fn walk(reader: &SegmentReader, number: u64, len: u64, state: &mut State) -> u64 {
    let mut read_to = Position { segment: number, offset: segment::HEADER_BYTES };
    let walked = reader.walk(number, len, &mut |step| match step {
        Step::Record(lane, place) => {
            state.add_found_entry(lane, place);
            read_to = place.end;
        }
        Step::Damage(place) => {
            let Place { start, end } = place;
            let bytes = end.offset - start.offset;
            error!(spool.segment = number, "the spool is damaged: {bytes} bytes from offset {} are skipped and kept aside", start.offset);
            state.add_damage(place);
            read_to = end;
        }
    });
    walked.unwrap_or_else(|error| {
        error!(spool.segment = number, "the spool cannot be read from offset {} on, skipped and kept aside: {error}", read_to.offset);
        state.add_damage(Place { start: read_to, end: Position { segment: number, offset: len } });
        len
    })
}

/// `None`: not a segment that could be read, and put aside under another name.
fn open_or_set_aside(path: &Path) -> Result<Option<SegmentReader>, OpenError> {
    match SegmentReader::open(path) {
        Ok(reader) => Ok(Some(reader)),
        Err(NotASegment::Newer(version)) => Err(OpenError::Newer { path: path.to_owned(), version }),
        // Not ours to read: a human must decide. A bad sector is no reason not to start.
        Err(NotASegment::Io(source)) if source.kind() == ErrorKind::PermissionDenied => Err(OpenError::io("reading", path)(source)),
        Err(NotASegment::Io(source)) => {
            error!("{} cannot be read and is kept aside: {source}", path.display());
            fs::rename(path, aside(path)).map_err(OpenError::io("renaming", path))?;
            Ok(None)
        }
        Err(NotASegment::Damaged) => {
            let len = fs::metadata(path).map_err(OpenError::io("reading", path))?.len();
            if len <= segment::HEADER_BYTES {
                fs::remove_file(path).map_err(OpenError::io("deleting", path))?; // died while creating it
            } else {
                error!("{} has a damaged header; its {len} bytes cannot be read and are kept aside", path.display());
                fs::rename(path, aside(path)).map_err(OpenError::io("renaming", path))?;
            }
            Ok(None)
        }
    }
}

/// The name under which a damaged segment is kept for a human.
pub fn aside(path: &Path) -> PathBuf {
    path.with_extension("damaged")
}

fn cut_torn_tail(reader: &SegmentReader, path: &Path, len: u64) -> Result<u64, OpenError> {
    let good = good_len(reader, len).unwrap_or_else(|error| {
        error!("the end of {} cannot be read, nothing is cut off: {error}", path.display());
        len
    });
    if good < len {
        info!("{}: the last {} bytes are cut off: left over from before, or never confirmed to anybody", path.display(), len - good);
        let file = OpenOptions::new().write(true).open(path).map_err(OpenError::io("opening", path))?;
        file.set_len(good).and_then(|()| file.sync_all()).map_err(OpenError::io("cutting", path))?;
    }
    Ok(good)
}

/// The end of the last undamaged record. Damage with good records behind it is not a tail; the reader deals with it.
fn good_len(reader: &SegmentReader, len: u64) -> std::io::Result<u64> {
    let mut offset = segment::HEADER_BYTES;
    loop {
        match reader.read(offset, len)? {
            Found::Record { end, .. } => offset = end,
            Found::End => return Ok(offset),
            Found::Damage => match reader.find_after(offset, len)? {
                Some(next) => offset = next,
                None => return Ok(offset),
            },
        }
    }
}
