//! A look at the spool from outside, for a command beside a running Bugle: reads, changes nothing, takes no lock.

use std::fs;
use std::io;
use std::path::Path;

use uuid::Uuid;

use super::position::{Depth, Mark};
use super::progress::Progress;
use super::segment::{self, SegmentReader, Step};
use super::{recover, waiting};

/// The name of the spool in `dir` in `spool_positions`; `None` where there is no spool yet.
pub fn node_id(dir: &Path) -> Option<Uuid> {
    Uuid::try_parse(fs::read_to_string(dir.join(recover::NODE_ID)).ok()?.trim()).ok()
}

/// What waits, if `mark` says what is done. Records that are being written meanwhile are counted or not; what is known of their age is what
/// was noted, so nothing about the last ten seconds.
pub fn depth(dir: &Path, mark: Option<&Mark>) -> io::Result<Depth> {
    let progress = mark.map(Progress::of);
    let is_done = |start| progress.as_ref().is_some_and(|progress| progress.has(start));
    let mut depth = Depth::default();
    for number in segment::list(dir)? {
        let path = segment::path(dir, number);
        // A segment that is gone meanwhile was done.
        let (Ok(reader), Ok(file)) = (SegmentReader::open(&path), fs::metadata(&path)) else { continue };
        reader.walk(number, file.len(), &mut |step| match step {
            Step::Record(_, place) if !is_done(place.start) => {
                depth.entry_count += 1;
                depth.byte_count += place.end.offset - place.start.offset;
            }
            Step::Record(..) | Step::Damage(_) => {}
        })?;
    }
    let noted = waiting::read(dir).filter(|since| depth.byte_count > 0 && !is_done(since.from));
    Ok(Depth { waiting_since: noted.map(|since| since.at), ..depth })
}
