//! JSON as clients really send it, read into a tree that can be stored.
//!
//! Sound JSON is parsed once and nothing else. Only if that fails the text is repaired ([`repair`]) and parsed again. Either way no
//! string of the tree holds NUL, which Postgres refuses, and no branch is deeper than [`DEPTH_MAX`].

mod repair;
mod tree;

use std::borrow::Cow;

use serde::de::DeserializeSeed;
use serde_json::Value;

use super::event::Object;

/// Deepest nesting kept; what is deeper becomes [`TOO_DEEP`]. Well below the 128 that `serde_json` can read back.
pub const DEPTH_MAX: usize = 64;
/// Stands where something was nested too deeply.
pub const TOO_DEEP: &str = "[nested too deeply]";
/// Stands where a string had a NUL character.
pub const NUL_REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// The text is not JSON, and not anything close to it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JsonError(String);

/// Reads any JSON value.
pub fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    match parse_strictly(bytes) {
        Ok(value) => Ok(value),
        Err(_) => parse_strictly(&repair::repair(bytes)).map_err(|error| JsonError(error.to_string())),
    }
}

/// Reads a JSON object; anything else is an error.
pub fn parse_object(bytes: &[u8]) -> Result<Object, JsonError> {
    match parse(bytes)? {
        Value::Object(object) => Ok(object),
        _ => Err(JsonError("expected a JSON object".to_owned())),
    }
}

/// The text without NUL characters, copied only if there are any.
pub fn without_nul(text: &str) -> Cow<'_, str> {
    if text.as_bytes().contains(&0) { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

fn parse_strictly(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = tree::Branch { depth: 0 }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &[u8]) -> Value {
        parse(text).unwrap()
    }

    #[test]
    fn sound_json_is_read_as_it_is() {
        let text = br#" {"a": [1, -2, 3.5, true, null, "\u00e9\ud83d\ude00"], "b": {}} "#;
        assert_eq!(read(text), serde_json::from_slice::<Value>(text).unwrap());
    }

    #[test]
    fn nul_is_replaced_in_values_and_keys() {
        assert_eq!(read(br#"{"a\u0000b": "c\u0000"}"#), json!({"a\u{fffd}b": "c\u{fffd}"}));
    }

    #[test]
    fn lone_surrogates_are_replaced_and_pairs_kept() {
        assert_eq!(
            read(br#"["\udcff\ud800x", "\ud83d\ude00", "\\ud800", "\ud83d"]"#),
            json!(["\u{fffd}\u{fffd}x", "😀", "\\ud800", "\u{fffd}"])
        );
    }

    #[test]
    fn tokens_that_are_not_json_become_null_outside_strings() {
        let text = br#"{"a":NaN,"b":Infinity,"c":-Infinity,"d":"NaN","e":[nan,undefined]}"#;
        assert_eq!(read(text), json!({"a": null, "b": null, "c": null, "d": "NaN", "e": [null, null]}));
    }

    #[test]
    fn huge_numbers_do_not_fail_the_document() {
        assert_eq!(read(b"[1208925819614629174706176, 1e400, -1e400]"), json!([1.2089258196146292e24, "1e400", "-1e400"]));
    }

    #[test]
    fn invalid_utf8_control_characters_and_escapes_are_repaired() {
        assert_eq!(read(b"{\"a\": \"x\xffy\"}"), json!({"a": "x\u{fffd}y"}));
        assert_eq!(read(b"\xef\xbb\xbf{\"a\": \"tab\there\nline \\x41 \\u12\"}\0\0"), json!({"a": "tab\there\nline \\x41 \\u12"}));
    }

    #[test]
    fn the_last_of_equal_keys_wins() {
        assert_eq!(read(br#"{"a": 1, "b": 2, "a": 3}"#), json!({"a": 3, "b": 2}));
    }

    #[test]
    fn ten_thousand_levels_cost_only_what_is_too_deep() {
        for (open, close) in [("[", "]"), ("{\"k\":", "}")] {
            let deep = format!("{{\"kept\": 1, \"deep\": {}1{}}}", open.repeat(10_000), close.repeat(10_000));
            let value = read(deep.as_bytes());
            assert_eq!(value["kept"], json!(1));
            assert!(value.to_string().contains(TOO_DEEP));
            assert!(serde_json::from_str::<Value>(&value.to_string()).is_ok());
        }
    }

    #[test]
    fn what_is_not_json_is_an_error() {
        for text in ["", "{", "{\"a\":}", "[1,]", "hello", "{}{}", "\"open", "[[[[[[[["] {
            assert!(parse(text.as_bytes()).is_err(), "{text:?}");
        }
        assert!(parse_object(b"[]").is_err());
        assert!(parse("[".repeat(100_000).as_bytes()).is_err());
    }
}
