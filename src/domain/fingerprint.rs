//! The result of grouping: which hashes an event has, in the order in which they decide.

use serde::{Deserialize, Serialize};

/// One grouping hash: the first 16 bytes of a SHA-256 over what contributed.
pub type Hash = [u8; 16];

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
}
