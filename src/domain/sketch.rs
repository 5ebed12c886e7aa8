//! About how many different people, in at most 2 KiB, and without anybody's name: hashes while they are few, then a HyperLogLog. Sketches of
//! hours can be joined to those of days, which numbers cannot.

/// Hashes that are kept as they are; up to here the count is exact.
const EXACT_MAX: usize = 255;
/// Registers of the HyperLogLog: a standard error of 1.04 / √2048 = 2.3 %.
const REGISTERS: usize = 2_048;
const INDEX_BITS: u32 = 11;

/// A set of hashes that forgets them when they become many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sketch {
    /// Sorted, each once.
    Exact(Vec<u64>),
    /// The highest rank of each register.
    Dense(Vec<u8>),
}

impl Default for Sketch {
    fn default() -> Self {
        Self::Exact(Vec::new())
    }
}

impl Sketch {
    /// Adds a hash, which must be evenly spread.
    pub fn add(&mut self, hash: u64) {
        match self {
            Self::Dense(registers) => register(registers, hash),
            Self::Exact(hashes) => {
                if let Err(place) = hashes.binary_search(&hash) {
                    hashes.insert(place, hash);
                }
                if hashes.len() > EXACT_MAX {
                    let mut registers = vec![0; REGISTERS];
                    hashes.iter().for_each(|hash| register(&mut registers, *hash));
                    *self = Self::Dense(registers);
                }
            }
        }
    }

    /// Adds all of another.
    pub fn join(&mut self, other: &Self) {
        match (&mut *self, other) {
            (_, Self::Exact(hashes)) => hashes.iter().for_each(|hash| self.add(*hash)),
            (Self::Dense(ours), Self::Dense(theirs)) => ours.iter_mut().zip(theirs).for_each(|(ours, theirs)| *ours = (*ours).max(*theirs)),
            (Self::Exact(hashes), Self::Dense(theirs)) => {
                let mut registers = theirs.clone();
                hashes.iter().for_each(|hash| register(&mut registers, *hash));
                *self = Self::Dense(registers);
            }
        }
    }

    /// How many different ones were added.
    pub fn count(&self) -> i64 {
        match self {
            Self::Exact(hashes) => i64::try_from(hashes.len()).unwrap_or(i64::MAX),
            Self::Dense(registers) => estimate(registers),
        }
    }

    /// As stored: the hashes, 8 bytes each, or the registers.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Exact(hashes) => hashes.iter().flat_map(|hash| hash.to_be_bytes()).collect(),
            Self::Dense(registers) => registers.clone(),
        }
    }

    /// Reads what was stored; what is none is empty.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        if bytes.len() == REGISTERS {
            return Self::Dense(bytes.to_vec());
        }
        Self::Exact(bytes.as_chunks::<8>().0.iter().map(|hash| u64::from_be_bytes(*hash)).collect())
    }
}

fn register(registers: &mut [u8], hash: u64) {
    let place = usize::try_from(hash >> (64 - INDEX_BITS)).unwrap_or(0);
    let rank = u8::try_from((hash << INDEX_BITS).leading_zeros().min(64 - INDEX_BITS) + 1).unwrap_or(u8::MAX);
    registers[place] = registers[place].max(rank);
}

#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "an estimate of at most 2^64 people")]
fn estimate(registers: &[u8]) -> i64 {
    let size = REGISTERS as f64;
    let sum: f64 = registers.iter().map(|rank| (-f64::from(*rank)).exp2()).sum();
    let raw = 0.7213 / (1.0 + 1.079 / size) * size * size / sum;
    let empty = registers.iter().filter(|rank| **rank == 0).count() as f64;
    let counted = if raw <= 2.5 * size && empty > 0.0 { size * (size / empty).ln() } else { raw };
    counted.round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Evenly spread numbers (splitmix64).
    fn hash(n: u64) -> u64 {
        let mut z = (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn of(range: std::ops::Range<u64>) -> Sketch {
        let mut sketch = Sketch::default();
        range.for_each(|n| sketch.add(hash(n)));
        sketch
    }

    #[test]
    fn few_are_counted_exactly_and_many_within_a_few_percent() {
        for count in [0, 1, 100, 255] {
            assert_eq!(of(0..count).count(), i64::try_from(count).expect("small"));
        }
        for count in [256_u64, 1_000, 5_000, 20_000, 300_000] {
            let found = of(0..count).count().unsigned_abs();
            assert!(found.abs_diff(count) * 100 <= count * 7, "{found} of {count}");
        }
        assert_eq!(of(0..200).count(), {
            let mut twice = of(0..200);
            twice.join(&of(0..200));
            twice.count()
        });
    }

    #[test]
    fn joined_and_stored_sketches_are_those_of_all() {
        for (a, b) in [(0..100, 50..200), (0..100, 50..2_000), (0..2_000, 50..100), (0..9_000, 5_000..20_000)] {
            let mut joined = of(a.clone());
            joined.join(&of(b.clone()));
            assert_eq!(joined, of(a.start..b.end.max(a.end)), "{a:?} {b:?}");
            assert_eq!(Sketch::of_bytes(&joined.to_bytes()), joined);
            assert!(joined.to_bytes().len() <= REGISTERS);
        }
        assert_eq!(Sketch::of_bytes(b"odd").count(), 0);
    }
}
