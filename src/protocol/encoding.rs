//! `Content-Encoding`: undoing what a client did to a body, with the output capped at every stage.
//!
//! However small the input, no stage ever holds more than the limit and a decoder's window, so a bomb costs no more than a large body.

use std::borrow::Cow;
use std::cell::RefCell;
use std::io::Read;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use flate2::{Decompress, FlushDecompress};
use memchr::memmem;

/// Most encodings that may be applied to one body; SDKs apply one.
pub const CHAIN_MAX: usize = 3;
/// Deflate cannot shrink anything further than this, so a gzip trailer that claims more is lying.
const DEFLATE_RATIO_MAX: usize = 1_032;
/// Largest window a zstd frame may ask for, as a power of two: 128 MiB, the format's own default limit.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;
/// How much of a body a glance shows: enough for the header lines of nearly every envelope, else room for long ones.
const GLANCE_BYTES: [usize; 2] = [768, 4 << 10];
/// Largest buffer a thread keeps for the next body: room for most events.
const BUFFER_KEPT: usize = 128 << 10;
/// Bytes a brotli decoder asks for at a time.
const BROTLI_BUFFER: usize = 4_096;

/// Why a body cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Decoded, it would be larger than allowed.
    #[error("the decoded body is larger than {0} bytes")]
    TooLarge(usize),
    /// It is not what its encoding says.
    #[error("the body is not valid {0}")]
    Invalid(&'static str),
    /// No client of ours uses this encoding.
    #[error("the content encoding {0:?} is not supported; use gzip, deflate, br, zstd or none")]
    Unsupported(String),
}

/// Undoes a `Content-Encoding` (`""`, `gzip`, `gzip, br`, …; applied from left to right). Input and output are at most `limit` bytes.
pub fn decode<'a>(encoding: &str, body: &'a [u8], limit: usize) -> Result<Cow<'a, [u8]>, DecodeError> {
    let codings = codings(encoding)?;
    if codings.is_empty() && body.len() > limit {
        return Err(DecodeError::TooLarge(limit));
    }
    let mut decoded = Cow::Borrowed(body);
    for coding in codings.into_iter().rev() {
        decoded = Cow::Owned(coding.undo(&decoded, limit)?);
    }
    Ok(decoded)
}

/// As [`decode`], into a buffer that the thread keeps where that is possible, and hands the result on.
pub fn with_decoded<R>(encoding: &str, body: &[u8], limit: usize, take: impl FnOnce(Result<&[u8], DecodeError>) -> R) -> R {
    thread_local! {
        static PLAIN: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    if !encoding.trim().eq_ignore_ascii_case("gzip") {
        return take(decode(encoding, body, limit).as_deref().map_err(Clone::clone));
    }
    let mut plain = PLAIN.take();
    let taken = match gunzip_whole(body, limit, &mut plain) {
        Some(size) => take(Ok(&plain[..size])),
        None => take(gunzip_members(body, limit).as_deref().map_err(Clone::clone)),
    };
    plain.truncate(BUFFER_KEPT);
    plain.shrink_to(BUFFER_KEPT);
    PLAIN.set(plain);
    taken
}

/// The beginning of a body and its length, both decoded.
#[derive(Debug, PartialEq, Eq)]
pub struct Glance {
    /// At most 4 KiB, and no more than it takes to see the first two lines.
    pub head: Vec<u8>,
    /// Of the whole, as the trailer says; nobody has verified it.
    pub len: usize,
}

/// Looks at the beginning of a gzip body without decoding the rest, which costs a fifth. `None`: decode it to know.
pub fn glance(encoding: &str, body: &[u8], limit: usize) -> Option<Glance> {
    thread_local! {
        static DEFLATE: RefCell<Decompress> = RefCell::new(Decompress::new(false));
    }
    // The plain header that compressing libraries write: no name, no comment, no extra field.
    let packed = body.strip_prefix(&[0x1f, 0x8b, 0x08, 0x00]).and_then(|rest| rest.get(6..))?;
    let len = usize::try_from(u32::from_le_bytes(*body.last_chunk::<4>()?)).ok()?;
    if !encoding.trim().eq_ignore_ascii_case("gzip") || len > limit || len > body.len().saturating_mul(DEFLATE_RATIO_MAX) {
        return None;
    }
    let mut head = Vec::new();
    DEFLATE.with_borrow_mut(|deflate| {
        deflate.reset(false);
        for room in GLANCE_BYTES {
            head.reserve_exact(room.min(len) - head.len());
            let taken = usize::try_from(deflate.total_in()).ok()?;
            deflate.decompress_vec(packed.get(taken..)?, &mut head, FlushDecompress::None).ok()?;
            if head.len() == len || memchr::memchr_iter(b'\n', &head).nth(1).is_some() {
                break;
            }
        }
        Some(())
    })?;
    Some(Glance { head, len })
}

/// Checks that a `Content-Encoding` can be undone, before a body is read.
pub fn is_supported(encoding: &str) -> bool {
    codings(encoding).is_ok()
}

/// A zlib stream of at most `limit` bytes when inflated.
pub(super) fn inflate_zlib(body: &[u8], limit: usize) -> Result<Vec<u8>, DecodeError> {
    read_capped(ZlibDecoder::new(body), body.len(), limit, "deflate")
}

#[derive(Clone, Copy)]
enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

fn codings(encoding: &str) -> Result<Vec<Coding>, DecodeError> {
    let mut codings = Vec::new();
    for name in encoding.split(',').map(str::trim) {
        match name.to_ascii_lowercase().as_str() {
            "" | "identity" => continue,
            "gzip" | "x-gzip" => codings.push(Coding::Gzip),
            "deflate" => codings.push(Coding::Deflate),
            "br" => codings.push(Coding::Brotli),
            "zstd" => codings.push(Coding::Zstd),
            _ => return Err(DecodeError::Unsupported(name.chars().take(40).collect())),
        }
        if codings.len() > CHAIN_MAX {
            return Err(DecodeError::Unsupported(format!("more than {CHAIN_MAX} encodings")));
        }
    }
    Ok(codings)
}

impl Coding {
    fn undo(self, body: &[u8], limit: usize) -> Result<Vec<u8>, DecodeError> {
        match self {
            Self::Gzip => {
                let mut plain = Vec::new();
                if gunzip_whole(body, limit, &mut plain).is_some() { Ok(plain) } else { gunzip_members(body, limit) }
            }
            Self::Deflate => inflate(body, limit),
            Self::Brotli => unbrotli(body, limit),
            Self::Zstd => unzstd(body, limit),
        }
    }
}

/// The fast path for what SDKs send: one member, decoded in one go to the beginning of a buffer that is made as large as its trailer states.
/// `None` leaves the body to [`gunzip_members`]; otherwise its size.
fn gunzip_whole(body: &[u8], limit: usize, plain: &mut Vec<u8>) -> Option<usize> {
    thread_local! {
        static DECOMPRESSOR: RefCell<libdeflater::Decompressor> = RefCell::new(libdeflater::Decompressor::new());
    }
    let trailer = body.last_chunk::<4>()?;
    let size = usize::try_from(u32::from_le_bytes(*trailer)).ok()?;
    if size == 0 || size > limit || size > body.len().saturating_mul(DEFLATE_RATIO_MAX) || may_hold_another_member(body) {
        return None;
    }
    if plain.is_empty() {
        *plain = vec![0; size]; // comes as zeroes from the system if it is large
    } else if plain.len() < size {
        plain.resize(size, 0);
    }
    let written = DECOMPRESSOR.with_borrow_mut(|decompressor| decompressor.gzip_decompress(body, &mut plain[..size])).ok()?;
    (written == size).then_some(size)
}

/// The streaming decoder, which knows several members and says what is wrong.
fn gunzip_members(body: &[u8], limit: usize) -> Result<Vec<u8>, DecodeError> {
    read_capped(MultiGzDecoder::new(body), body.len(), limit, "gzip")
}

/// The one-shot decoder would silently stop after the first member.
fn may_hold_another_member(body: &[u8]) -> bool {
    body.get(10..).is_some_and(|rest| memmem::find(rest, &[0x1f, 0x8b, 0x08]).is_some())
}

/// `deflate` means a zlib stream; some HTTP stacks send it without zlib's header.
fn inflate(body: &[u8], limit: usize) -> Result<Vec<u8>, DecodeError> {
    match inflate_zlib(body, limit) {
        Err(DecodeError::Invalid(_)) => read_capped(DeflateDecoder::new(body), body.len(), limit, "deflate"),
        done => done,
    }
}

fn unbrotli(body: &[u8], limit: usize) -> Result<Vec<u8>, DecodeError> {
    // The "large window" extension, which HTTP does not have, would let a few bytes ask for a gigabyte of window.
    if body.first().is_some_and(|first| first & 0x7f == 0x11) {
        return Err(DecodeError::Invalid("br"));
    }
    read_capped(brotli::Decompressor::new(body, BROTLI_BUFFER), body.len(), limit, "br")
}

fn unzstd(body: &[u8], limit: usize) -> Result<Vec<u8>, DecodeError> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(body).map_err(|_| DecodeError::Invalid("zstd"))?;
    let window_log = limit.checked_next_power_of_two().map_or(ZSTD_WINDOW_LOG_MAX, usize::ilog2).clamp(23, ZSTD_WINDOW_LOG_MAX);
    decoder.window_log_max(window_log).map_err(|_| DecodeError::Invalid("zstd"))?;
    read_capped(decoder, body.len(), limit, "zstd")
}

fn read_capped(decoder: impl Read, encoded_len: usize, limit: usize, name: &'static str) -> Result<Vec<u8>, DecodeError> {
    let mut plain = Vec::with_capacity(encoded_len.saturating_mul(4).min(limit));
    let cap = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    decoder.take(cap).read_to_end(&mut plain).map_err(|_| DecodeError::Invalid(name))?;
    if plain.len() > limit { Err(DecodeError::TooLarge(limit)) } else { Ok(plain) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    const LIMIT: usize = 1 << 20;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(plain: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn raw_deflate(plain: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn brotli(plain: &[u8]) -> Vec<u8> {
        let mut encoded = Vec::new();
        brotli::CompressorWriter::new(&mut encoded, BROTLI_BUFFER, 5, 22).write_all(plain).unwrap();
        encoded
    }

    fn all_encodings(plain: &[u8]) -> [(&'static str, Vec<u8>); 7] {
        [
            ("gzip", gzip(plain)),
            ("X-GZIP", gzip(plain)),
            ("deflate", zlib(plain)),
            ("deflate", raw_deflate(plain)),
            ("br", brotli(plain)),
            ("zstd", zstd::encode_all(plain, 3).unwrap()),
            ("gzip, br", brotli(&gzip(plain))),
        ]
    }

    #[test]
    fn every_encoding_gives_back_the_body() {
        for plain in [b"".as_slice(), b"{}", &[7; 100_000]] {
            for (encoding, body) in all_encodings(plain) {
                assert_eq!(decode(encoding, &body, LIMIT).as_deref(), Ok(plain), "{encoding}");
            }
        }
    }

    #[test]
    fn a_buffer_that_is_kept_shows_nothing_of_the_body_before() {
        let read = |body: &[u8]| with_decoded("gzip", body, LIMIT, |plain| plain.map(<[u8]>::to_vec));
        for plain in [vec![1; 300_000], b"{}".to_vec(), vec![2; 70_000], Vec::new(), vec![3; 69_999]] {
            assert_eq!(read(&gzip(&plain)), Ok(plain.clone()));
            assert_eq!(read(&[gzip(&plain), gzip(b"more")].concat()), Ok([&plain[..], b"more"].concat()));
            assert_eq!(with_decoded("br", &brotli(&plain), LIMIT, |read| read.map(<[u8]>::to_vec)), Ok(plain));
        }
        assert_eq!(read(&gzip(&vec![0; LIMIT + 1])), Err(DecodeError::TooLarge(LIMIT)));
        assert_eq!(read(b"no gzip"), Err(DecodeError::Invalid("gzip")));
    }

    #[test]
    fn a_glance_shows_the_beginning_and_the_length_and_believes_no_impossible_one() {
        let plain: Vec<u8> = (0..100_000_u32).flat_map(|n| n.to_le_bytes()).collect();
        let body = gzip(&plain);
        let seen = glance("gzip", &body, LIMIT).unwrap();
        assert_eq!((&seen.head[..], seen.len), (&plain[..GLANCE_BYTES[1]], plain.len()));
        for header_len in [10, 500, 766, 767, 768, 3_000] {
            let plain = format!("{}\n{{}}\n{}", "h".repeat(header_len), "x".repeat(50_000));
            let seen = glance("gzip", &gzip(plain.as_bytes()), LIMIT).unwrap();
            assert!(plain.as_bytes().starts_with(&seen.head) && seen.head.len() > header_len + 3, "{header_len}");
        }
        let seen = glance(" GZIP ", &gzip(b"{}"), LIMIT).unwrap();
        assert_eq!((&seen.head[..], seen.len), (&b"{}"[..], 2));
        assert_eq!(glance("gzip", &body, plain.len() - 1), None, "larger than allowed");
        assert_eq!(glance("gzip, gzip", &body, LIMIT), None);
        assert_eq!(glance("gzip", b"{\"not\":\"gzip\"}", LIMIT), None);
        assert_eq!(glance("gzip", &body[..8], LIMIT), None);
        let mut lying = gzip(b"hello");
        let end = lying.len();
        lying[end - 4..].copy_from_slice(&900_000u32.to_le_bytes());
        assert_eq!(glance("gzip", &lying, LIMIT), None);
    }

    #[test]
    fn a_body_without_encoding_is_not_copied() {
        for encoding in ["", "identity", " Identity , "] {
            assert!(matches!(decode(encoding, b"{}", LIMIT), Ok(Cow::Borrowed(b"{}"))), "{encoding:?}");
        }
    }

    #[test]
    fn a_bomb_is_too_large_in_every_encoding() {
        for (encoding, body) in all_encodings(&vec![0; 8 * LIMIT]) {
            assert_eq!(decode(encoding, &body, LIMIT), Err(DecodeError::TooLarge(LIMIT)), "{encoding}");
        }
        assert_eq!(decode("", &[0; 11], 10), Err(DecodeError::TooLarge(10)));
        assert_eq!(decode("gzip", &gzip(&[0; 10]), 10).map(|plain| plain.len()), Ok(10));
    }

    #[test]
    fn a_bomb_inside_a_small_wrapping_is_stopped_at_the_first_stage() {
        let body = gzip(&gzip(&vec![0; 8 * LIMIT]));
        assert_eq!(decode("gzip, gzip", &body, LIMIT), Err(DecodeError::TooLarge(LIMIT)));
        assert!(matches!(decode("gzip, gzip, gzip, gzip", &body, LIMIT), Err(DecodeError::Unsupported(_))));
    }

    #[test]
    fn all_members_of_a_gzip_file_count_even_equal_ones() {
        let body = [gzip(b"one"), gzip(b"two"), gzip(b"two")].concat();
        assert_eq!(decode("gzip", &body, LIMIT).as_deref(), Ok(b"onetwotwo".as_slice()));
        let members = gzip(&[0; 1 << 16]).repeat(32);
        assert_eq!(decode("gzip", &members, LIMIT), Err(DecodeError::TooLarge(LIMIT)));
    }

    #[test]
    fn a_lying_gzip_trailer_is_an_error_and_not_an_allocation() {
        let mut body = gzip(b"hello");
        let end = body.len();
        body[end - 4..].copy_from_slice(&1_000_000u32.to_le_bytes());
        assert_eq!(decode("gzip", &body, LIMIT), Err(DecodeError::Invalid("gzip")));
    }

    #[test]
    fn what_is_cut_short_or_something_else_is_invalid() {
        for (encoding, body) in all_encodings(b"some text that is long enough to be cut") {
            assert!(matches!(decode(encoding, &body[..body.len() - 6], LIMIT), Err(DecodeError::Invalid(_))), "{encoding}");
            assert!(matches!(decode(encoding, b"{\"event_id\":1}", LIMIT), Err(DecodeError::Invalid(_))), "{encoding}");
        }
        assert_eq!(decode("snappy", b"", LIMIT), Err(DecodeError::Unsupported("snappy".into())));
        assert!(is_supported("gzip") && !is_supported("compress"));
    }

    #[test]
    fn brotli_with_a_window_of_a_gigabyte_is_refused() {
        assert_eq!(decode("br", &[0x11, 0x1e, 0, 0], LIMIT), Err(DecodeError::Invalid("br")));
    }
}
