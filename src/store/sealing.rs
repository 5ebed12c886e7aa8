//! Keeping what may hold secrets so that the database alone does not tell them: encrypted under the secret of the installation.

use anyhow::ensure;
use hmac::{Hmac, KeyInit, Mac};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::Sha256;

/// What a key is for goes into it: what is sealed as one thing opens as nothing else.
const PURPOSE: &[u8] = b"bugle: dead letters, 1";

/// What bodies of dead letters are sealed with. Never printed.
#[derive(Clone, Copy)]
pub struct SealKey([u8; 32]);

impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealKey(…)")
    }
}

impl SealKey {
    /// Derives it from the secret of the installation.
    pub fn of(secret: &[u8]) -> Self {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
        mac.update(PURPOSE);
        Self(mac.finalize().into_bytes().into())
    }

    /// Encrypts: a random nonce, then what AES-256-GCM makes of it.
    pub fn seal(&self, plain: &[u8]) -> anyhow::Result<Vec<u8>> {
        let nonce: [u8; NONCE_LEN] = rand::random();
        let mut sealed = plain.to_vec();
        let done = self.cipher().seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed);
        ensure!(done.is_ok(), "{} bytes are too many to encrypt", plain.len());
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Decrypts; `None` for what was sealed with another key, or changed.
    pub fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut plain = rest.to_vec();
        let len = self.cipher().open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::empty(), &mut plain).ok()?.len();
        plain.truncate(len);
        Some(plain)
    }

    fn cipher(&self) -> LessSafeKey {
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &self.0).expect("the key has the length the cipher asks for"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_secret_opens_what_was_sealed() {
        let (key, other) = (SealKey::of(b"one secret"), SealKey::of(b"another secret"));
        for plain in [b"".as_slice(), b"password=hunter2", &[0; 100_000]] {
            let sealed = key.seal(plain).unwrap();
            assert!(plain.is_empty() || !sealed.windows(7).any(|window| window == b"hunter2"));
            assert_eq!(key.open(&sealed).as_deref(), Some(plain));
            assert_eq!(other.open(&sealed), None);
            assert_ne!(sealed, key.seal(plain).unwrap(), "the same text twice looks the same");
            let mut changed = sealed.clone();
            changed[NONCE_LEN] ^= 1;
            assert_eq!(key.open(&changed), None);
        }
        assert_eq!(key.open(b"short"), None);
        assert_eq!(format!("{key:?}"), "SealKey(…)");
    }
}
