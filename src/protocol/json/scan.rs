//! Finding what ends or interrupts a plain text, many bytes at a time.

/// How many bytes there are before the first quote, backslash or control character.
#[inline]
pub(super) fn plain_len(bytes: &[u8]) -> usize {
    let (blocks, rest) = bytes.as_chunks();
    for (count, block) in blocks.iter().enumerate() {
        if let Some(at) = first_stop(block) {
            return count * BLOCK + at;
        }
    }
    let before = bytes.len() - rest.len();
    match bytes.last_chunk() {
        // Once more over some bytes of which it is known that they do not stop.
        Some(block) => first_stop(block).map_or(bytes.len(), |at| bytes.len() - BLOCK + at),
        None => before + rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)).unwrap_or(rest.len()),
    }
}

/// Bytes looked at in one step.
#[cfg(target_arch = "x86_64")]
const BLOCK: usize = 16;

/// Where the first byte is that stops.
#[cfg(target_arch = "x86_64")]
#[inline]
#[expect(unsafe_code, reason = "the compiler does not make these instructions of anything that it would call safe")]
fn first_stop(block: &[u8; BLOCK]) -> Option<usize> {
    // SAFETY: SSE2 is part of every processor of this kind.
    let stops = unsafe { stops(u128::from_le_bytes(*block)) };
    (stops != 0).then(|| stops.trailing_zeros() as usize)
}

/// A bit for each byte that stops.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "sse2")]
#[expect(clippy::cast_possible_truncation, reason = "one half each")]
fn stops(block: u128) -> i32 {
    use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x, _mm_set1_epi8};
    let bytes = _mm_set_epi64x((block >> 64) as i64, block as i64);
    let is_control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
    let is_quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'"'.cast_signed()));
    let is_backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\\'.cast_signed()));
    _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(is_quote, is_backslash), is_control))
}

/// Bytes looked at in one step.
#[cfg(not(target_arch = "x86_64"))]
const BLOCK: usize = 8;

/// Where the first byte is that stops: the high bit of each byte that does, exact up to the first of them.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn first_stop(block: &[u8; BLOCK]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let word = u64::from_le_bytes(*block);
    let quotes = word ^ (ONES * u64::from(b'"'));
    let backslashes = word ^ (ONES * u64::from(b'\\'));
    let is_quote = quotes.wrapping_sub(ONES) & !quotes;
    let is_backslash = backslashes.wrapping_sub(ONES) & !backslashes;
    let is_control = word.wrapping_sub(ONES * 0x20) & !word;
    let stops = (is_quote | is_backslash | is_control) & HIGH;
    (stops != 0).then(|| (stops.trailing_zeros() / 8) as usize)
}

#[cfg(test)]
mod tests {
    use super::plain_len;

    #[test]
    fn every_byte_at_every_place_is_told_right() {
        for byte in 0..=u8::MAX {
            let stops = byte < 0x20 || byte == b'"' || byte == b'\\';
            for place in 0..40 {
                for filler in [b'a', 0x7f, 0x80, 0xff, b'!', b'#', b'[', b']', b' '] {
                    let mut bytes = [filler; 40];
                    bytes[place] = byte;
                    assert_eq!(plain_len(&bytes), if stops { place } else { 40 }, "{byte} at {place}");
                    assert_eq!(plain_len(&bytes[..place + 1]), place + usize::from(!stops), "{byte} at the end of {place}");
                }
            }
        }
        assert_eq!(plain_len(b""), 0);
        assert_eq!(plain_len(&[b'"'; 20]), 0);
    }
}
