//! Who was affected, without keeping who it was.

use sha2::{Digest, Sha256};

/// An affected person, as 16 bytes of a SHA-256: enough to count distinct people, useless for finding them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Person(pub [u8; 16]);

impl Person {
    /// The SDK's user id, else the user name, else the e-mail address, else the IP address; `None` where the client sent none of them.
    pub fn of(id: Option<&str>, username: Option<&str>, email: Option<&str>, ip: Option<&str>) -> Option<Self> {
        [("id", id), ("username", username), ("email", email), ("ip", ip)]
            .into_iter()
            .find_map(|(kind, value)| value.filter(|value| !value.is_empty()).map(|value| Self::hash(kind, value)))
    }

    fn hash(kind: &str, value: &str) -> Self {
        let digest = Sha256::new().chain_update(kind).chain_update(":").chain_update(value).finalize();
        let mut short = [0; 16];
        short.copy_from_slice(&digest[..16]);
        Self(short)
    }
}
