//! What is where: durable segments, how far they were claimed and acknowledged, and what of them is still in memory.

use std::collections::{BTreeMap, VecDeque};

use super::position::{Depth, Entry, Position};
use super::segment;

/// A segment on disk.
#[derive(Clone, Copy, Debug)]
pub struct Segment {
    /// Durable bytes, header included.
    pub len: u64,
    /// Something in it could not be read: it is kept aside instead of deleted.
    pub damaged: bool,
}

/// A durable record with its bytes at hand.
struct Recent {
    start: Position,
    entry: Entry,
}

/// A part of a segment that has to be read from disk.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    pub segment: u64,
    pub from: u64,
    pub to: u64,
}

/// Everything that writer and readers must agree on.
pub struct State {
    segments: BTreeMap<u64, Segment>,
    /// The number of the next segment.
    pub next_number: u64,
    /// What is before this was claimed.
    read: Position,
    /// What is before this is done.
    acknowledged: Position,
    /// Ends of what is claimed and not acknowledged.
    claimed: VecDeque<Position>,
    entry_count: u64,
    /// Records in memory: without a gap between them, so that they are served in order.
    recent: VecDeque<Recent>,
    recent_bytes: usize,
    recent_bytes_max: usize,
    /// A record after `recent` is on disk only; so must be all that follow until `recent` is empty.
    recent_gap: bool,
}

impl State {
    /// Everything on disk is yet to be claimed.
    pub fn new(segments: BTreeMap<u64, Segment>, entry_count: u64, recent_bytes_max: usize) -> Self {
        let next_number = segments.keys().next_back().map_or(1, |last| last + 1);
        let start = Position { segment: segments.keys().next().copied().unwrap_or(next_number), offset: segment::HEADER_BYTES };
        Self {
            segments,
            next_number,
            read: start,
            acknowledged: start,
            claimed: VecDeque::new(),
            entry_count,
            recent: VecDeque::new(),
            recent_bytes: 0,
            recent_bytes_max,
            recent_gap: false,
        }
    }

    /// A new, empty segment follows.
    pub fn add_segment(&mut self, number: u64) {
        self.segments.insert(number, Segment { len: segment::HEADER_BYTES, damaged: false });
        self.next_number = number + 1;
    }

    /// One more record of `segment` is durable.
    pub fn add_entry(&mut self, start: Position, entry: Entry) {
        if let Some(segment) = self.segments.get_mut(&start.segment) {
            segment.len = entry.position.offset;
        }
        self.entry_count += 1;
        let bytes = entry.meta.len() + entry.body.len();
        self.recent_gap = !self.recent.is_empty() && self.recent_gap || self.recent_bytes + bytes > self.recent_bytes_max;
        if !self.recent_gap {
            self.recent_bytes += bytes;
            self.recent.push_back(Recent { start, entry });
        }
    }

    /// What waits, in entries and bytes.
    pub fn depth(&self) -> Depth {
        let done = self.acknowledged;
        let in_segment = |(number, segment): (&u64, &Segment)| {
            let from = if *number == done.segment { done.offset } else { segment::HEADER_BYTES };
            if *number < done.segment { 0 } else { segment.len.saturating_sub(from) }
        };
        let byte_count = self.segments.iter().map(in_segment).sum();
        // Damaged records leave the count of entries unsure; without bytes there is none.
        let entry_count = if byte_count == 0 { 0 } else { self.entry_count };
        Depth { entry_count, byte_count }
    }

    /// Whether `claim` would find something.
    pub fn has_unclaimed(&mut self) -> bool {
        self.skip_to_content();
        self.segments.get(&self.read.segment).is_some_and(|segment| self.read.offset < segment.len)
    }

    /// Claims records that are in memory; none when the next one is not.
    pub fn claim_recent(&mut self, max_entries: usize, max_bytes: usize) -> Vec<Entry> {
        let (mut entries, mut bytes) = (Vec::new(), 0);
        self.skip_to_content();
        while entries.len() < max_entries && self.recent.front().is_some_and(|next| next.start == self.read) {
            let next_bytes = self.recent.front().map_or(0, |next| next.entry.meta.len() + next.entry.body.len());
            if !entries.is_empty() && bytes + next_bytes > max_bytes {
                break;
            }
            bytes += next_bytes;
            entries.extend(self.pop_recent());
            self.skip_to_content();
        }
        entries
    }

    fn pop_recent(&mut self) -> Option<Entry> {
        let Recent { entry, .. } = self.recent.pop_front()?;
        self.recent_bytes -= entry.meta.len() + entry.body.len();
        self.read = entry.position;
        self.claimed.push_back(entry.position);
        Some(entry)
    }

    /// What has to be read from disk before anything in memory may be claimed.
    pub fn next_stretch(&mut self) -> Option<Stretch> {
        if !self.has_unclaimed() {
            return None;
        }
        let Position { segment, offset: from } = self.read;
        let end = self.segments.get(&segment)?.len;
        let to = self.recent.front().map_or(end, |next| if next.start.segment == segment { next.start.offset.min(end) } else { end });
        Some(Stretch { segment, from, to })
    }

    /// Records that what is before `read_to` was claimed by reading it from disk.
    pub fn claimed_from_disk(&mut self, entries: &[Entry], read_to: Position, damaged: bool) {
        if damaged {
            self.segments.entry(read_to.segment).and_modify(|segment| segment.damaged = true);
        }
        self.claimed.extend(entries.iter().map(|entry| entry.position));
        self.read = read_to;
        if self.claimed.is_empty() {
            self.acknowledged = read_to; // nothing but damage since the last acknowledgement
        }
        self.drop_stale();
    }

    /// Everything up to `position` is done. What was not claimed cannot be.
    pub fn acknowledge(&mut self, position: Position) {
        let position = position.min(self.read);
        while self.claimed.front().is_some_and(|claimed| *claimed <= position) {
            self.claimed.pop_front();
            self.entry_count = self.entry_count.saturating_sub(1);
        }
        self.acknowledged = self.acknowledged.max(position);
    }

    /// What is claimed and not acknowledged will be claimed again.
    pub fn rewind(&mut self) {
        self.claimed.clear();
        self.read = self.acknowledged;
    }

    /// Everything before `position` was done in an earlier life; `entry_count` records follow it.
    pub fn start_from(&mut self, position: Position, entry_count: u64) {
        self.claimed.clear();
        self.read = position;
        self.acknowledged = position;
        self.entry_count = entry_count;
        self.drop_stale();
    }

    /// Forgets the segments nobody needs any more and returns them. The one with the highest number stays, so that numbers keep growing.
    pub fn take_done(&mut self) -> Vec<(u64, Segment)> {
        let done = self.acknowledged;
        let Some(last) = self.segments.keys().next_back().copied() else { return Vec::new() };
        let is_done = |number: u64, segment: &Segment| number < done.segment || (number == done.segment && done.offset >= segment.len);
        let numbers: Vec<u64> = self.segments.iter().filter(|(n, segment)| **n != last && is_done(**n, segment)).map(|(n, _)| *n).collect();
        numbers.into_iter().filter_map(|number| self.segments.remove(&number).map(|segment| (number, segment))).collect()
    }

    /// The segments with their durable lengths, ascending.
    pub fn segments(&self) -> impl Iterator<Item = (u64, Segment)> {
        self.segments.iter().map(|(number, segment)| (*number, *segment))
    }

    /// Moves from the end of a segment to the beginning of the one that follows.
    fn skip_to_content(&mut self) {
        while self.segments.get(&self.read.segment).is_none_or(|segment| self.read.offset >= segment.len) {
            let Some((next, _)) = self.segments.range(self.read.segment + 1..).next() else { return };
            self.read = Position { segment: *next, offset: segment::HEADER_BYTES };
        }
    }

    /// Lets go of bytes in memory that are no longer ahead.
    fn drop_stale(&mut self) {
        while let Some(stale) = self.recent.pop_front_if(|next| next.start < self.read) {
            self.recent_bytes -= stale.entry.meta.len() + stale.entry.body.len();
        }
    }
}
