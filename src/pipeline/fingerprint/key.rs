//! What is hashed: the name of the rung and its parts, each with its length, so that no two lists of parts look alike.

use sha2::{Digest, Sha256};

use crate::domain::fingerprint::Hash;

/// The parts of one hash, in order, each behind its length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(Vec<u8>);

impl Key {
    /// An empty key of one rung.
    pub fn new(rung: &str) -> Self {
        let mut key = Self(Vec::with_capacity(4_096));
        key.push("1");
        key.push(rung);
        key
    }

    /// Adds one part.
    pub fn push(&mut self, part: &str) {
        self.0.extend_from_slice(&(part.len() as u64).to_be_bytes());
        self.0.extend_from_slice(part.as_bytes());
    }

    /// Adds parts under a heading.
    pub fn extend(&mut self, heading: &str, parts: &[impl AsRef<str>]) {
        self.push(heading);
        parts.iter().for_each(|part| self.push(part.as_ref()));
    }

    /// The first 16 bytes of the SHA-256.
    pub fn hash(&self) -> Hash {
        let mut short = [0; 16];
        short.copy_from_slice(&Sha256::digest(&self.0)[..16]);
        short
    }
}
