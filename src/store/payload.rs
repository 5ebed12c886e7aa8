//! The stored form of an event: zstd over its JSON, so that a row of a few kilobytes holds a payload of tens.

use std::cell::RefCell;

use anyhow::{Context, bail};
use zstd::bulk::Compressor;

/// zstd level: above 3 the gain on event JSON no longer pays for the time.
const LEVEL: i32 = 3;
/// The `dictionary_id` of payloads compressed without a dictionary, the only kind so far.
pub const NO_DICTIONARY: i32 = 0;
/// Largest payload that is read back, in bytes: the largest event that ingestion can be configured to take, with room for what
/// normalization adds. A row that claims more is damaged.
const DECODED_LEN_MAX: usize = 256 * 1024 * 1024;

/// Compresses the JSON of an event. Each thread keeps its tables, which cost more to set up than a small event to compress.
pub fn encode(json: &[u8]) -> Vec<u8> {
    thread_local! {
        static COMPRESSOR: RefCell<Compressor<'static>> = RefCell::new(Compressor::new(LEVEL).expect("zstd has this level"));
    }
    let mut payload = COMPRESSOR.with_borrow_mut(|compressor| compressor.compress(json)).expect("zstd compresses any bytes into memory");
    payload.shrink_to_fit(); // it has room for what cannot be compressed, and waits for its batch
    payload
}

/// The JSON of a stored event.
pub fn decode(dictionary_id: i32, stored: &[u8]) -> anyhow::Result<Vec<u8>> {
    if dictionary_id != NO_DICTIONARY {
        bail!("the event is compressed with dictionary {dictionary_id}, which this version of Bugle does not have");
    }
    let len = zstd::bulk::Decompressor::upper_bound(stored).context("the stored event is not a zstd frame")?;
    zstd::bulk::decompress(stored, len.min(DECODED_LEN_MAX)).context("unpacking a stored event")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_comes_back_as_it_was() {
        for json in [Vec::new(), b"{}".to_vec(), vec![b'x'; 3_000_000]] {
            assert_eq!(decode(NO_DICTIONARY, &encode(&json)).expect("own frames are readable"), json);
        }
    }

    #[test]
    fn damaged_rows_and_unknown_dictionaries_are_errors() {
        assert!(decode(NO_DICTIONARY, b"not zstd").is_err());
        assert!(decode(7, &encode(b"{}")).is_err());
    }
}
