//! Secrets in what is no event: attachments, bodies that could not be read, reasons, lines.

use std::borrow::Cow;

use super::rules::Rules;
use super::text::{self, Kind};
use super::tree;
use crate::protocol::json;

/// How much of a document is looked at for NUL, which no text has, in bytes.
const LOOK_LEN: usize = 8 * 1_024;

/// A document without its secrets: JSON in every part, any other text line by line. `None` where it holds none, or is no text: what is
/// in an image or a core dump cannot be found.
pub fn document(bytes: &[u8], rules: &Rules) -> Option<Vec<u8>> {
    let looked_at = &bytes[..bytes.len().min(LOOK_LEN)];
    if looked_at.contains(&0) {
        return None;
    }
    let begins_tree = matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'['));
    if begins_tree && let Ok(mut whole) = json::parse(bytes) {
        let before = whole.clone();
        tree::value(&mut whole, rules.root());
        return (whole != before).then(|| whole.to_string().into_bytes());
    }
    let plain = String::from_utf8_lossy(bytes);
    text::scrub(&plain, Kind::Prose, rules.root()).map(String::into_bytes)
}

/// A line for people, as the reason of a failure, without the secrets it quotes.
pub fn line<'a>(text: &'a str, rules: &Rules) -> Cow<'a, str> {
    text::scrub(text, Kind::Prose, rules.root()).map_or(Cow::Borrowed(text), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrubbed(text: &str) -> Option<String> {
        document(text.as_bytes(), &Rules::DEFAULT).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn documents_lose_secrets_in_their_own_form() {
        assert_eq!(scrubbed(r#" {"a": [{"password": "x", "n": 1}]}"#).unwrap(), r#"{"a":[{"password":"[Filtered]","n":1}]}"#);
        assert_eq!(scrubbed("PATH=/bin\nAPI_KEY=x\nHOME=/").unwrap(), "PATH=/bin\nAPI_KEY=[Filtered]\nHOME=/");
        assert_eq!(scrubbed(r#"{"password": "x", broken"#).unwrap(), r#"{"password": "[Filtered]", broken"#);
    }

    #[test]
    fn documents_without_secrets_stay_as_they_are() {
        for text in ["{ \"a\" : 1 }", "nothing here", "", "\u{0}password=x"] {
            assert_eq!(scrubbed(text), None, "{text}");
        }
        assert_eq!(document(b"\xff\xfe", &Rules::DEFAULT), None);
    }
}
