//! Why a line cannot be understood.

use std::fmt;

/// One thing that is wrong, where, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What is wrong: a clause.
    pub what: String,
    /// What is expected instead; may be empty.
    pub expected: String,
}

impl Fault {
    /// At a place.
    pub(super) fn at(line: usize, column: usize, what: String, expected: String) -> Self {
        Self { line, column, what, expected }
    }

    /// The fault of a line that stands somewhere in a text.
    pub(super) fn moved(self, line: usize, indent: usize) -> Self {
        Self { line, column: self.column + indent, ..self }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line {}, column {}: {}.", self.line, self.column, self.what)?;
        if self.expected.is_empty() { Ok(()) } else { write!(f, " Expected: {}.", self.expected) }
    }
}
