//! Makes a dictionary of sampled events: what several of them have in common, once. Needs no training, one pass and little memory.

use std::collections::HashMap;

use super::{DIVIDER, layout, pieces};

/// Largest dictionary, in bytes. Prepared for use it takes half as much again.
const CONTENT_LEN_MAX: usize = 3 << 20;
/// Of it, for pieces seen only once: names and values that turn up in other company, which zstd looks for.
const LEFTOVERS_LEN_MAX: usize = 128 << 10;
/// Longer pieces are rather data than structure.
const PIECE_LEN_MAX: usize = 32 << 10;
/// Pieces that are remembered, some 4 MB.
const PIECES_MAX: usize = 110_000;
/// Once too many are remembered, those seen only once and not within so many events are forgotten.
const FRESH: u32 = 64;

/// What was seen so far.
#[derive(Default)]
pub struct Gathering {
    seen: HashMap<u64, Piece>,
    /// Pieces seen at least twice, in the order in which that was noticed: neighbours stay neighbours, and are told as "the next one".
    recurring: Vec<u8>,
    /// The latest pieces seen once.
    leftovers: Vec<u8>,
    event_count: u32,
}

#[derive(Clone, Copy, Default)]
struct Piece {
    last_event: u32,
    count: u32,
}

impl Gathering {
    /// Looks at one more event.
    pub fn add(&mut self, json: &[u8]) {
        self.event_count += 1;
        self.forget();
        let folded = layout::fold(json);
        if !layout::is_as_it_was(&folded) {
            pieces::cut(&folded).filter(|piece| piece.len() <= PIECE_LEN_MAX).for_each(|piece| self.note(piece));
        }
        let surplus = self.leftovers.len().saturating_sub(LEFTOVERS_LEN_MAX);
        self.leftovers.drain(..surplus);
    }

    /// How many events it has looked at.
    pub fn event_count(&self) -> u32 {
        self.event_count
    }

    fn note(&mut self, piece: &[u8]) {
        let is_full = self.seen.len() >= PIECES_MAX;
        let seen = match self.seen.entry(pieces::hash(piece)) {
            std::collections::hash_map::Entry::Vacant(_) if is_full => return,
            entry => entry.or_default(),
        };
        if seen.last_event == self.event_count {
            return;
        }
        seen.last_event = self.event_count;
        seen.count += 1;
        match seen.count {
            1 => self.leftovers.extend_from_slice(piece),
            2 if self.recurring.len() + piece.len() < CONTENT_LEN_MAX - LEFTOVERS_LEN_MAX => {
                self.recurring.extend_from_slice(piece);
            }
            _ => {}
        }
    }

    fn forget(&mut self) {
        if self.seen.len() >= PIECES_MAX {
            let oldest = self.event_count.saturating_sub(FRESH);
            self.seen.retain(|_, piece| piece.count > 1 || piece.last_event > oldest);
        }
    }

    /// The dictionary: what was seen once, then the pieces.
    pub fn content(self) -> Vec<u8> {
        let mut content = self.leftovers;
        content.reserve_exact(1 + self.recurring.len());
        content.push(DIVIDER);
        content.extend_from_slice(&self.recurring);
        content
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_recurs_comes_once_behind_the_divider() {
        let mut gathering = Gathering::default();
        for number in 0..10 {
            let unique =
                format!(r#"{{"only":"in event {number} and nowhere else at all"}},{{"in":"every event of all these events"}},{{}}"#);
            gathering.add(unique.as_bytes());
        }
        let content = String::from_utf8(gathering.content()).expect("text");
        let (once, recurring) = content.split_once(char::from(DIVIDER)).expect("a divider");
        assert_eq!(recurring, r#"{"in":"every event of all these events"},"#);
        assert!(once.contains("in event 9") && once.matches("every event").count() == 1, "{once}");
    }

    #[test]
    fn it_is_bounded_whatever_it_is_fed() {
        let mut gathering = Gathering::default();
        for number in 0..40_u64 {
            let frames: Vec<String> = (0..8_000_u64)
                .map(|frame| format!(r#"{{"function":"f{}","here":"twice at least"}}"#, (number / 2) * 8_000 + frame))
                .collect();
            gathering.add(frames.join(",").as_bytes());
        }
        assert!(gathering.seen.len() <= PIECES_MAX + 8_001);
        assert!(gathering.content().len() <= CONTENT_LEN_MAX);
    }
}
