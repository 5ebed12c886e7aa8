//! Makes a dictionary of sampled events: what several of them have in common, once. Needs no training, one pass and little memory.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};

use super::layout;

/// Largest dictionary, in bytes. Prepared for use it takes about twice that.
const CONTENT_LEN_MAX: usize = 5 << 19;
/// Of it, for pieces seen only once: names and values that turn up in other company.
const LEFTOVERS_LEN_MAX: usize = 96 << 10;
/// Shorter pieces are joined with what follows.
const PIECE_LEN_MIN: usize = 32;
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
    /// Pieces seen at least twice, in the order in which that was noticed: neighbours stay neighbours.
    recurring: Vec<u8>,
    /// The latest pieces seen once.
    leftovers: Vec<u8>,
    event_count: u32,
}

#[derive(Clone, Copy, Default)]
struct Piece {
    last_event: u32,
    count: u32,
    /// In `recurring`; length 0: not there.
    at: u32,
    len: u32,
}

impl Gathering {
    /// Looks at one more event.
    pub fn add(&mut self, json: &[u8]) {
        self.event_count += 1;
        self.forget();
        let folded = layout::fold(json);
        for piece in pieces(&folded).filter(|piece| piece.len() <= PIECE_LEN_MAX) {
            self.note(piece);
        }
        let surplus = self.leftovers.len().saturating_sub(LEFTOVERS_LEN_MAX);
        self.leftovers.drain(..surplus);
    }

    /// How many events it has looked at.
    pub fn event_count(&self) -> u32 {
        self.event_count
    }

    fn note(&mut self, piece: &[u8]) {
        let mut hasher = DefaultHasher::new();
        hasher.write(piece);
        let is_full = self.seen.len() >= PIECES_MAX;
        let seen = match self.seen.entry(hasher.finish()) {
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
            2 if self.recurring.len() + piece.len() <= CONTENT_LEN_MAX - LEFTOVERS_LEN_MAX => {
                (seen.at, seen.len) = (self.recurring.len() as u32, piece.len() as u32);
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

    /// The dictionary: what was seen most often comes last, where zstd reaches it most cheaply.
    pub fn content(self) -> Vec<u8> {
        let mut kept: Vec<Piece> = self.seen.into_values().filter(|piece| piece.len > 0).collect();
        kept.sort_unstable_by_key(|piece| (piece.count.ilog2(), piece.at));
        let mut content = self.leftovers;
        content.reserve_exact(self.recurring.len());
        for piece in kept {
            content.extend_from_slice(&self.recurring[piece.at as usize..(piece.at + piece.len) as usize]);
        }
        content
    }
}

/// Cuts behind objects and lists and before nested ones: frames, locals, breadcrumbs, lists of modules.
fn pieces(folded: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = folded;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let is_cut = |at: usize| match rest[at - 1] {
            b',' => matches!(rest[at - 2], b'}' | b']'),
            b':' => matches!(rest.get(at), Some(b'{' | b'[')),
            byte => byte < b' ',
        };
        let at = (PIECE_LEN_MIN..rest.len()).find(|at| is_cut(*at)).unwrap_or(rest.len());
        let (piece, left) = rest.split_at(at);
        rest = left;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_whole_in_the_same_order() {
        let json = br#"{"modules":{"django":"5.1","celery":"5.4.0"},"frames":[{"function":"a","lineno":1},{"function":"b","lineno":2}],"tags":[["a","b"]]}"#;
        let cut: Vec<&[u8]> = pieces(json).collect();
        assert_eq!(cut.concat(), json);
        assert!(cut.len() > 2);
        assert!(cut.iter().rev().skip(1).all(|piece| piece.len() >= PIECE_LEN_MIN));
    }

    #[test]
    fn what_recurs_comes_once_and_last() {
        let mut gathering = Gathering::default();
        for number in 0..10 {
            let unique =
                format!(r#"{{"only":"in event {number} and nowhere else at all"}},{{"in":"every event of all these events"}},{{}}"#);
            gathering.add(unique.as_bytes());
        }
        let content = String::from_utf8(gathering.content()).expect("text");
        assert_eq!(content.matches("every event").count(), 2, "once among the leftovers, once as recurring: {content}");
        assert!(content.find("only").expect("a leftover") < content.rfind("every event").expect("recurring"));
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
