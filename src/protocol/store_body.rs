//! Bodies of `/store/`: one event as JSON, as base64(JSON), or as base64(zlib(JSON)), told apart by how they begin.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::encoding::{self, DecodeError};

/// Padding may be missing: some HTTP stacks strip it.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent));

/// The JSON inside a body whose content encoding is already undone; at most `limit` bytes.
pub fn open(body: &[u8], limit: usize) -> Result<Cow<'_, [u8]>, DecodeError> {
    if body.len() > limit {
        return Err(DecodeError::TooLarge(limit));
    }
    if begins_like_json(body) {
        return Ok(Cow::Borrowed(body));
    }
    let packed = unbase64(body);
    match packed.as_deref().unwrap_or(body) {
        json if begins_like_json(json) => Ok(Cow::Owned(json.to_vec())),
        zlib => encoding::inflate_zlib(zlib, limit).map(Cow::Owned).map_err(|error| match error {
            DecodeError::Invalid(_) => DecodeError::Invalid("JSON, base64 of JSON, or base64 of zlib of JSON"),
            other => other,
        }),
    }
}

fn begins_like_json(body: &[u8]) -> bool {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start().starts_with(b"{")
}

/// Base64 of either alphabet, line breaks ignored.
fn unbase64(body: &[u8]) -> Option<Vec<u8>> {
    let plain = |byte: &u8| match byte {
        b'-' => b'+',
        b'_' => b'/',
        other => *other,
    };
    let text: Vec<u8> = body.iter().filter(|byte| !byte.is_ascii_whitespace()).map(plain).collect();
    BASE64.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const JSON: &[u8] = br#"{"message":"hello"}"#;

    fn zlib(plain: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn all_forms_give_the_json() {
        let mut wrapped = BASE64.encode(zlib(JSON));
        wrapped.insert(10, '\n');
        for body in [JSON.to_vec(), BASE64.encode(JSON).into_bytes(), wrapped.into_bytes(), zlib(JSON)] {
            assert_eq!(open(&body, 1_000).as_deref(), Ok(JSON));
        }
    }

    #[test]
    fn bombs_and_garbage_are_refused() {
        let bomb = BASE64.encode(zlib(&vec![b' '; 100_000]));
        assert_eq!(open(bomb.as_bytes(), 1_000), Err(DecodeError::TooLarge(1_000)));
        for body in ["", "hello", "eJw=", "sentry_data=%%%", "[1]"] {
            assert!(matches!(open(body.as_bytes(), 1_000), Err(DecodeError::Invalid(_))), "{body:?}");
        }
    }
}
