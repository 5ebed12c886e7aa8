//! The stored form of an event: its JSON in another order ([`layout`]), compressed by zstd against what events of its project have in
//! common. A row of a few kilobytes holds a payload of tens.
//!
//! A dictionary is plain text: what was seen lately, and behind a divider the pieces that were found in several events ([`gathering`]). Rows name
//! theirs by number; 0 is none.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, ensure};
use zstd::bulk::{Compressor, Decompressor};

mod coder;
mod gathering;
mod layout;
pub mod library;
pub mod packer;
mod pieces;

pub use coder::{Decoder, Encoder};
pub use gathering::Gathering;

/// zstd level without a dictionary: above 3 the gain on event JSON no longer pays for the time.
const LEVEL: i32 = 3;
/// The `dictionary_id` of payloads compressed without a dictionary.
pub const NO_DICTIONARY: i32 = 0;
/// Largest payload that is read back, in bytes: the largest event that ingestion can be configured to take, with room for what
/// normalization adds. A row that claims more is damaged.
const DECODED_LEN_MAX: usize = 256 * 1024 * 1024;
/// In a dictionary, between text and pieces. No JSON holds it unescaped.
const DIVIDER: u8 = 5;
/// Largest buffer a thread keeps, in bytes.
const BUFFER_KEPT: usize = 128 << 10;
/// Tables for compressing without a dictionary that are kept for the next event: more are made while more threads compress.
const IDLE_MAX: usize = 4;

static IDLE: Mutex<Vec<Compressor<'static>>> = Mutex::new(Vec::new());

/// Compresses the JSON of an event on its own.
pub fn encode(json: &[u8]) -> Vec<u8> {
    encode_moving(json, layout::locals(json).as_deref())
}

/// As [`encode`] where it is known where the locals stand.
fn encode_moving(json: &[u8], locals: Option<&[Range<usize>]>) -> Vec<u8> {
    let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let mut compressor = idle.unwrap_or_else(|| Compressor::new(LEVEL).expect("zstd has this level"));
    let payload = layout::with_folded(json, locals, |folded| compress(&mut compressor, folded));
    let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
    if idle.len() < IDLE_MAX {
        idle.push(compressor);
    }
    payload
}

/// The JSON of an event that was compressed on its own.
pub fn decode(stored: &[u8]) -> anyhow::Result<Vec<u8>> {
    let folded = unpack(&mut Decompressor::new().context("making a decompressor")?, stored)?;
    layout::unfold(folded).context("the stored event is damaged")
}

/// By way of a buffer that the thread keeps: it has room for what cannot be compressed, and the payload waits for its batch.
fn compress(compressor: &mut Compressor<'static>, folded: &[u8]) -> Vec<u8> {
    thread_local! {
        static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    let mut buffer = BUFFER.take();
    buffer.clear();
    buffer.reserve(zstd::zstd_safe::compress_bound(folded.len()));
    compressor.compress_to_buffer(folded, &mut buffer).expect("zstd compresses any bytes into memory");
    let payload = buffer.as_slice().to_vec();
    buffer.clear();
    buffer.shrink_to(BUFFER_KEPT);
    BUFFER.set(buffer);
    payload
}

fn unpack(decompressor: &mut Decompressor<'static>, stored: &[u8]) -> anyhow::Result<Vec<u8>> {
    let len = Decompressor::upper_bound(stored).context("the stored event is not a zstd frame")?;
    ensure!(len <= DECODED_LEN_MAX, "the stored event claims {len} bytes");
    decompressor.decompress(stored, len).context("unpacking a stored event")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(number: usize) -> Vec<u8> {
        let frames: Vec<String> = (0..30)
            .map(|depth| {
                let issue = number % 7;
                format!(
                    r#"{{"function":"pay_{issue}_{depth}","filename":"shop/payments/{issue}/{depth}.py","pre_context":["    def pay_{depth}(self, order):","        charge = {issue}"],"vars":{{"order":"<Order: {number}>"}}}}"#
                )
            })
            .collect();
        format!(r#"{{"event_id":"{number:032x}","exception":[{{"frames":[{}]}}]}}"#, frames.join(",")).into_bytes()
    }

    fn dictionary() -> Vec<u8> {
        let mut gathering = Gathering::default();
        (0..60).for_each(|number| gathering.add(&event(number)));
        gathering.content()
    }

    #[test]
    fn a_payload_comes_back_as_it_was() {
        let encoder = Encoder::new(&dictionary()).expect("it can be prepared");
        let decoder = Decoder::new(&dictionary()).expect("it can be prepared");
        for json in [Vec::new(), b"{}".to_vec(), vec![b'x'; 3_000_000], b"\x03\x04\x05".to_vec(), event(5), event(1_000_000)] {
            assert_eq!(decode(&encode(&json)).expect("own frames are readable"), json);
            assert_eq!(decoder.decode(&encoder.encode(&json)).expect("own frames are readable"), json);
        }
    }

    #[test]
    fn a_dictionary_spares_what_events_have_in_common() {
        let encoder = Encoder::new(&dictionary()).expect("it can be prepared");
        let (alone, together) = (encode(&event(777)).len(), encoder.encode(&event(777)).len());
        assert!(together * 2 < alone, "{together} with the dictionary, {alone} without");
    }

    #[test]
    fn dictionaries_and_payloads_of_older_versions_are_read() {
        let mut older = dictionary();
        let divider = older.iter().position(|byte| *byte == DIVIDER).expect("a divider");
        older.remove(divider);
        let folded = layout::fold(&event(9)).into_owned();
        let payload = Compressor::with_dictionary(3, &older).expect("it can be prepared").compress(&folded).expect("in memory");
        assert_eq!(Decoder::new(&older).expect("it can be prepared").decode(&payload).expect("readable"), event(9));
        let again = Encoder::new(&older).expect("it can be prepared").encode(&event(9));
        assert_eq!(Decoder::new(&older).expect("it can be prepared").decode(&again).expect("readable"), event(9));
    }

    #[test]
    fn the_same_event_becomes_the_same_bytes() {
        let encoder = Encoder::new(&dictionary()).expect("it can be prepared");
        encoder.encode(&event(1));
        assert_eq!(encoder.encode(&event(2)), Encoder::new(&dictionary()).expect("it can be prepared").encode(&event(2)));
    }

    #[test]
    fn damaged_rows_and_the_wrong_dictionary_are_errors() {
        assert!(decode(b"not zstd").is_err());
        let payload = Encoder::new(&dictionary()).expect("it can be prepared").encode(&event(3));
        assert!(decode(&payload).is_err());
        let other = Decoder::new(b"something else altogether, with too little in it").expect("it can be prepared");
        assert!(other.decode(&payload).map_or(true, |json| json != event(3)));
    }

    #[test]
    fn a_bomb_is_refused_by_what_it_claims() {
        let mut frame = zstd::bulk::compress(&vec![0; 300 << 20], 1).expect("zstd compresses");
        assert!(frame.len() < 1 << 20);
        assert!(decode(&frame).is_err());
        frame.truncate(100);
        assert!(decode(&frame).is_err());
    }
}
