//! Texts with variables: `error in {{ transaction }}`.

use std::fmt;

use super::fault::Fault;
use crate::domain::search::nearest;

/// The names of variables, aliases after the name they stand for. `tags.NAME` is one for every tag.
const VARIABLES: &[&str] = &[
    "default",
    "error.type",
    "type",
    "error.value",
    "value",
    "message",
    "transaction",
    "stack.function",
    "function",
    "stack.module",
    "module",
    "stack.package",
    "package",
    "stack.abs_path",
    "path",
    "stack.filename",
    "level",
    "logger",
    "release",
];
/// Longest text, in characters.
const TEXT_LEN_MAX: usize = 1_000;

/// A text with variables in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
}

/// A part of a [`Template`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// As it stands.
    Text(String),
    /// The name of a variable, without braces.
    Variable(String),
}

impl Template {
    /// Reads a text that begins at `column`. Backslashes stand before what stands for itself.
    pub(super) fn parse(text: &str, column: usize, allows_default: bool) -> Result<Self, Fault> {
        let fault = |at: usize, what: String, expected: String| Fault::at(1, column + text[..at].chars().count(), what, expected);
        if text.chars().count() > TEXT_LEN_MAX {
            return Err(fault(0, "this text is too long".into(), format!("at most {TEXT_LEN_MAX} characters")));
        }
        let (mut pieces, mut at) = (Vec::new(), 0);
        while let Some(open) = find_open(text, at) {
            let Some(close) = text[open..].find("}}").map(|found| open + found) else {
                return Err(fault(open, "the braces {{ are not closed".into(), "}} behind the name of a variable".into()));
            };
            push(&mut pieces, &text[at..open]);
            let name = text[open + 2..close].trim();
            check(name, allows_default).map_err(|(what, expected)| fault(open, what, expected))?;
            pieces.push(Piece::Variable(name.to_owned()));
            at = close + 2;
        }
        push(&mut pieces, &text[at..]);
        Ok(Self { pieces })
    }

    /// The parts, in order.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Nothing but `{{ default }}`.
    pub fn is_default(&self) -> bool {
        matches!(self.pieces.as_slice(), [Piece::Variable(name)] if name == "default")
    }

    /// The text that clients would send for it.
    pub fn source(&self) -> String {
        self.pieces
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.clone(),
                Piece::Variable(name) => format!("{{{{ {name} }}}}"),
            })
            .collect()
    }
}

/// The next `{{` whose first brace has no backslash before it.
fn find_open(text: &str, from: usize) -> Option<usize> {
    let mut skip = false;
    text[from..].char_indices().map(|(at, c)| (from + at, c)).find_map(|(at, c)| {
        let is_escaped = skip;
        skip = !skip && c == '\\';
        (!is_escaped && text[at..].starts_with("{{")).then_some(at)
    })
}

fn push(pieces: &mut Vec<Piece>, text: &str) {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => plain.push('\n'),
                Some('t') => plain.push('\t'),
                Some('r') => plain.push('\r'),
                Some(c) => plain.push(c),
                None => plain.push('\\'),
            },
            c => plain.push(c),
        }
    }
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
}

fn check(name: &str, allows_default: bool) -> Result<(), (String, String)> {
    if name == "default" && !allows_default {
        return Err(("{{ default }} has no text that a title could show".into(), "another variable, or none".into()));
    }
    let is_tag = name.strip_prefix("tags.").is_some_and(|key| !key.is_empty());
    if is_tag || VARIABLES.contains(&name) {
        return Ok(());
    }
    let expected = match nearest(name, VARIABLES.iter().copied()) {
        Some(meant) => format!("{{{{ {meant} }}}}, perhaps"),
        None => format!("one of {}, tags.NAME", VARIABLES.join(", ")),
    };
    Err((format!("there is no variable called “{name}”"), expected))
}

impl fmt::Display for Template {
    /// As it can be written in a rule.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = |c: char| c.is_alphanumeric() || "_-./:@*+".contains(c);
        match self.pieces.as_slice() {
            [Piece::Variable(name)] if name.chars().all(is_plain) => write!(f, "{{{{ {name} }}}}"),
            [Piece::Text(text)] if text.chars().all(is_plain) => f.write_str(text),
            _ => self.write_quoted(f),
        }
    }
}

impl Template {
    /// In quotes, whatever it holds.
    pub(super) fn write_quoted(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for piece in &self.pieces {
            match piece {
                Piece::Variable(name) => write!(f, "{{{{ {name} }}}}")?,
                Piece::Text(text) => {
                    for c in text.chars() {
                        match c {
                            '\n' => f.write_str("\\n")?,
                            '\r' => f.write_str("\\r")?,
                            '\t' => f.write_str("\\t")?,
                            '"' | '\\' | '{' | '}' => write!(f, "\\{c}")?,
                            c => write!(f, "{c}")?,
                        }
                    }
                }
            }
        }
        f.write_str("\"")
    }
}
