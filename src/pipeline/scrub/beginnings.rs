//! Telling quickly that nothing of interest begins in a text: three bytes in a row rule out nearly every place.
//!
//! Each kind of beginning has one bit in each of three lanes. A byte's entry says at which of three places it may stand for which
//! kinds, so that `first & second & third` is zero where nothing begins. No step waits for the one before.

/// Bits of a lane: as many kinds as there can be.
const LANE: u32 = 21;
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

    fn of(&self, byte: u8) -> u64 {
        self.0[usize::from(byte)]
    }

    /// The first place from `from` on where something may begin, or the length.
    pub(super) fn next(&self, text: &[u8], from: usize) -> usize {
        let mut at = from;
        while let Some(bytes) = text[at..].first_chunk::<WINDOW>() {
            let bits: [u64; WINDOW] = std::array::from_fn(|place| self.of(bytes[place]));
            let of = |place: usize| begins(bits[place], bits[place + 1], bits[place + 2]);
            if (0..STEP).fold(0, |seen, place| seen | of(place)) != 0 {
                return at + (0..STEP).position(|place| of(place) != 0).unwrap_or(0);
            }
            at += STEP;
        }
        let (mut first, mut second) = (self.at_or_end(text, at), self.at_or_end(text, at + 1));
        while at < text.len() {
            let third = self.at_or_end(text, at + 2);
            if begins(first, second, third) != 0 {
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
            if byte.is_ascii_alphanumeric() {
                (first, second) = (second, third);
            }
        }
        seen
    }
}

/// The kinds of which three bytes in a row may be the beginning.
fn begins(first: u64, second: u64, third: u64) -> u64 {
    first & second >> LANE & third >> (2 * LANE)
}
