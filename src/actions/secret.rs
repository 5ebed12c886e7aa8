//! Random tokens for cookies and links. The holder has the text, the database only its SHA-256.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngCore as _;
use sha2::{Digest as _, Sha256};

/// Longest text that can be a token; longer ones are not hashed.
const TOKEN_LEN_MAX: usize = 128;

/// A new token of 256 random bits, and what to keep of it.
pub fn new() -> (String, Vec<u8>) {
    let mut bytes = [0u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    let token = URL_SAFE_NO_PAD.encode(bytes);
    let hash = hash(&token);
    (token, hash)
}

/// What the database keeps of a token. A text that cannot be one gives a hash that none has.
pub fn hash(token: &str) -> Vec<u8> {
    if token.len() > TOKEN_LEN_MAX {
        return Vec::new();
    }
    Sha256::digest(token.as_bytes()).to_vec()
}
