//! Whose turn it is: what waits, by lane, and deficit round robin over the lanes. A lane that floods delays the others by one turn,
//! not by all it has sent.

use std::collections::{HashMap, VecDeque};

use super::position::{Place, Position};

/// What a lane may take per turn, in bytes of cost: many turns fit a batch, and a turn is several usual records.
const QUANTUM: u64 = 64 << 10;
/// What a record costs besides its bytes: the smallest takes time as well.
const RECORD_COST: u64 = 1 << 10;

/// Where a record lies. 16 bytes, for there is one for each that waits: a full spool of 1 GB of small records has a million.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    segment: u64,
    offset: u32,
    len: u32,
}

impl Slot {
    /// Lengths and offsets are below 4 GiB (`record::fits`, `SpoolLimits::segment_bytes`).
    pub fn new(place: Place) -> Self {
        let narrow = |wide: u64| u32::try_from(wide).unwrap_or(u32::MAX);
        let Place { start, end } = place;
        Self { segment: start.segment, offset: narrow(start.offset), len: narrow(end.offset - start.offset) }
    }

    pub fn start(self) -> Position {
        Position { segment: self.segment, offset: u64::from(self.offset) }
    }

    pub fn place(self) -> Place {
        let start = self.start();
        Place { start, end: Position { offset: start.offset + u64::from(self.len), ..start } }
    }

    fn cost(self) -> u64 {
        u64::from(self.len) + RECORD_COST
    }
}

/// How much may be taken at once.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    pub entries: usize,
    /// Of content. The first record is taken whatever it has.
    pub bytes: u64,
    taken_any: bool,
}

impl Room {
    pub fn new(entries: usize, bytes: usize) -> Self {
        Self { entries, bytes: bytes as u64, taken_any: false }
    }

    fn take(&mut self, slot: Slot) -> bool {
        let bytes = super::record::content_len(u64::from(slot.len));
        if self.entries == 0 || self.taken_any && bytes > self.bytes {
            return false;
        }
        (self.entries, self.bytes, self.taken_any) = (self.entries - 1, self.bytes.saturating_sub(bytes), true);
        true
    }
}

/// Everything that waits to be claimed.
#[derive(Default)]
pub struct Lanes {
    lanes: HashMap<u64, Lane>,
    /// The lanes that have something, the one whose turn it is first.
    turns: VecDeque<u64>,
    /// The first of them got its quantum.
    turn_begun: bool,
    len: usize,
}

#[derive(Default)]
struct Lane {
    waiting: VecDeque<Slot>,
    /// What it may still take in its turn.
    credit: u64,
}

impl Lanes {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The latest of its lane.
    pub fn push(&mut self, lane: u64, slot: Slot) {
        self.lane(lane).waiting.push_back(slot);
        self.len += 1;
    }

    /// Takes back what was taken. To be called with the latest first.
    pub fn put_back(&mut self, lane: u64, slot: Slot) {
        let lane = self.lane(lane);
        let at = lane.waiting.partition_point(|other| other.start() < slot.start());
        lane.waiting.insert(at, slot); // nearly always at the front, where it costs nothing
        self.len += 1;
    }

    fn lane(&mut self, lane: u64) -> &mut Lane {
        self.lanes.entry(lane).or_insert_with(|| {
            self.turns.push_back(lane);
            Lane::default()
        })
    }

    /// Takes what the turns give, until there is no room.
    pub fn take_fair(&mut self, room: &mut Room) -> Vec<(u64, Slot)> {
        let mut taken = Vec::new();
        while let Some(&number) = self.turns.front() {
            let Some(lane) = self.lanes.get_mut(&number) else { break };
            if !std::mem::replace(&mut self.turn_begun, true) {
                lane.credit += QUANTUM;
            }
            while let Some(&slot) = lane.waiting.front().filter(|slot| slot.cost() <= lane.credit) {
                if !room.take(slot) {
                    return self.taken(taken); // the turn goes on with the next batch
                }
                lane.credit -= slot.cost();
                lane.waiting.pop_front();
                taken.push((number, slot));
            }
            self.end_turn(number);
        }
        self.taken(taken)
    }

    /// Takes the oldest of all lanes, until there is no room.
    pub fn take_oldest(&mut self, room: &mut Room) -> Vec<(u64, Slot)> {
        let mut taken = Vec::new();
        while let Some((number, until)) = self.oldest() {
            let Some(lane) = self.lanes.get_mut(&number) else { break };
            while let Some(&slot) = lane.waiting.front().filter(|slot| until.is_none_or(|until| slot.start() < until)) {
                if !room.take(slot) {
                    return self.taken(taken);
                }
                lane.waiting.pop_front();
                taken.push((number, slot));
            }
            self.forget_if_empty(number);
        }
        self.taken(taken)
    }

    /// The lane with the oldest record, and where the next lane's oldest lies.
    fn oldest(&self) -> Option<(u64, Option<Position>)> {
        let mut fronts = self.lanes.iter().filter_map(|(number, lane)| Some((lane.waiting.front()?.start(), *number)));
        let mut first = fronts.next()?;
        let mut second = None;
        for front in fronts {
            if front < first {
                (first, second) = (front, Some(first.0));
            } else if second.is_none_or(|second| front.0 < second) {
                second = Some(front.0);
            }
        }
        Some((first.1, second))
    }

    /// Forgets what `keep` does not want.
    pub fn retain(&mut self, mut keep: impl FnMut(Slot) -> bool) {
        self.lanes.values_mut().for_each(|lane| lane.waiting.retain(|slot| keep(*slot)));
        self.lanes.retain(|_, lane| !lane.waiting.is_empty());
        let first = self.turns.front().copied();
        self.turns.retain(|number| self.lanes.contains_key(number));
        self.turn_begun &= first == self.turns.front().copied();
        self.len = self.lanes.values().map(|lane| lane.waiting.len()).sum();
    }

    fn taken(&mut self, taken: Vec<(u64, Slot)>) -> Vec<(u64, Slot)> {
        self.len -= taken.len();
        taken
    }

    fn end_turn(&mut self, number: u64) {
        self.turns.rotate_left(1);
        self.turn_begun = false;
        self.forget_if_empty(number);
    }

    /// A lane that has nothing saves nothing up: its credit goes with it.
    fn forget_if_empty(&mut self, number: u64) {
        if self.lanes.get(&number).is_some_and(|lane| lane.waiting.is_empty()) {
            self.lanes.remove(&number);
            if self.turns.front() == Some(&number) {
                self.turn_begun = false;
            }
            // It has just had its turn, so it is the last, or the first where it was taken out of turn.
            match self.turns.back() {
                Some(last) if *last == number => drop(self.turns.pop_back()),
                _ => self.turns.retain(|other| *other != number),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(offset: u64, len: u64) -> Slot {
        let start = Position { segment: 1, offset };
        Slot::new(Place { start, end: Position { offset: offset + len, ..start } })
    }

    fn lanes(taken: &[(u64, Slot)]) -> Vec<u64> {
        taken.iter().map(|(lane, _)| *lane).collect()
    }

    #[test]
    fn a_flood_delays_others_by_a_turn() {
        let mut all = Lanes::default();
        (0..50_000).for_each(|n| all.push(1, slot(n * 1_000, 1_000)));
        all.push(2, slot(50_000_000, 1_000));
        let taken = all.take_fair(&mut Room::new(512, 4 << 20));
        assert_eq!(taken.len(), 512);
        let place = lanes(&taken).iter().position(|lane| *lane == 2).expect("it is in the first batch");
        assert!(place < 40, "{place}");
    }

    #[test]
    fn lanes_share_by_bytes_not_by_records() {
        let mut all = Lanes::default();
        (0..10_000).for_each(|n| all.push(1, slot(n * 100_000, 50_000)));
        (0..10_000).for_each(|n| all.push(2, slot(n * 100_000 + 50_000, 4_000)));
        let (mut large, mut small) = (0, 0);
        for _ in 0..20 {
            for (lane, slot) in all.take_fair(&mut Room::new(512, 4 << 20)) {
                *(if lane == 1 { &mut large } else { &mut small }) += slot.cost();
            }
        }
        assert!(large < small * 5 / 4 && small < large * 5 / 4, "{large} and {small}");
    }

    #[test]
    fn ten_thousand_lanes_each_get_their_turn_and_order_holds_within_each() {
        let mut all = Lanes::default();
        for round in 0..3 {
            (0..10_000).for_each(|lane| all.push(lane, slot((round * 10_000 + lane) * 100, 100)));
        }
        assert_eq!(all.len(), 30_000);
        let (mut last, mut count) = (HashMap::new(), 0);
        while !all.is_empty() {
            for (lane, slot) in all.take_fair(&mut Room::new(512, 4 << 20)) {
                let before = last.insert(lane, slot.start());
                assert!(before.is_none_or(|before| before < slot.start()));
                count += 1;
            }
        }
        assert_eq!((count, all.turns.len(), all.lanes.len()), (30_000, 0, 0));
    }

    #[test]
    fn the_oldest_come_in_the_order_of_appending() {
        let mut all = Lanes::default();
        (0..1_000).for_each(|n| all.push(n * 7 % 13, slot(n * 10, 10)));
        let first = all.take_oldest(&mut Room::new(600, 1 << 20));
        let rest = all.take_oldest(&mut Room::new(600, 1 << 20));
        let starts: Vec<_> = first.iter().chain(&rest).map(|(_, slot)| slot.start().offset).collect();
        assert_eq!(starts, (0..1_000).map(|n| n * 10).collect::<Vec<_>>());
        assert_eq!((all.turns.len(), all.len()), (0, 0));
    }

    #[test]
    fn a_record_larger_than_a_turn_gets_through() {
        let mut all = Lanes::default();
        all.push(1, slot(0, 20 << 20));
        all.push(2, slot(20 << 20, 10));
        assert_eq!(lanes(&all.take_fair(&mut Room::new(512, 4 << 20))), [2]);
        assert_eq!(lanes(&all.take_fair(&mut Room::new(512, 4 << 20))), [1]);
    }
}
