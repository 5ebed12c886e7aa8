//! JSON as clients really send it, read into a tree that can be stored, and written again.
//!
//! Sound JSON is parsed once and nothing else, and the tree borrows its texts from it. Only if that fails the text is repaired ([`repair`])
//! and parsed again. Either way no string of the tree holds NUL, which Postgres refuses, and no branch is deeper than [`DEPTH_MAX`].

mod number;
mod object;
mod parse;
mod repair;
mod scan;
mod serial;
mod value;
pub mod write;

use std::borrow::Cow;

pub use number::Number;
pub use object::Object;
pub use value::Json;

/// Deepest nesting kept; what is deeper becomes [`TOO_DEEP`]. Well below the 128 that `serde_json` can read back.
pub const DEPTH_MAX: usize = 64;
/// Deepest nesting of what is read back: fields that nobody knows stand under a key of their own.
const STORED_DEPTH_MAX: usize = DEPTH_MAX + 16;
/// Stands where something was nested too deeply.
pub const TOO_DEEP: &str = "[nested too deeply]";
/// Stands where a string had a NUL character.
pub const NUL_REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// How often something was replaced while a text was read, by what was wrong with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repairs {
    /// NUL characters, now [`NUL_REPLACEMENT`].
    pub nul: u32,
    /// Halves of UTF-16 pairs, now U+FFFD.
    pub surrogates: u32,
    /// `NaN`, `Infinity` and other words that JSON does not know, now null.
    pub tokens: u32,
    /// Numbers beyond the range of floats, now texts.
    pub numbers: u32,
    /// Escapes that mean nothing and control characters that were not escaped.
    pub escapes: u32,
    /// Lists and objects nested deeper than [`DEPTH_MAX`], now [`TOO_DEEP`].
    pub too_deep: u32,
    /// It was not UTF-8.
    pub encoding: bool,
}

/// The text is not JSON, and not anything close to it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JsonError(String);

/// Reads any JSON value.
pub fn parse(bytes: &[u8]) -> Result<Json<'_>, JsonError> {
    parse_telling(bytes, &mut Repairs::default())
}

/// [`parse`], and what had to be replaced for it.
fn parse_telling<'a>(bytes: &'a [u8], repairs: &mut Repairs) -> Result<Json<'a>, JsonError> {
    parse::document(bytes, DEPTH_MAX, repairs).or_else(|_| {
        *repairs = Repairs::default();
        let repaired = repair::repair(bytes, repairs);
        parse::document(&repaired, DEPTH_MAX, repairs).map(Json::into_owned).map_err(|_| JsonError(fault(&repaired)))
    })
}

/// Reads a JSON object; anything else is an error.
pub fn parse_object(bytes: &[u8]) -> Result<Object<'_>, JsonError> {
    parse_object_telling(bytes, &mut Repairs::default())
}

/// [`parse_object`], and what had to be replaced for it.
pub fn parse_object_telling<'a>(bytes: &'a [u8], repairs: &mut Repairs) -> Result<Object<'a>, JsonError> {
    match parse_telling(bytes, repairs)? {
        Json::Object(object) => Ok(object),
        _ => Err(JsonError("expected a JSON object".to_owned())),
    }
}

/// Reads what was written from a tree: it has the sizes of what was read before, and stands a little deeper.
pub fn parse_stored(bytes: &[u8]) -> Option<Json<'_>> {
    parse::document(bytes, STORED_DEPTH_MAX, &mut Repairs::default()).ok()
}

/// What is wrong with a text that is not JSON, and where.
fn fault(text: &[u8]) -> String {
    match serde_json::from_slice::<serde::de::IgnoredAny>(text) {
        Ok(_) => "not JSON".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// The text without NUL characters, copied only if there are any.
pub fn without_nul(text: &str) -> Cow<'_, str> {
    if text.as_bytes().contains(&0) { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(text: &[u8]) -> Json<'_> {
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
    fn the_last_of_equal_keys_wins_in_the_place_of_the_first() {
        assert_eq!(read(br#"{"a": 1, "b": 2, "a": 3}"#).to_string(), r#"{"a":3,"b":2}"#);
        let many: Vec<String> = (0..100_000).map(|n| format!("\"k{}\":{n}", n % 50_000)).collect();
        let object = parse_object(format!("{{{}}}", many.join(",")).leak().as_bytes()).unwrap();
        assert_eq!((object.len(), object.iter().next()), (50_000, Some(("k0", &read(b"50000")))));
    }

    #[test]
    fn whole_numbers_keep_their_digits_and_others_are_written_one_way() {
        let text = b"[12089258196146291747061760, -9223372036854775809, 18446744073709551615, 1e3, 2.50, -0, 1795162316.8286002]";
        assert_eq!(
            read(text).to_string(),
            "[12089258196146291747061760,-9223372036854775809,18446744073709551615,1000.0,2.5,-0.0,1795162316.8286002]"
        );
        assert_eq!(read("1".repeat(41).as_bytes()).to_string(), "1.111111111111111e+40");
    }

    /// Equal but for the last digit of floats, which `serde_json` rounds in a hurry.
    fn are_alike(ours: &Value, theirs: &Value) -> bool {
        match (ours, theirs) {
            (Value::Number(ours), Value::Number(theirs)) => match (ours.as_f64(), theirs.as_f64()) {
                (Some(ours), Some(theirs)) => (ours - theirs).abs() <= ours.abs() * 1e-14,
                _ => false,
            },
            (Value::Array(ours), Value::Array(theirs)) => {
                ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| are_alike(ours, theirs))
            }
            (Value::Object(ours), Value::Object(theirs)) => {
                let alike = |(key, ours): (&String, &Value)| theirs.get(key).is_some_and(|theirs| are_alike(ours, theirs));
                ours.len() == theirs.len() && ours.iter().all(alike)
            }
            (ours, theirs) => ours == theirs,
        }
    }

    /// Flips bytes of sound documents: what `serde_json` takes must be taken, as the same value, and nothing else.
    #[test]
    fn exactly_what_another_parser_takes_is_taken() {
        const SEEDS: [&str; 4] = [
            r#"{"a": [1, -2.5e3, 0.1, true, null], "b\u00e9\n": {"c": "x\\y\ud83d\ude00"}, "": [], "d": {}}"#,
            r#"["long enough for more than eight bytes \" \/ \t", "\b\f\r", false, 10, 0, -0.0, 1E+2]"#,
            r#" [ [ [ { "k" : [ ] , "l" : { } } ] , 7 ] ] "#,
            r#""just a text""#,
        ];
        let mut random = 0x2545_f491_4f6c_dd1d_u64;
        let mut roll = |sides: usize| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            usize::try_from(random % sides as u64).unwrap()
        };
        for round in 0..40_000 {
            let mut text = SEEDS[round % SEEDS.len()].as_bytes().to_vec();
            for _ in 0..roll(3) {
                let (at, byte) = (roll(text.len()), b"\"\\{}[],:0123456789-+.eEtfnud \n\x01\x00x\xc3\xa9"[roll(35)]);
                match roll(3) {
                    0 => text[at] = byte,
                    1 => text.insert(at, byte),
                    _ => drop(text.remove(at)),
                }
            }
            let (ours, theirs) = (parse::document(&text, DEPTH_MAX, &mut Repairs::default()), serde_json::from_slice::<Value>(&text));
            let shown = String::from_utf8_lossy(&text);
            match (ours, theirs) {
                (Ok(ours), Ok(theirs)) if !ours.to_string().contains('\u{fffd}') => {
                    let ours = serde_json::to_value(ours).unwrap();
                    assert!(are_alike(&ours, &theirs), "{shown}: {ours} instead of {theirs}");
                }
                (Ok(_), Ok(_)) | (Err(_), Err(_)) => {}
                (ours, theirs) => panic!("{shown}: {ours:?} instead of {theirs:?}"),
            }
        }
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
