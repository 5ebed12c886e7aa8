//! What is hashed: the name of the rung and its parts, each with its length, so that no two lists of parts look alike.

use sha2::{Digest, Sha256};

use crate::domain::fingerprint::Hash;

/// The parts of one hash, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(Vec<String>);

impl Key {
    /// An empty key of one rung.
    pub fn new(rung: &str) -> Self {
        Self(vec!["1".to_owned(), rung.to_owned()])
    }

    /// Adds one part.
    pub fn push(&mut self, part: impl Into<String>) {
        self.0.push(part.into());
    }

    /// Adds parts under a heading.
    pub fn extend(&mut self, heading: &str, parts: &[String]) {
        self.push(heading);
        self.0.extend_from_slice(parts);
    }

    /// The first 16 bytes of the SHA-256.
    pub fn hash(&self) -> Hash {
        let mut digest = Sha256::new();
        for part in &self.0 {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part.as_bytes());
        }
        let mut short = [0; 16];
        short.copy_from_slice(&digest.finalize()[..16]);
        short
    }
}
