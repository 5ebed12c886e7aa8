//! What one frame contributes: where it is, which function, and the text of the line. Never line numbers, addresses or locals.

use std::borrow::Cow;

use super::version::Version;
use super::{forwarding, function};
use crate::protocol::event::Frame;

/// Stands between the pieces of a frame.
pub const SEPARATOR: char = '\u{1f}';
/// Longer lines are minified or generated and say nothing.
const LINE_LEN_MAX: usize = 120;
/// Characters of a module, file or function that are looked at.
const NAME_LEN_MAX: usize = 400;
/// Platforms whose SDKs send the text of the line from the deployed source.
const LINE_PLATFORMS: &[&str] = &["python", "ruby", "php", "node", "javascript"];
const COMPREHENSIONS: &[&str] = &["<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>"];
/// Closures that share a name without being the same function.
const CLOSURES: &[&str] = &["wrapper", "_wrapper", "wrapped", "_wrapped", "inner", "_inner", "decorator", "decorated", "__call__"];

/// One frame, as far as it can matter.
#[derive(Clone, Debug)]
pub struct Contribution<'a> {
    /// Module, else the end of the file's path.
    pub place: Cow<'a, str>,
    /// Function, with its class where that can be read.
    pub function: Cow<'a, str>,
    /// Text of the line, blanks collapsed.
    pub line: Cow<'a, str>,
    /// Whether it is the application's own code, or a rule of the project wants it to take part as if it were.
    pub in_app: bool,
    /// It is a comprehension, which newer Pythons do not show.
    pub is_comprehension: bool,
    /// Its line only passes everything on.
    pub is_forwarding: bool,
    /// How the representation of `self` begins: tells apart functions of one name, does not contribute.
    owner: &'a str,
    /// Where the line is from, with what stands around it.
    pub frame: &'a Frame<'a>,
}

impl<'a> Contribution<'a> {
    /// `None` for frames that say nothing, for the plumbing of event loops and transpilers, and where a rule of the project says so.
    pub fn of(frame: &'a Frame<'a>, platform: &str, version: Version) -> Option<Self> {
        let platform = frame.platform.as_deref().unwrap_or(platform);
        let raw_function = cut(frame.function.as_deref().unwrap_or_default());
        let raw_line = frame.context_line.as_deref().unwrap_or_default();
        let ruled = frame.ruling.as_ref().and_then(|ruling| ruling.group);
        if ruled == Some(false) || ruled.is_none() && function::is_plumbing(raw_function, frame, platform) {
            return None;
        }
        let line = if LINE_PLATFORMS.contains(&platform) { line_text(raw_line) } else { Cow::default() };
        let mapped = platform == "javascript" && !line.is_empty();
        let function = if mapped { Cow::default() } else { function::name(raw_function, frame, platform) };
        let place = place(frame);
        if function.is_empty() && line.is_empty() && place.is_empty() {
            return None;
        }
        Some(Self {
            is_comprehension: is_comprehension(frame),
            is_forwarding: ruled.is_none() && forwarding::is_forwarding(&line, version),
            frame,
            owner: function::owner(frame).unwrap_or_default(),
            in_app: frame.in_app == Some(true) || ruled == Some(true),
            place,
            function,
            line,
        })
    }

    /// What is hashed.
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(self.place.len() + self.function.len() + self.line.len() + 2);
        text.push_str(&self.place);
        text.push(SEPARATOR);
        text.push_str(&self.function);
        text.push(SEPARATOR);
        text.push_str(&self.line);
        text
    }

    /// Takes over the line of a comprehension inside it.
    pub fn take_line(&mut self, inner: Self) {
        self.is_forwarding = inner.is_forwarding;
        if !inner.line.is_empty() {
            self.line = inner.line;
            self.frame = inner.frame;
        }
    }

    /// Whether this is the function of `earlier` again, further down the stack.
    pub fn is_again(&self, earlier: &Contribution<'_>) -> bool {
        let same_function = self.place == earlier.place && self.function == earlier.function && self.owner == earlier.owner;
        let bare = self.function.rsplit('.').next().unwrap_or_default();
        let named = !bare.is_empty() && !bare.starts_with('<') && !CLOSURES.contains(&bare);
        same_function && (named || self.line == earlier.line)
    }
}

/// Whether it is the frame of a comprehension.
pub fn is_comprehension(frame: &Frame<'_>) -> bool {
    frame.function.as_deref().is_some_and(|function| COMPREHENSIONS.contains(&function))
}

pub fn line_text(raw: &str) -> Cow<'_, str> {
    let trimmed = raw.trim();
    if trimmed.len() <= LINE_LEN_MAX && is_plain(trimmed.as_bytes()) {
        return Cow::Borrowed(trimmed);
    }
    let mut text = String::new();
    for word in trimmed.split_whitespace() {
        if text.len() + word.len() > 4 * LINE_LEN_MAX {
            return Cow::default();
        }
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
    if text.chars().count() > LINE_LEN_MAX { Cow::default() } else { Cow::Owned(text) }
}

/// ASCII with single blanks: nothing to collapse.
fn is_plain(line: &[u8]) -> bool {
    let mut before = b' ';
    line.iter().all(|byte| {
        let is_double = *byte == b' ' && before == b' ';
        before = *byte;
        matches!(byte, b' '..=b'~') && !is_double
    })
}

/// The module, whole; without one the last two parts of a relative path, the last of an absolute one. URLs are no evidence.
fn place<'a>(frame: &'a Frame<'a>) -> Cow<'a, str> {
    if let Some(module) = frame.module.as_deref().filter(|module| !module.is_empty() && !module.starts_with(['<', '['])) {
        return function::without_generated(cut(module));
    }
    let path = frame.filename.as_deref().or(frame.abs_path.as_deref()).unwrap_or_default().replace('\\', "/");
    if path.contains("://") || path.starts_with(['<', '[']) {
        return Cow::default();
    }
    let is_absolute = path.starts_with('/') || path.get(1..3) == Some(":/");
    let kept = if is_absolute { 1 } else { 2 };
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != "." && *part != "..").collect();
    let end = parts[parts.len().saturating_sub(kept)..].join("/");
    Cow::Owned(without_revision(&cut(&end).to_lowercase()))
}

/// `app.3f2a91bc0d.js` and `app-3f2a91bc0d.js` are `app.js`: bundlers name files by their content.
fn without_revision(name: &str) -> String {
    let is_revision =
        |piece: &str| piece.len() >= 8 && piece.chars().all(|c| c.is_ascii_hexdigit()) && piece.chars().any(|c| c.is_ascii_digit());
    let pieces: Vec<&str> = name.split_inclusive(['.', '-']).collect();
    pieces.into_iter().filter(|piece| !is_revision(piece.trim_end_matches(['.', '-']))).collect()
}

fn cut(text: &str) -> &str {
    if text.len() <= NAME_LEN_MAX {
        return text;
    }
    text.char_indices().nth(NAME_LEN_MAX).map_or(text, |(end, _)| &text[..end])
}
