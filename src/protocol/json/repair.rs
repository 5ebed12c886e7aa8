//! Making JSON of what is nearly JSON, in one pass. The result may still not be JSON.

use std::borrow::Cow;

use super::Repairs;

/// Where a token outside strings ends.
fn ends_token(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b',' | b'}' | b']' | b'{' | b'[' | b'"' | b':' | 0)
}

/// Repairs invalid UTF-8, a byte order mark, trailing NULs, control characters and broken escapes in strings, lone surrogates,
/// `NaN`, `Infinity` and `undefined` (null), and numbers beyond 64 bits of floating point (strings).
pub(super) fn repair(bytes: &[u8], repairs: &mut Repairs) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    repairs.encoding |= matches!(text, Cow::Owned(_));
    let input = text.trim_start_matches('\u{feff}').trim_end_matches('\0').as_bytes();
    let mut output = Vec::with_capacity(input.len() + 64);
    let mut at = 0;
    while at < input.len() {
        at = match input[at] {
            b'"' => copy_string(input, at, &mut output, repairs),
            byte if ends_token(byte) => {
                output.push(byte);
                at + 1
            }
            _ => copy_token(input, at, &mut output, repairs),
        };
    }
    output
}

/// Copies a number or a word and returns where it ends.
fn copy_token(input: &[u8], start: usize, output: &mut Vec<u8>, repairs: &mut Repairs) -> usize {
    let end = input[start..].iter().position(|byte| ends_token(*byte)).map_or(input.len(), |len| start + len);
    match &input[start..end] {
        b"NaN" | b"nan" | b"-NaN" | b"Infinity" | b"-Infinity" | b"+Infinity" | b"inf" | b"-inf" | b"undefined" | b"None" => {
            repairs.tokens += 1;
            output.extend_from_slice(b"null");
        }
        number if overflows(number) => {
            repairs.numbers += 1;
            output.push(b'"');
            output.extend_from_slice(number);
            output.push(b'"');
        }
        other => output.extend_from_slice(other),
    }
    end
}

fn overflows(token: &[u8]) -> bool {
    let is_numeric = token.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E'));
    is_numeric && std::str::from_utf8(token).ok().and_then(|text| text.parse::<f64>().ok()).is_some_and(f64::is_infinite)
}

/// Copies a string with its quotes and returns where it ends.
fn copy_string(input: &[u8], start: usize, output: &mut Vec<u8>, repairs: &mut Repairs) -> usize {
    output.push(b'"');
    let mut at = start + 1;
    while at < input.len() {
        match input[at] {
            b'"' => {
                output.push(b'"');
                return at + 1;
            }
            b'\\' => at = copy_escape(input, at, output, repairs),
            control @ 0..0x20 => {
                repairs.escapes += u32::from(control > 0);
                output.extend_from_slice(format!("\\u{control:04x}").as_bytes());
                at += 1;
            }
            byte => {
                output.push(byte);
                at += 1;
            }
        }
    }
    at
}

/// Copies one escape, or two that are a surrogate pair, and returns where they end.
fn copy_escape(input: &[u8], at: usize, output: &mut Vec<u8>, repairs: &mut Repairs) -> usize {
    match input.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
            output.extend_from_slice(&input[at..at + 2]);
            at + 2
        }
        Some(b'u') => match (unit(input, at), unit(input, at + 6)) {
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => {
                output.extend_from_slice(&input[at..at + 12]);
                at + 12
            }
            (Some(0xd800..0xe000), _) => {
                repairs.surrogates += 1;
                output.extend_from_slice(b"\\ufffd");
                at + 6
            }
            (Some(_), _) => {
                output.extend_from_slice(&input[at..at + 6]);
                at + 6
            }
            (None, _) => literal_backslash(at, output, repairs),
        },
        _ => literal_backslash(at, output, repairs),
    }
}

fn literal_backslash(at: usize, output: &mut Vec<u8>, repairs: &mut Repairs) -> usize {
    repairs.escapes += 1;
    output.extend_from_slice(b"\\\\");
    at + 1
}

/// The UTF-16 unit of a `\uXXXX` at this place.
fn unit(input: &[u8], at: usize) -> Option<u32> {
    let escape = input.get(at..at + 6)?.strip_prefix(b"\\u")?;
    if !escape.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u32::from_str_radix(std::str::from_utf8(escape).ok()?, 16).ok()
}
