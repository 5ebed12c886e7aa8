//! The versions of the algorithm.

/// A version. The number is stored beside every hash it makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// The first.
    One = 1,
    /// Knows middleware and wrappers by what they call, values after `=`, log lines of `key=value` pairs, codes of currencies, cycles of
    /// functions over several modules, overflowing stacks, and reads the text where a stack shows nothing but libraries of JavaScript.
    Two = 2,
}

impl Version {
    /// What new projects start with.
    pub const NEWEST: Self = Self::Two;

    /// As it is stored.
    pub fn number(self) -> i16 {
        self as i16
    }

    /// The version of a number; the newest for one of a later release.
    pub fn of(number: i16) -> Self {
        match number {
            ..=1 => Self::One,
            _ => Self::Two,
        }
    }
}
