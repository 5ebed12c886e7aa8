//! Since when the oldest record waits.
//!
//! Not every record's time is remembered, only that of one in ten seconds, so that days of an outage cost a few hundred kilobytes. What has
//! waited for longer than that is also noted in a file, so that a restart in the middle of an outage does not begin to count anew.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};

use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::position::Position;

/// How exact ages are.
const STEP: Duration = Duration::seconds(10);
/// Name of the file in the spool's directory.
const FILE: &str = "waiting";

/// Records from `from` on were appended at `at` or later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since {
    pub from: Position,
    pub at: OffsetDateTime,
}

/// The marks of what waits, ascending.
#[derive(Debug, Default)]
pub struct Ages {
    marks: VecDeque<Since>,
    noted: Option<Since>,
}

impl Ages {
    /// What an earlier life left behind and noted.
    pub fn since_earlier_life(mark: Since, noted: bool) -> Self {
        Self { marks: VecDeque::from([mark]), noted: noted.then_some(mark) }
    }

    /// A group was appended; `alone`: nothing waited before it.
    pub fn appended(&mut self, group: Since, alone: bool) {
        if alone {
            self.marks.clear();
        }
        if self.marks.back().is_none_or(|last| group.at - last.at >= STEP) {
            self.marks.push_back(group);
        }
    }

    /// Everything before `to` is done.
    pub fn done(&mut self, to: Position) {
        while self.marks.get(1).is_some_and(|next| next.from <= to) {
            self.marks.pop_front();
        }
    }

    /// When the oldest record was appended, provided that one waits.
    pub fn since(&self) -> Option<OffsetDateTime> {
        self.marks.front().map(|mark| mark.at)
    }

    /// What should be noted now and is not: the oldest record once it has waited for a while; else that there is nothing to note.
    pub fn note(&mut self, now: OffsetDateTime, something_waits: bool) -> Option<Option<Since>> {
        let wanted = self.marks.front().copied().filter(|mark| something_waits && now - mark.at >= STEP);
        let changed = wanted != self.noted;
        self.noted = wanted;
        changed.then_some(wanted)
    }
}

/// Writes down the mark, or that there is none. Not synced: losing it in a power cut makes the oldest record look younger, no more.
pub fn write(dir: &Path, mark: Option<Since>) -> std::io::Result<()> {
    let Some(Since { from, at }) = mark else { return fs::remove_file(path(dir)) };
    let at = at.format(&Rfc3339).map_err(std::io::Error::other)?;
    let fresh = path(dir).with_extension("new");
    fs::write(&fresh, format!("{} {} {at}\n", from.segment, from.offset))?;
    fs::rename(fresh, path(dir))
}

/// What an earlier life noted.
pub fn read(dir: &Path) -> Option<Since> {
    let text = fs::read_to_string(path(dir)).ok()?;
    let mut words = text.split_whitespace();
    let from = Position { segment: words.next()?.parse().ok()?, offset: words.next()?.parse().ok()? };
    Some(Since { from, at: OffsetDateTime::parse(words.next()?, &Rfc3339).ok()? })
}

fn path(dir: &Path) -> PathBuf {
    dir.join(FILE)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOON: OffsetDateTime = datetime!(2026-11-20 12:00 UTC);

    fn mark(offset: u64, seconds: i64) -> Since {
        Since { from: Position { segment: 1, offset }, at: NOON + Duration::seconds(seconds) }
    }

    #[test]
    fn the_oldest_gets_younger_as_what_waits_is_done() {
        let mut waiting = Ages::default();
        for n in 0..100 {
            waiting.appended(mark(100 * (1 + n as u64), n), n == 0);
        }
        assert_eq!(waiting.marks.len(), 10);
        let since = |waiting: &Ages| waiting.since().map(|at| (at - NOON).whole_seconds());
        assert_eq!(since(&waiting), Some(0));
        waiting.done(Position { segment: 1, offset: 1_000 });
        assert_eq!(since(&waiting), Some(0), "the tenth second is not done");
        waiting.done(Position { segment: 1, offset: 5_500 });
        assert_eq!(since(&waiting), Some(50));
        waiting.appended(mark(20_000, 105), true);
        assert_eq!(since(&waiting), Some(105));
    }

    #[test]
    fn only_what_has_waited_for_a_while_is_noted_and_once() {
        let mut waiting = Ages::default();
        waiting.appended(mark(32, 0), true);
        assert_eq!(waiting.note(NOON, true), None);
        assert_eq!(waiting.note(NOON + Duration::minutes(1), true), Some(Some(mark(32, 0))));
        assert_eq!(waiting.note(NOON + Duration::minutes(2), true), None);
        assert_eq!(waiting.note(NOON + Duration::minutes(3), false), Some(None));
        assert_eq!(waiting.note(NOON + Duration::minutes(4), false), None);
    }

    #[test]
    fn what_is_noted_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()), None);
        write(dir.path(), Some(mark(32, 7))).unwrap();
        assert_eq!(read(dir.path()), Some(mark(32, 7)));
        fs::write(path(dir.path()), "1 32").unwrap();
        assert_eq!(read(dir.path()), None);
        write(dir.path(), None).unwrap();
        assert_eq!(read(dir.path()), None);
    }
}
