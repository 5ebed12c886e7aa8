//! Texts of an event as a page shows them: bounded, with what was scrubbed marked. Escaping is the templates' work.

use crate::domain::scrubbing::{self, Rule};
use crate::protocol::json::Json;

/// Characters of one value that are shown at once; the rest opens.
const SHOWN_MAX: usize = 1_024;
/// Characters of one value that a page holds at all; the raw event has the rest.
const HELD_MAX: usize = 8_192;

/// A run of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// As sent.
    Plain(String),
    /// Was a secret, by this rule.
    Scrubbed(Rule),
}

impl Piece {
    /// The text; `None` where there was a secret.
    pub fn plain(&self) -> Option<&str> {
        match self {
            Self::Plain(text) => Some(text),
            Self::Scrubbed(_) => None,
        }
    }

    /// What it was, where its name does not say so: `card number`.
    pub fn label(&self) -> &'static str {
        if let Self::Scrubbed(rule) = self { rule.label() } else { "" }
    }

    /// Why it is not there.
    pub fn why(&self) -> &'static str {
        if let Self::Scrubbed(rule) = self { rule.meaning() } else { "" }
    }
}

/// A value to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// The first part.
    pub pieces: Vec<Piece>,
    /// The rest, to open.
    pub more: Vec<Piece>,
    /// There is still more in the raw event.
    pub cut: bool,
    /// What was changed in it before it was stored: `cut to 200 characters (was 400)`.
    pub mark: String,
}

impl Shown {
    /// From a text.
    pub fn new(text: &str) -> Self {
        let (first, rest) = split_at_char(text, SHOWN_MAX);
        let (more, beyond) = split_at_char(rest, HELD_MAX - SHOWN_MAX);
        Self { pieces: pieces(first), more: pieces(more), cut: !beyond.is_empty(), mark: String::new() }
    }

    /// From a JSON value, written for people.
    pub fn json(value: &Json<'_>) -> Self {
        Self::new(&written(value, Quotes::All))
    }

    /// From a local variable: its strings are already in the notation of the language.
    pub fn local(value: &Json<'_>) -> Self {
        Self::new(&written(value, Quotes::None))
    }
}

/// The text before and after `max` characters.
pub fn split_at_char(text: &str, max: usize) -> (&str, &str) {
    text.split_at(text.char_indices().nth(max).map_or(text.len(), |(at, _)| at))
}

/// At most `max` characters, the last of them a mark where something is missing.
pub fn cut(text: &str, max: usize) -> String {
    match split_at_char(text, max) {
        (whole, "") => whole.to_owned(),
        (_, _) => format!("{}…", split_at_char(text, max.saturating_sub(1)).0),
    }
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((at, len, rule)) = scrubbing::find_marker(rest) {
        if at > 0 {
            pieces.push(Piece::Plain(rest[..at].to_owned()));
        }
        pieces.push(Piece::Scrubbed(rule));
        rest = &rest[at + len..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Plain(rest.to_owned()));
    }
    pieces
}

/// Whether strings inside lists and objects are quoted. A string by itself never is.
#[derive(Clone, Copy, PartialEq)]
enum Quotes {
    All,
    None,
}

fn written(value: &Json<'_>, quotes: Quotes) -> String {
    match value {
        Json::Text(text) => text.to_string(),
        Json::Null => "none".to_owned(),
        other => {
            let mut out = String::new();
            write(other, quotes, &mut out);
            out
        }
    }
}

/// One line; stops once more is written than a page holds.
fn write(value: &Json<'_>, quotes: Quotes, out: &mut String) {
    if out.len() > HELD_MAX * 4 {
        return;
    }
    match value {
        Json::Text(text) if quotes == Quotes::None => out.push_str(text),
        Json::Array(items) => list(items.iter(), ('[', ']'), out, |item, out| write(item, quotes, out)),
        Json::Object(fields) => list(fields.iter(), ('{', '}'), out, |(name, item), out| {
            out.push_str(name);
            out.push_str(": ");
            write(item, quotes, out);
        }),
        other => out.push_str(&other.to_string()),
    }
}

fn list<T>(items: impl Iterator<Item = T>, (open, close): (char, char), out: &mut String, mut each: impl FnMut(T, &mut String)) {
    out.push(open);
    for (n, item) in items.enumerate() {
        if n > 0 {
            out.push_str(", ");
        }
        each(item, out);
    }
    out.push(close);
}

/// The address, if it is one that may be linked: `http` or `https`, and nothing that could be read otherwise.
pub fn link(text: &str) -> Option<String> {
    let web = text.get(..8).is_some_and(|start| {
        let start = start.to_ascii_lowercase();
        start.starts_with("http://") || start.starts_with("https://")
    });
    (web && !scrubbing::is_scrubbed(text) && !text.chars().any(|c| c.is_whitespace() || c.is_control())).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_are_marked_wherever_they_stand() {
        let plain = |text: &str| Piece::Plain(text.into());
        assert_eq!(Shown::new("[Filtered]").pieces, [Piece::Scrubbed(Rule::Name)]);
        assert_eq!(Shown::new("with [Filtered card number]").pieces, [plain("with "), Piece::Scrubbed(Rule::Card)]);
        assert_eq!(Shown::new("a=1&token=[Filtered]&b=2").pieces, [plain("a=1&token="), Piece::Scrubbed(Rule::Name), plain("&b=2")]);
    }

    #[test]
    fn long_values_open_and_very_long_ones_are_cut() {
        let shown = Shown::new(&"é".repeat(10_000));
        assert_eq!((shown.pieces.len(), shown.more.len(), shown.cut), (1, 1, true));
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("abcd", 4), "abcd");
    }

    #[test]
    fn locals_are_not_quoted_twice() {
        let value = json!({ "amount": "12990", "names": ["'a'", "'b'"], "none": null });
        assert_eq!(Shown::local(&value.into()).pieces, [Piece::Plain("{amount: 12990, names: ['a', 'b'], none: null}".into())]);
        assert_eq!(Shown::json(&json!(["a", 1]).into()).pieces, [Piece::Plain("[\"a\", 1]".into())]);
    }

    #[test]
    fn only_web_addresses_are_linked() {
        assert!(link("https://shop.example/a?b=c").is_some());
        for text in ["javascript:alert(1)", " https://x", "https://x\ny", "//x", "data:text/html,x", "http:", "ftp://x", "jAvascript:x"] {
            assert_eq!(link(text), None, "{text}");
        }
    }
}
