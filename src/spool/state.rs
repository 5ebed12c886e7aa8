//! What is where: durable segments, what of them waits, is claimed and is done, and what is still in memory.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use time::OffsetDateTime;

use super::lanes::{Lanes, Room, Slot};
use super::position::{Depth, Entry, Mark, Place, Position};
use super::progress::Progress;
use super::segment;
use super::waiting::{Ages, Since};

/// From so many stretches done out of turn, half of each claim goes to the oldest records, whoever's they are; from twice as many, all
/// of it: the list of stretches is stored with every batch.
const STRETCHES_MAX: usize = 2_048;

/// A segment on disk.
#[derive(Clone, Copy, Debug)]
pub struct Segment {
    /// Durable bytes, header included.
    pub len: u64,
    /// Something in it could not be read: it is kept aside instead of deleted.
    pub damaged: bool,
}

/// A claimed record, with its content where that is in memory.
pub struct Claimed {
    /// Where it lies.
    pub place: Place,
    /// Meta and body.
    pub content: Option<(Bytes, Bytes)>,
}

/// Everything that writer and readers must agree on.
pub struct State {
    segments: BTreeMap<u64, Segment>,
    /// The number of the next segment.
    pub next_number: u64,
    /// Not claimed.
    waiting: Lanes,
    /// Claimed and not acknowledged: where each begins, its lane, its slot.
    claimed: BTreeMap<Position, (u64, Slot)>,
    progress: Progress,
    /// What is no record, so that progress gets over it.
    damage: Vec<Place>,
    /// Contents of waiting records, by their beginning.
    recent: HashMap<Position, (Bytes, Bytes)>,
    recent_bytes: usize,
    recent_bytes_max: usize,
    /// Since when records wait.
    pub ages: Ages,
    /// When something was last acknowledged in this life.
    acknowledged_at: Option<OffsetDateTime>,
}

impl State {
    /// Nothing on disk is known yet; segments and what is in them are added, oldest first.
    pub fn new(recent_bytes_max: usize) -> Self {
        Self {
            segments: BTreeMap::new(),
            next_number: 1,
            waiting: Lanes::default(),
            claimed: BTreeMap::new(),
            progress: Progress::new(Position { segment: 0, offset: 0 }),
            damage: Vec::new(),
            recent: HashMap::new(),
            recent_bytes: 0,
            recent_bytes_max,
            ages: Ages::default(),
            acknowledged_at: None,
        }
    }

    /// A new segment follows, empty so far.
    pub fn add_segment(&mut self, number: u64) {
        self.add_found_segment(number, segment::HEADER_BYTES);
    }

    /// A segment of an earlier life.
    pub fn add_found_segment(&mut self, number: u64, len: u64) {
        self.segments.insert(number, Segment { len, damaged: false });
        self.next_number = self.next_number.max(number + 1);
    }

    /// The records of a segment turned out to end there, though the file may be longer.
    pub fn end_segment(&mut self, number: u64, len: u64) {
        self.segments.entry(number).and_modify(|segment| segment.len = len);
        self.advance();
    }

    /// A group of records from `start` on is about to be added.
    pub fn begin_group(&mut self, start: Position, at: OffsetDateTime) {
        let alone = self.depth().byte_count == 0;
        self.ages.appended(Since { from: start, at }, alone);
    }

    /// One more record is durable.
    pub fn add_entry(&mut self, lane: u64, entry: Entry) {
        let Place { start, end } = entry.place;
        if let Some(segment) = self.segments.get_mut(&start.segment) {
            segment.len = end.offset;
        }
        self.add_found_entry(lane, entry.place);
        let bytes = entry.meta.len() + entry.body.len();
        if self.recent_bytes + bytes <= self.recent_bytes_max {
            self.recent_bytes += bytes;
            self.recent.insert(start, (entry.meta, entry.body));
        }
    }

    /// A record of an earlier life.
    pub fn add_found_entry(&mut self, lane: u64, place: Place) {
        self.waiting.push(lane, Slot::new(place));
    }

    /// No record is there.
    pub fn add_damage(&mut self, place: Place) {
        self.segments.entry(place.start.segment).and_modify(|segment| segment.damaged = true);
        self.damage.push(place);
        self.progress.add(place);
        self.advance();
    }

    /// What waits, in entries and bytes.
    pub fn depth(&self) -> Depth {
        let low = self.progress.low();
        let in_segment = |(number, segment): (&u64, &Segment)| {
            let from = if *number == low.segment { low.offset } else { segment::HEADER_BYTES };
            segment.len.saturating_sub(from)
        };
        let byte_count = self.segments.range(low.segment..).map(in_segment).sum();
        let waiting_since = self.ages.since().filter(|_| byte_count > 0);
        Depth { entry_count: (self.waiting.len() + self.claimed.len()) as u64, byte_count, waiting_since }
    }

    /// Since when the oldest record waits while nothing is acknowledged: since the database is away, most likely.
    pub fn stuck_since(&self) -> Option<OffsetDateTime> {
        let since = self.depth().waiting_since?;
        Some(self.acknowledged_at.map_or(since, |at| at.max(since)))
    }

    /// Whether `claim` would find something.
    pub fn has_unclaimed(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// How much `claim` would find.
    pub fn unclaimed_count(&self) -> u64 {
        self.waiting.len() as u64
    }

    /// Claims what is next, in the order of appending.
    pub fn claim(&mut self, max_entries: usize, max_bytes: usize) -> Vec<Claimed> {
        let mut room = Room::new(max_entries, max_bytes);
        let mut taken = match self.progress.stretch_count() {
            count if count >= 2 * STRETCHES_MAX => self.waiting.take_oldest(&mut room),
            count if count >= STRETCHES_MAX => {
                let mut half = Room::new(max_entries.div_ceil(2), max_bytes / 2);
                let taken = self.waiting.take_oldest(&mut half);
                room = Room::new(max_entries - taken.len(), max_bytes / 2);
                taken
            }
            _ => Vec::new(),
        };
        if self.progress.stretch_count() < 2 * STRETCHES_MAX {
            taken.extend(self.waiting.take_fair(&mut room));
        }
        taken.sort_unstable_by_key(|(_, slot)| slot.start());
        taken.into_iter().map(|(lane, slot)| self.claim_one(lane, slot)).collect()
    }

    fn claim_one(&mut self, lane: u64, slot: Slot) -> Claimed {
        let place = slot.place();
        self.claimed.insert(place.start, (lane, slot));
        let content = self.recent.remove(&place.start);
        self.recent_bytes -= content.as_ref().map_or(0, |(meta, body)| meta.len() + body.len());
        Claimed { place, content }
    }

    /// Claimed, and it turned out that no readable record is there.
    pub fn give_up(&mut self, place: Place) {
        if self.claimed.remove(&place.start).is_some() {
            self.add_damage(place);
        }
    }

    /// The rest of a segment cannot be read, from `from` on: what of it waits is given up.
    pub fn give_up_segment(&mut self, from: Position) {
        let mut lost = Vec::new();
        self.waiting.retain(|slot| {
            let is_lost = slot.start().segment == from.segment && slot.start() >= from;
            if is_lost {
                lost.push(slot.place());
            }
            !is_lost
        });
        lost.into_iter().for_each(|place| self.add_damage(place));
    }

    /// Claimed, and not handed out for now.
    pub fn put_back(&mut self, place: Place) {
        if let Some((lane, slot)) = self.claimed.remove(&place.start) {
            self.waiting.put_back(lane, slot);
        }
    }

    /// How far everything will be done once these places are, too.
    pub fn mark_after(&self, places: &[Place]) -> Mark {
        let mut progress = self.progress.clone();
        places.iter().filter(|place| self.claimed.contains_key(&place.start)).for_each(|place| progress.add(*place));
        progress.advance(|low| skip(&self.segments, low));
        progress.mark()
    }

    /// These places are done. What was not claimed cannot be.
    pub fn acknowledge(&mut self, places: &[Place], at: OffsetDateTime) {
        self.acknowledged_at = Some(at);
        for place in places {
            if self.claimed.remove(&place.start).is_some() {
                self.progress.add(*place);
            }
        }
        self.advance();
    }

    /// What is claimed and not acknowledged will be claimed again.
    pub fn rewind(&mut self) {
        while let Some((_, (lane, slot))) = self.claimed.pop_last() {
            self.waiting.put_back(lane, slot);
        }
    }

    /// `mark` says what was done in an earlier life.
    pub fn start_from(&mut self, mark: &Mark) {
        self.rewind();
        self.progress = Progress::of(mark);
        self.damage.iter().for_each(|place| self.progress.add(*place));
        let progress = &self.progress;
        self.waiting.retain(|slot| !progress.has(slot.start()));
        self.recent.retain(|start, _| !progress.has(*start));
        self.recent_bytes = self.recent.values().map(|(meta, body)| meta.len() + body.len()).sum();
        self.advance();
    }

    /// Forgets the segments nobody needs any more and returns them. The one with the highest number stays, so that numbers keep growing.
    pub fn take_done(&mut self) -> Vec<(u64, Segment)> {
        self.advance();
        let done = self.progress.low();
        let Some(last) = self.segments.keys().next_back().copied() else { return Vec::new() };
        let is_done = |number: u64, segment: &Segment| number < done.segment || (number == done.segment && done.offset >= segment.len);
        let numbers: Vec<u64> = self.segments.iter().filter(|(n, segment)| **n != last && is_done(**n, segment)).map(|(n, _)| *n).collect();
        self.damage.retain(|place| !numbers.contains(&place.start.segment));
        numbers.into_iter().filter_map(|number| self.segments.remove(&number).map(|segment| (number, segment))).collect()
    }

    /// The number of the first segment.
    pub fn first_segment(&self) -> Option<u64> {
        self.segments.keys().next().copied()
    }

    /// Whether there are bytes at this place.
    pub fn has(&self, position: Position) -> bool {
        self.segments.get(&position.segment).is_some_and(|segment| position.offset < segment.len)
    }

    /// The number of the last segment.
    pub fn last_segment(&self) -> Option<u64> {
        self.segments.keys().next_back().copied()
    }

    /// How many places of earlier lives are no records.
    pub fn damage_count(&self) -> usize {
        self.damage.len()
    }

    fn advance(&mut self) {
        let segments = &self.segments;
        self.progress.advance(|low| skip(segments, low));
        self.ages.done(self.progress.low());
    }
}

/// From the end of a segment to the beginning of the one that follows.
fn skip(segments: &BTreeMap<u64, Segment>, low: Position) -> Position {
    let mut low = low;
    while segments.get(&low.segment).is_none_or(|segment| low.offset >= segment.len) {
        let Some((next, _)) = segments.range(low.segment + 1..).next() else { break };
        low = Position { segment: *next, offset: segment::HEADER_BYTES };
    }
    low
}
