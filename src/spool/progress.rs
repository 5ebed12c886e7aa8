//! What is done: everything before one position, and beyond it what was done out of turn. Small enough to be written with every batch.

use std::collections::BTreeMap;

use super::position::{Mark, Place, Position};

/// What is done and what is not.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Everything before is done.
    low: Position,
    /// Done beyond `low`: where a stretch begins, and where it ends, within one segment. Neighbours are one stretch.
    ahead: BTreeMap<Position, Position>,
}

impl Progress {
    pub fn new(low: Position) -> Self {
        Self { low, ahead: BTreeMap::new() }
    }

    /// From where it was stored. A list that cannot be read counts as empty: better twice than never.
    pub fn of(mark: &Mark) -> Self {
        Self { low: mark.position, ahead: decode(mark.position, &mark.ahead).unwrap_or_default() }
    }

    pub fn mark(&self) -> Mark {
        Mark { position: self.low, ahead: encode(self.low, &self.ahead) }
    }

    /// Everything before this is done.
    pub fn low(&self) -> Position {
        self.low
    }

    /// Into how many stretches the rest is broken up.
    pub fn stretch_count(&self) -> usize {
        self.ahead.len()
    }

    /// Whether the record that begins there is done.
    pub fn has(&self, start: Position) -> bool {
        start < self.low || self.ahead.range(..=start).next_back().is_some_and(|(_, end)| start < *end && end.segment == start.segment)
    }

    /// This place is done.
    pub fn add(&mut self, place: Place) {
        let Place { mut start, mut end } = place;
        if start < self.low {
            return;
        }
        if let Some((&before, &until)) = self.ahead.range(..=start).next_back()
            && until >= start
            && until.segment == start.segment
        {
            (start, end) = (before, end.max(until));
        }
        if let Some(after) = self.ahead.remove(&end) {
            end = after;
        }
        self.ahead.insert(start, end);
    }

    /// Moves `low` over what is done; `skip` leads from the end of a segment to the beginning of the next.
    pub fn advance(&mut self, skip: impl Fn(Position) -> Position) {
        loop {
            self.low = skip(self.low);
            match self.ahead.remove(&self.low) {
                Some(end) => self.low = end,
                None => return,
            }
        }
    }
}

/// Each stretch as three numbers: segments since the one before, bytes since its end, its length.
fn encode(low: Position, ahead: &BTreeMap<Position, Position>) -> Vec<u8> {
    let (mut bytes, mut last) = (Vec::new(), low);
    for (start, end) in ahead {
        let base = if start.segment == last.segment { last.offset } else { 0 };
        for number in [start.segment - last.segment, start.offset - base, end.offset - start.offset] {
            push_number(number, &mut bytes);
        }
        last = *end;
    }
    bytes
}

fn decode(low: Position, mut bytes: &[u8]) -> Option<BTreeMap<Position, Position>> {
    let (mut ahead, mut last) = (BTreeMap::new(), low);
    while !bytes.is_empty() {
        let [segments, gap, len] = [take_number(&mut bytes)?, take_number(&mut bytes)?, take_number(&mut bytes)?];
        let base = if segments == 0 { last.offset } else { 0 };
        let start = Position { segment: last.segment.checked_add(segments)?, offset: base.checked_add(gap)? };
        last = Position { offset: start.offset.checked_add(len)?, ..start };
        ahead.insert(start, last);
    }
    Some(ahead)
}

/// Seven bits a byte, the lowest first.
fn push_number(mut number: u64, bytes: &mut Vec<u8>) {
    while number > 0x7f {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..63).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(segment: u64, offset: u64) -> Position {
        Position { segment, offset }
    }

    fn place(segment: u64, start: u64, end: u64) -> Place {
        Place { start: at(segment, start), end: at(segment, end) }
    }

    #[test]
    fn what_is_done_in_any_order_becomes_one_stretch() {
        let mut progress = Progress::new(at(1, 0));
        for n in [5, 3, 4, 1, 2, 9] {
            progress.add(place(1, n * 10, n * 10 + 10));
        }
        assert_eq!(progress.stretch_count(), 2);
        progress.advance(|low| low);
        assert_eq!(progress.low(), at(1, 0), "the first is missing");
        progress.add(place(1, 0, 10));
        progress.advance(|low| low);
        assert_eq!((progress.low(), progress.stretch_count()), (at(1, 60), 1));
        assert!(progress.has(at(1, 59)) && !progress.has(at(1, 60)) && progress.has(at(1, 95)) && !progress.has(at(1, 100)));
    }

    #[test]
    fn it_goes_on_in_the_next_segment() {
        let mut progress = Progress::new(at(1, 0));
        progress.add(place(3, 32, 40));
        progress.add(place(1, 0, 10));
        progress.advance(|low| if low == at(1, 10) { at(3, 32) } else { low });
        assert_eq!((progress.low(), progress.stretch_count()), (at(3, 40), 0));
    }

    #[test]
    fn a_mark_is_read_back_and_small() {
        let mut progress = Progress::new(at(7, 1_000));
        for n in 0..4_000 {
            progress.add(place(7 + n / 1_000, 2_000 + n % 1_000 * 30_000, 2_000 + n % 1_000 * 30_000 + 15_000));
        }
        let mark = progress.mark();
        assert!(mark.ahead.len() < 4_000 * 8, "{}", mark.ahead.len());
        let read = Progress::of(&mark);
        assert_eq!((read.low, read.ahead), (progress.low, progress.ahead));
    }

    #[test]
    fn a_list_that_cannot_be_read_counts_as_empty() {
        for ahead in [vec![0x80], vec![1], vec![1, 2], vec![0xff; 40]] {
            assert_eq!(Progress::of(&Mark { position: at(2, 32), ahead }).stretch_count(), 0);
        }
    }
}
