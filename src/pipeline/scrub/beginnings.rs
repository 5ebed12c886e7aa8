//! Telling quickly that nothing of interest begins in a text: three bytes in a row rule out nearly every place.
//!
//! Each kind of beginning has one bit in each of three lanes. A byte's entry says at which of three places it may stand for which
//! kinds, so that `first & second & third` is zero where nothing begins. No step waits for the one before.

/// Bits of a lane: as many kinds as there can be, and all of them.
const LANE: u32 = 21;
const KINDS: u64 = (1 << LANE) - 1;
/// Says of a byte that it is a letter or a digit; the one bit that is in no lane.
const COUNTS: u64 = 1 << 63;
/// Places looked at in one step, and bytes that takes.
const STEP: usize = 8;
const WINDOW: usize = STEP + 2;

/// What may stand at each of three places.
type Kind = [&'static [u8]; 3];

/// For every byte, its bits in three lanes.
pub(super) struct Table([u64; 256]);

impl Table {
    /// A table of at most 21 kinds. An empty place means any byte, and the end.
    pub(super) const fn new(kinds: &[Kind]) -> Self {
        assert!(kinds.len() <= LANE as usize, "a lane is full");
        let mut table = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            table[byte] = if (byte as u8).is_ascii_alphanumeric() { COUNTS } else { 0 };
            byte += 1;
        }
        let (mut kind, mut place) = (0, 0);
        while kind < kinds.len() {
            let bit = 1 << (place as u32 * LANE + kind as u32);
            let bytes = kinds[kind][place];
            let mut at = 0;
            while bytes.is_empty() && at < 256 {
                table[at] |= bit;
                at += 1;
            }
            at = 0;
            while at < bytes.len() {
                table[bytes[at] as usize] |= bit;
                at += 1;
            }
            place += 1;
            if place == 3 {
                (kind, place) = (kind + 1, 0);
            }
        }
        Self(table)
    }

    #[inline]
    fn of(&self, byte: u8) -> u64 {
        self.0[usize::from(byte)]
    }

    /// The first place from `from` on where something may begin, or the length.
    pub(super) fn next(&self, text: &[u8], from: usize) -> usize {
        let mut at = from;
        while let Some(bytes) = text[at..].first_chunk::<WINDOW>() {
            let [a, b, c, d, e, f, g, h, i, j] = bytes.map(|byte| self.of(byte));
            let places: [u64; STEP] = [
                begins(a, b, c),
                begins(b, c, d),
                begins(c, d, e),
                begins(d, e, f),
                begins(e, f, g),
                begins(f, g, h),
                begins(g, h, i),
                begins(h, i, j),
            ];
            if places.into_iter().fold(0, |seen, place| seen | place) & KINDS != 0 {
                return at + places.into_iter().position(|place| place & KINDS != 0).unwrap_or(0);
            }
            at += STEP;
        }
        let (mut first, mut second) = (self.at_or_end(text, at), self.at_or_end(text, at + 1));
        while at < text.len() {
            let third = self.at_or_end(text, at + 2);
            if begins(first, second, third) & KINDS != 0 {
                return at;
            }
            (first, second) = (second, third);
            at += 1;
        }
        at
    }

    /// What stands here; past the end what the byte 0 stands for.
    fn at_or_end(&self, text: &[u8], at: usize) -> u64 {
        text.get(at).map_or(self.0[0], |byte| self.of(*byte))
    }

    /// What may begin in the letters and digits of a name, whatever stands between them: a bit for each kind, in their order.
    pub(super) fn kinds_in_name(&self, name: &[u8]) -> u64 {
        let (mut first, mut second, mut seen) = (0, 0, 0);
        for byte in name {
            let third = self.of(*byte);
            seen |= begins(first, second, third);
            let counts = third & COUNTS != 0;
            (first, second) = (if counts { second } else { first }, if counts { third } else { second });
        }
        seen & KINDS
    }
}

/// The kinds of which three bytes in a row may be the beginning, in the bits of one lane; those above it mean nothing.
#[inline]
fn begins(first: u64, second: u64, third: u64) -> u64 {
    first & second >> LANE & third >> (2 * LANE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: Table = Table::new(&[[b"=", b"", b""], [b"aA", b"bB", b"0123456789"]]);

    fn all(text: &str) -> Vec<usize> {
        let next = |from: usize| Some(TABLE.next(text.as_bytes(), from)).filter(|at| *at < text.len());
        std::iter::successors(next(0), |at| next(at + 1)).collect()
    }

    #[test]
    fn beginnings_are_found_at_every_place_of_a_text_of_every_length() {
        for len in 0..40 {
            for at in 0..len {
                let mut text = "ab-".repeat(14)[..len].to_owned();
                text.replace_range(at..=at, "=");
                assert_eq!(all(&text), [at], "{text}");
                if at + 3 <= len {
                    text.replace_range(at..at + 3, "Ab7");
                    assert_eq!(all(&text), [at], "{text}");
                }
            }
        }
        assert!(all("ab").is_empty());
        assert_eq!(all("ü=é"), [2]);
    }

    #[test]
    fn what_stands_between_the_letters_of_a_name_does_not_matter() {
        for (name, kinds) in [("ab1", 2), ("x_A-b.7", 2), ("a", 0), ("ab", 0), ("a=b1", 2), ("", 0), ("axb1", 0)] {
            assert_eq!(TABLE.kinds_in_name(name.as_bytes()), kinds, "{name}");
        }
    }
}
