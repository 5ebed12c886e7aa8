//! Pieces of events, cut at their brackets, and those a dictionary knows: in an event that is compressed they stand as their number, often as
//! "the next one". Half of an event is the same in all events of its issue, and this is cheaper than any search for it.

use std::ops::Range;

use memchr::memchr2;

/// Shorter pieces are joined with what follows.
const LEN_MIN: usize = 32;
/// Stands before the number of a piece, which has three bytes, the lowest first. No JSON holds it unescaped.
const NUMBERED: u8 = 3;
/// Stands for the piece after the one before.
const NEXT: u8 = 4;
/// Places that are looked at for a piece: those that find none in so many are not found again.
const PROBES_MAX: usize = 8;
/// The tag of an empty place.
const EMPTY: u8 = 0;

/// The first piece of a text, brackets and commas included. Where it ends does not depend on what comes after it. `None`: the rest, which nothing ends.
fn first(text: &[u8]) -> Option<&[u8]> {
    let mut at = LEN_MIN - 2;
    loop {
        at += next_sign(text.get(at..)?)?;
        let end = match text[at] {
            b'{' | b'[' if text[at - 1] == b':' => at + 1,
            b'}' | b']' if text.get(at + 1) == Some(&b',') => at + 2,
            0..b' ' => at + 1,
            _ => 0,
        };
        if end >= LEN_MIN {
            return Some(&text[..end]);
        }
        at += 1;
    }
}

/// Where the next bracket or control character is, or something that looks like one: eight bytes at a time.
fn next_sign(text: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES << 7;
    // The brackets, square or curly, opening or closing, are alike but for these bits.
    let (alike, bracket) = (ONES * 0xd9, ONES * 0x59);
    let (words, rest) = text.as_chunks();
    for (count, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let brackets = (word & alike) ^ bracket;
        let signs = (brackets.wrapping_sub(ONES) & !brackets | word.wrapping_sub(ONES * 0x20) & !word) & HIGH;
        if signs != 0 {
            return Some(count * 8 + (signs.trailing_zeros() / 8) as usize);
        }
    }
    let at = rest.iter().position(|byte| byte & 0xd9 == 0x59 || *byte < b' ')?;
    Some(text.len() - rest.len() + at)
}

/// All pieces that end, in order.
pub(super) fn cut(mut text: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let piece = first(text)?;
        text = &text[piece.len()..];
        Some(piece)
    })
}

/// Any eight bytes of the hash of a piece. Whoever could make pieces with the same hash would only be compressed worse.
pub(super) fn hash(piece: &[u8]) -> u64 {
    let mix = |state: u64, block: &[u8; 16]| {
        let block = u128::from_le_bytes(*block);
        #[expect(clippy::cast_possible_truncation, reason = "one half each")]
        let (low, high) = (block as u64, (block >> 64) as u64);
        let product = u128::from(state ^ low ^ 0x9e37_79b9_7f4a_7c15) * u128::from(high ^ 0xd6e8_feb8_6659_fd93);
        #[expect(clippy::cast_possible_truncation, reason = "both halves are put together")]
        let folded = product as u64 ^ (product >> 64) as u64;
        folded
    };
    let (blocks, _) = piece.as_chunks();
    let state = blocks.iter().fold(piece.len() as u64, mix);
    piece.last_chunk().map_or(state, |last| mix(state, last))
}

/// The pieces of a dictionary by their numbers.
pub(super) struct Pieces {
    text: Box<[u8]>,
    /// Where they begin, and where the last one ends.
    starts: Vec<u32>,
}

impl Pieces {
    /// Those of a text that was put together of pieces.
    pub(super) fn of(text: &[u8]) -> Self {
        let mut starts = vec![0];
        let mut end = 0;
        for piece in cut(text) {
            end += piece.len();
            starts.push(u32::try_from(end).unwrap_or(u32::MAX));
        }
        Self { text: text.into(), starts }
    }

    /// About how many bytes of memory they take.
    pub(super) fn memory_len(&self) -> usize {
        self.text.len() + 4 * self.starts.len()
    }

    fn len(&self) -> usize {
        self.starts.len() - 1
    }

    fn get(&self, number: usize) -> Option<&[u8]> {
        let range: Range<usize> = *self.starts.get(number)? as usize..*self.starts.get(number + 1)? as usize;
        self.text.get(range)
    }

    /// Puts the pieces back where their numbers stand. `None`: these are not their numbers, or it becomes longer than `len_max`.
    pub(super) fn expand(&self, text: &[u8], len_max: usize) -> Option<Vec<u8>> {
        let mut whole = Vec::with_capacity(4 * text.len());
        let (mut rest, mut next) = (text, usize::MAX);
        while let Some(at) = memchr2(NUMBERED, NEXT, rest) {
            whole.extend_from_slice(&rest[..at]);
            let (mark, after) = rest[at..].split_first()?;
            let mut number = next;
            rest = after;
            if *mark == NUMBERED {
                let (bytes, after) = rest.split_first_chunk::<3>()?;
                number = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]) as usize;
                rest = after;
            }
            whole.extend_from_slice(self.get(number)?);
            next = number + 1;
            if whole.len() + rest.len() > len_max {
                return None;
            }
        }
        whole.extend_from_slice(rest);
        Some(whole)
    }
}

/// Finds the number of a piece.
pub(super) struct Finder {
    pieces: Pieces,
    /// One byte of the hash of the piece at each place: what nobody knows is told by these alone, which fit the caches of a processor.
    tags: Box<[u8]>,
    numbers: Box<[u32]>,
}

impl Finder {
    /// Prepares it.
    pub(super) fn new(pieces: Pieces) -> Self {
        let place_count = (2 * pieces.len()).next_power_of_two();
        let (mut tags, mut numbers) = (vec![EMPTY; place_count].into_boxed_slice(), vec![0; place_count].into_boxed_slice());
        for number in 0..pieces.len() {
            let Some(piece) = pieces.get(number) else { continue };
            let (tag, places) = places(hash(piece), place_count);
            let free = places.into_iter().find(|place| tags[*place] == EMPTY);
            if let (Some(place), Ok(number)) = (free, u32::try_from(number)) {
                (tags[place], numbers[place]) = (tag, number);
            }
        }
        Self { pieces, tags, numbers }
    }

    /// About how many bytes of memory it takes.
    pub(super) fn memory_len(&self) -> usize {
        self.pieces.memory_len() + (size_of::<u8>() + size_of::<u32>()) * self.tags.len()
    }

    fn find(&self, piece: &[u8]) -> Option<usize> {
        let (tag, places) = places(hash(piece), self.tags.len());
        let taken = places.into_iter().take_while(|place| self.tags[*place] != EMPTY);
        let mut numbers = taken.filter(|place| self.tags[*place] == tag).map(|place| self.numbers[place] as usize);
        numbers.find(|number| self.pieces.get(*number) == Some(piece))
    }

    /// Appends a text with numbers where it holds pieces that are known. It must hold no control characters of this module.
    pub(super) fn replace(&self, text: &[u8], out: &mut Vec<u8>) {
        let (mut rest, mut next) = (text, usize::MAX);
        loop {
            // Where a piece ends does not depend on what follows: what begins like a known one has it as its first.
            if let Some(expected) = self.pieces.get(next)
                && rest.starts_with(expected)
            {
                out.push(NEXT);
                rest = &rest[expected.len()..];
                next += 1;
                continue;
            }
            let Some(piece) = first(rest) else { break };
            rest = &rest[piece.len()..];
            match self.find(piece) {
                Some(number) => {
                    #[expect(clippy::cast_possible_truncation, reason = "pieces of some bytes each in a text of megabytes")]
                    let [low, middle, high, _] = (number as u32).to_le_bytes();
                    out.extend_from_slice(&[NUMBERED, low, middle, high]);
                    next = number + 1;
                }
                None => out.extend_from_slice(piece),
            }
        }
        out.extend_from_slice(rest);
    }
}

/// What tells most pieces apart that share a place, and the places of a hash in the order in which they are looked at.
fn places(hash: u64, place_count: usize) -> (u8, [usize; PROBES_MAX]) {
    #[expect(clippy::cast_possible_truncation, reason = "any bits will do")]
    let (tag, start) = ((hash >> 56) as u8, hash as usize);
    (tag.max(EMPTY + 1), std::array::from_fn(|probe| (start + probe) & (place_count - 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &[u8] = br#"{"modules":{"django":"5.1","celery":"5.4.0","y_":"_Y"},"frames":[{"function":"a","lineno":1,"module":"shop.pay"},{"function":"b","lineno":2,"module":"shop"}],"tags":[["a","b"]],"rest":"of it"}"#;

    #[test]
    fn pieces_are_the_whole_but_for_its_end_in_the_same_order() {
        let pieces: Vec<&[u8]> = cut(JSON).collect();
        assert!(pieces.len() == 3 && JSON.starts_with(&pieces.concat()), "{pieces:?}");
        assert!(pieces.iter().all(|piece| piece.len() >= LEN_MIN));
        assert_eq!(cut(&pieces.concat()).collect::<Vec<_>>(), pieces, "they can be cut out again");
        for (number, piece) in pieces.iter().enumerate() {
            let alone = [pieces[number], pieces[0], b"x"].concat();
            assert_eq!(first(&alone), Some(*piece), "whatever follows");
        }
    }

    #[test]
    fn signs_are_found_at_every_place() {
        for byte in 0..=u8::MAX {
            let is_sign = byte & 0xd9 == 0x59 || byte < b' ';
            for place in 0..20 {
                let mut text = [b'a'; 20];
                text[place] = byte;
                assert_eq!(next_sign(&text), is_sign.then_some(place), "{byte} at {place}");
            }
        }
    }

    #[test]
    fn what_is_replaced_comes_back_whatever_is_known_of_it() {
        let pieces: Vec<&[u8]> = cut(JSON).collect();
        for known in [vec![], pieces.clone(), pieces.iter().rev().copied().collect(), vec![pieces[1], pieces[1]], vec![pieces[2]]] {
            let finder = Finder::new(Pieces::of(&known.concat()));
            for text in [JSON, b"", b"{}", &JSON[7..], &JSON[..120], &[JSON, JSON].concat()] {
                let mut replaced = Vec::new();
                finder.replace(text, &mut replaced);
                assert_eq!(finder.pieces.expand(&replaced, 10_000).as_deref(), Some(text));
            }
        }
        let mut replaced = Vec::new();
        Finder::new(Pieces::of(&pieces.concat())).replace(JSON, &mut replaced);
        assert!(replaced.len() < pieces.len() + 60, "{}", String::from_utf8_lossy(&replaced));
    }

    #[test]
    fn numbers_that_nobody_gave_are_refused_and_nothing_grows_without_end() {
        let pieces = Pieces::of(&cut(JSON).collect::<Vec<_>>().concat());
        for damaged in [&b"\x04"[..], b"\x03", b"\x03\0\0", b"\x03\xff\xff\xff", b"\x03\xff\xff\0"] {
            assert_eq!(pieces.expand(damaged, 10_000), None);
        }
        assert_eq!(pieces.expand(&b"\x03\0\0\0".repeat(1_000), 10_000), None);
        assert!(Pieces::of(b"").expand(b"{}", 10).is_some());
    }

    #[test]
    fn pieces_that_share_all_places_are_found_or_left_as_they_are() {
        let many: Vec<Vec<u8>> = (0..20_000).map(|n| format!(r#"{{"a piece of its own, number":"{n}"}},"#).into_bytes()).collect();
        let finder = Finder::new(Pieces::of(&many.concat()));
        let found = many.iter().filter(|piece| finder.find(piece).is_some()).count();
        assert!(found > many.len() * 99 / 100, "{found}");
        assert!(finder.find(br#"{"a piece of its own, number":"x"},"#).is_none());
    }
}
