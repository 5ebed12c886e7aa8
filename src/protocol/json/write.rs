//! Writing JSON, without blanks.

use super::scan;
use super::{Json, Object};

/// Appends a value.
pub fn value(value: &Json<'_>, out: &mut Vec<u8>) {
    match value {
        Json::Null => out.extend_from_slice(b"null"),
        Json::Bool(true) => out.extend_from_slice(b"true"),
        Json::Bool(false) => out.extend_from_slice(b"false"),
        Json::Number(number) => out.extend_from_slice(number.as_str().as_bytes()),
        Json::Text(content) => text(content, out),
        Json::Array(list) => {
            out.push(b'[');
            for (place, item) in list.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                self::value(item, out);
            }
            out.push(b']');
        }
        Json::Object(fields) => object(fields, out),
    }
}

/// Appends an object.
pub fn object(object: &Object<'_>, out: &mut Vec<u8>) {
    out.push(b'{');
    for (place, (key, field)) in object.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        text(key, out);
        out.push(b':');
        value(field, out);
    }
    out.push(b'}');
}

/// Appends a text in quotes.
pub fn text(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    out.reserve(rest.len() + 2);
    out.push(b'"');
    loop {
        let (plain, special) = rest.split_at(scan::plain_len(rest));
        out.extend_from_slice(plain);
        let Some((byte, after)) = special.split_first() else { break };
        escape(*byte, out);
        rest = after;
    }
    out.push(b'"');
}

fn escape(byte: u8, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' => b'"',
        b'\\' => b'\\',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        other => return out.extend_from_slice(&[b'\\', b'u', b'0', b'0', HEX[usize::from(other >> 4)], HEX[usize::from(other & 15)]]),
    };
    out.extend_from_slice(&[b'\\', short]);
}
