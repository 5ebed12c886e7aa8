//! The result of grouping: which hashes an event has, in the order in which they decide.

use serde::{Deserialize, Serialize};

/// One grouping hash: the first 16 bytes of a SHA-256 over what contributed.
pub type Hash = [u8; 16];

/// Leads to the issue of a project that holds what there was no room for. No event has it.
pub const OVERFLOW: Hash = *b"bugle: overflow!";

/// Ordered hashes with the version of the algorithm that made them. The first hash known to the project decides the issue; unknown ones
/// are attached to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// Version of the algorithm; stored beside every hash.
    pub version: i16,
    /// At least one.
    pub hashes: Vec<Hash>,
    /// What contributed and what was ignored, for people.
    pub explanation: Explanation,
    /// What is compared with other events where no hash is known.
    pub memory: Memory,
}

/// What of an event is compared with what came before it, when none of its hashes is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Text that is all the evidence there is: may differ from a known one in a word that varies.
    pub sentence: Option<Sentence>,
    /// The deciding hash as it would be without the texts of lines: may be known with a line that was rewritten since.
    pub outline: Option<Hash>,
}

/// A sentence with its values replaced, and what it is compared within.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// The rung that decided.
    pub rung: &'static str,
    /// The logger, or the type of the exception.
    pub scope: String,
    /// The words, values replaced.
    pub text: String,
}

/// Why an event has the hashes it has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Explanation {
    /// The rung of the ladder that decided: `exception`, `message`, `custom fingerprint`, …
    pub rung: String,
    /// What took part, in the order in which it was hashed.
    pub parts: Vec<String>,
    /// What did not, and why.
    pub ignored: Vec<String>,
    /// The fingerprint rule of the project that matched.
    pub rule: Option<MatchedRule>,
}

/// A rule as it was when it matched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchedRule {
    /// Its line, from 1.
    pub line: usize,
    /// As it was written.
    pub text: String,
}
