//! Finding secrets inside texts: messages, URLs, reprs, JSON and forms within strings, source lines.
//!
//! One pass over the bytes; only bytes with which a secret can begin are looked at twice, and every look has a bound.

use std::ops::Range;

use super::beginnings::Table;
use super::rules::Scope;
use super::{keys, patterns, people};
use crate::domain::scrubbing::{self, Rule};

/// Ends a text that was cut.
const CUT_MARK: &[u8] = b"...";
/// Longest name before `=` or `:`, in bytes.
const NAME_LEN_MAX: usize = 64;
/// How far the end of a bracket is looked for.
const BRACKET_LEN_MAX: usize = 4_096;
/// A word longer than this is no prose.
const WORD_LEN_MAX: usize = 512;

/// What kind of text it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Anything but source: `password=x` is an assignment of the value x.
    Prose,
    /// A line of source: only literals are values, `password = read()` is none.
    Source,
}

/// A secret in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// Where.
    pub range: Range<usize>,
    /// Why it is one.
    pub rule: Rule,
}

/// A text without its secrets; `None` if it holds none and can stay as it is.
pub(super) fn scrub(text: &str, kind: Kind, scope: Scope<'_>) -> Option<String> {
    let spans = find(text, kind, scope);
    (!spans.is_empty()).then(|| without(text, &spans))
}

/// As [`scrub`], with the secrets that were taken out.
pub(super) fn scrub_telling(text: &str, kind: Kind, scope: Scope<'_>) -> Option<(String, Vec<String>)> {
    let spans = find(text, kind, scope);
    (!spans.is_empty()).then(|| (without(text, &spans), spans.into_iter().map(|span| text[span.range].to_owned()).collect()))
}

/// An id of a person without what cannot be one. Ids are numbers that may by chance be those of a card.
pub(super) fn scrub_id(text: &str, scope: Scope<'_>) -> Option<String> {
    let mut spans = find(text, Kind::Prose, scope);
    spans.retain(|span| span.rule != Rule::Card);
    (!spans.is_empty()).then(|| without(text, &spans))
}

fn without(text: &str, spans: &[Span]) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut copied = 0;
    for span in spans {
        clean.push_str(&text[copied..span.range.start]);
        clean.push_str(span.rule.marker());
        copied = span.range.end;
    }
    clean.push_str(&text[copied..]);
    clean
}

/// How something begins that may hold a secret: assignments and URLs, keys, cards, tokens, schemes.
const BEGINNINGS: Table = Table::new(&[
    [b"=:", b"", b""],
    [b"-", b"-", b"-"],
    [b"0123456789", b"0123456789", b"0123456789"],
    [b"bB", b"eE", b"aA"],
    [b"bB", b"aA", b"sS"],
    [b"e", b"y", b"J"],
    [b"A", b"GIKST", b"AEIz"],
    [b"G", b"O", b"C"],
    [b"N", b"R", b"A"],
    [b"S", b"G", b"."],
    [b"d", b"aco", b"kp"],
    [b"g", b"hil", b"coprstu"],
    [b"h", b"fov", b"_os"],
    [b"n", b"p", b"m"],
    [b"p", b"y", b"p"],
    [b"rs", b"k", b"-_"],
    [b"s", b"hnq", b"0pt"],
    [b"w", b"h", b"s"],
    [b"x", b"ao", b"px"],
    [b"y", b"a", b"2"],
]);

/// Whether there is a secret in a text.
pub(super) fn holds_secret(text: &str, scope: Scope<'_>) -> bool {
    !find(text, Kind::Prose, scope).is_empty()
}

/// Where the secrets are, in order, apart from each other.
fn find(text: &str, kind: Kind, scope: Scope<'_>) -> Vec<Span> {
    let mut spans = secrets(text, kind, scope);
    if scope.drops_emails() || scope.drops_addresses() {
        people::add(text, scope, &mut spans);
    }
    spans
}

fn secrets(text: &str, kind: Kind, scope: Scope<'_>) -> Vec<Span> {
    let bytes = text.as_bytes();
    let mut spans = Vec::new();
    if bytes.len() < patterns::LEN_MIN && !bytes.iter().fold(false, |seen, byte| seen | matches!(byte, b'=' | b':')) {
        return spans;
    }
    let mut at = BEGINNINGS.next(bytes, 0);
    while at < bytes.len() {
        let next = match begins(text, at, kind, scope) {
            Ok(span) => {
                let after = span.range.end.max(at + 1);
                if !is_harmless(&text[span.range.clone()]) {
                    spans.push(span);
                }
                after
            }
            Err(after) => after,
        };
        at = BEGINNINGS.next(bytes, next);
    }
    spans
}

/// The secret that begins here, or where to go on.
#[inline]
fn begins(text: &str, at: usize, kind: Kind, scope: Scope<'_>) -> Result<Span, usize> {
    let bytes = text.as_bytes();
    let because = |rule| move |range| Span { range, rule };
    match bytes[at] {
        // Of a number only the first digit is a beginning, and of a word only the first letter.
        b'0'..=b'9' if bytes.len() - at < patterns::CARD_LEN_MIN => Err(at + 1),
        b'0'..=b'9' if is_inside(bytes, at, |before| before == b'_') || !scope.guesses() => Err(at + patterns::digits(&bytes[at..])),
        b'0'..=b'9' => patterns::card(bytes, at).map(because(Rule::Card)),
        b'=' | b':' => assignment(bytes, at, kind, scope)
            .map(because(Rule::Name))
            .or_else(|| userinfo(bytes, at).map(because(Rule::UrlPassword)))
            .ok_or(at + 1),
        b'-' => patterns::private_key(text, at).map(because(Rule::PrivateKey)).ok_or(at + 1),
        // This also keeps it linear: no token begins within what was just looked at as one.
        _ if is_inside(bytes, at, |before| matches!(before, b'_' | b'-')) => Err(at + 1),
        b'B' | b'b' => patterns::scheme(bytes, at).map(because(Rule::Credentials)).ok_or(at + 1),
        b'e' => patterns::json_web_token(bytes, at).map(because(Rule::JsonWebToken)).ok_or(at + 1),
        _ => patterns::token(bytes, at).map(because(Rule::Token)).ok_or(at + 1),
    }
}

/// Whether a letter, a digit or another sign that joins stands before this place.
fn is_inside(text: &[u8], at: usize, joins: impl Fn(u8) -> bool) -> bool {
    text[..at].last().is_some_and(|before| before.is_ascii_alphanumeric() || joins(*before))
}

/// Nothing to hide: absent, hidden already, or Python's word for an object, which says where it is and not what is in it.
pub(super) fn is_harmless(value: &str) -> bool {
    let bare = value.trim_matches(['\'', '"']);
    let is_object =
        || bare.starts_with('<') && bare.ends_with('>') && !bare.contains('=') && (bare.contains(" at 0x") || bare.starts_with("<class "));
    bare.is_empty()
        || bare.bytes().all(|byte| matches!(byte, b'*' | b'.' | b' '))
        || matches!(bare, "[Filtered" | "[redacted]" | "None" | "null" | "nil" | "undefined" | "True" | "False" | "true" | "false")
        || scrubbing::find_marker(bare).is_some_and(|(at, len, _)| (at, len) == (0, bare.len()))
        || is_object()
}

/// The value in `name = value`, `name: value`, `'name': 'value'`, `"name"=>"value"`, if the name promises a secret.
fn assignment(text: &[u8], at: usize, kind: Kind, scope: Scope<'_>) -> Option<Range<usize>> {
    if scope.is_safe() {
        return None;
    }
    let (before, next) = (text[..at].last().copied(), text.get(at + 1).copied());
    let is_operator = match text[at] {
        b':' => matches!(before, Some(b':')) || matches!(next, Some(b':' | b'=')) || text[at + 1..].starts_with(b"//"),
        _ => matches!(before, Some(b'=' | b'!' | b'<' | b'>')) || next == Some(b'='),
    };
    if is_operator {
        return None;
    }
    let mut start = at + 1 + usize::from(text[at] == b'=' && next == Some(b'>'));
    let blanks = text[start..].iter().take(8).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    start += blanks;
    if matches!(text.get(start), Some(b'b' | b'B' | b'r' | b'R' | b'u' | b'U' | b'f' | b'F'))
        && matches!(text.get(start + 1), Some(b'\'' | b'"'))
    {
        start += 1;
    }
    let escapes = text[start..].iter().take(8).take_while(|byte| **byte == b'\\').count();
    let first = *text.get(start + escapes)?;
    let (is_literal, is_tight) = (matches!(first, b'\'' | b'"' | b'`'), text[at] == b'=' && blanks == 0);
    // Of source most assignments are ruled out before their names are read.
    if kind == Kind::Source && !is_literal && !(is_tight && text[..at].iter().any(|byte| matches!(byte, b'?' | b'&'))) {
        return None;
    }
    let name = name_before(text, at, kind, scope)?;
    match first {
        quote if is_literal => Some(quoted(text, start + escapes + 1, quote, escapes)),
        _ if kind == Kind::Source && !name.is_in_query => None,
        b'[' | b'(' | b'{' if name.is_quoted || is_tight => Some(start..bracket_end(text, start)),
        _ => unquoted(text, start, &name, is_tight, scope),
    }
}

struct Name<'a> {
    text: &'a str,
    is_quoted: bool,
    /// Follows `?` or `&`: part of a URL, also inside the literals of a source line.
    is_in_query: bool,
}

/// The sensitive name that ends before an operator.
fn name_before<'a>(text: &'a [u8], operator: usize, kind: Kind, scope: Scope<'_>) -> Option<Name<'a>> {
    let mut end = operator;
    if text[operator] == b'=' && end > 0 && text[end - 1] == b':' {
        end -= 1;
    }
    end -= text[..end].iter().rev().take(4).take_while(|byte| **byte == b' ').count();
    if end >= 2 && text[end - 1] == b']' && matches!(text[end - 2], b'\'' | b'"') {
        end -= 1;
    }
    let is_quoted = end > 0 && matches!(text[end - 1], b'\'' | b'"');
    if is_quoted {
        end -= 1;
        end -= text[..end].iter().rev().take(8).take_while(|byte| **byte == b'\\').count();
    }
    let start = end - text[..end].iter().rev().take(NAME_LEN_MAX).take_while(|byte| is_name_byte(**byte)).count();
    // Of a dotted path only the last part is the name: `auth_user.id` is an id.
    let whole = &text[start..end];
    let name = whole.rsplit(|byte| *byte == b'.').next().unwrap_or(whole);
    if scope.promises_secret(name) {
        // What is cut off at the front of a long name may be half a letter.
        let halves = name.iter().take_while(|byte| matches!(byte, 0x80..0xc0)).count();
        let name = std::str::from_utf8(&name[halves..]).ok()?;
        let is_in_query = start > 0 && matches!(text[start - 1], b'?' | b'&');
        return Some(Name { text: name, is_quoted, is_in_query });
    }
    // `password: str = "…"` names its variable before the type.
    let annotated = kind == Kind::Source && text[operator] == b'=' && !whole.is_empty();
    let colon = start - text[..start].iter().rev().take(4).take_while(|byte| **byte == b' ').count();
    (annotated && colon > 0 && text[colon - 1] == b':').then(|| name_before(text, colon - 1, Kind::Prose, scope))?
}

fn is_name_byte(byte: u8) -> bool {
    const TABLE: [bool; 256] = {
        let (mut table, mut byte) = ([false; 256], 0);
        while byte < 256 {
            table[byte] = (byte as u8).is_ascii_alphanumeric() || matches!(byte as u8, b'_' | b'-' | b'.' | b'%' | b'[' | b']' | 0x80..);
            byte += 1;
        }
        table
    };
    TABLE[usize::from(byte)]
}

/// Up to the quote that closes it, escaped as often as the one that opened it, or to the end of what was cut.
fn quoted(text: &[u8], start: usize, quote: u8, escapes: usize) -> Range<usize> {
    let mut backslashes = 0;
    for (offset, byte) in text[start..].iter().enumerate() {
        match *byte {
            b'\\' => backslashes += 1,
            byte => {
                let closes = if escapes == 0 { backslashes % 2 == 0 } else { backslashes <= escapes };
                if byte == quote && closes {
                    return start..start + offset - backslashes.min(escapes);
                }
                backslashes = 0;
            }
        }
    }
    start..text.len()
}

/// Past the bracket that closes the one at `start`, strings skipped; everything if there is none nearby.
fn bracket_end(text: &[u8], start: usize) -> usize {
    let (mut depth, mut at) = (0, start);
    while at < text.len().min(start + BRACKET_LEN_MAX) {
        match text[at] {
            b'[' | b'(' | b'{' => depth += 1,
            b']' | b')' | b'}' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            quote @ (b'\'' | b'"') => at = quoted(text, at + 1, quote, 0).end,
            _ => {}
        }
        at += 1;
    }
    text.len()
}

/// A bare word. After `=` it is a value; after `: ` it may as well be prose, so it must look like a secret.
fn unquoted(text: &[u8], start: usize, name: &Name<'_>, is_tight: bool, scope: Scope<'_>) -> Option<Range<usize>> {
    let ends_line = |byte: &u8| matches!(byte, b'\n' | b'\r' | b'"' | b'\'' | b'\\');
    if keys::is_secret_header(name.text) && !is_tight {
        let len = text[start..].iter().position(ends_line).unwrap_or(text.len() - start);
        return Some(start..start + len);
    }
    let ends_word = |byte: &u8| {
        byte.is_ascii_whitespace()
            || matches!(byte, b'&' | b';' | b',' | b'"' | b'\'' | b'`' | b')' | b'}' | b']' | b'<' | b'>' | b'|' | b'\\')
    };
    let whole = || text[start..].iter().position(ends_word).unwrap_or(text.len() - start);
    let near = text[start..].iter().take(WORD_LEN_MAX).position(ends_word);
    // Words are measured to their end only where that end is also where the search goes on: every text takes one pass.
    let Some(len) = near.or_else(|| (is_tight || text.len() - start < WORD_LEN_MAX).then(whole)) else {
        return Some(start..start + whole());
    };
    let value = &text[start..start + len];
    let is_number = value.iter().all(u8::is_ascii_digit);
    let ends_here = text[start + len..].first().is_none_or(|byte| *byte != b' ');
    let is_value = match is_tight {
        _ if value.is_empty() || is_number && scope.is_counter(name.text) => false,
        true => true,
        false if scope.is_own(name.text) => name.is_quoted || ends_here || looks_secret(value),
        false => looks_secret(value) || name.is_quoted && !is_number || keys::is_password(name.text) && ends_here && value.len() >= 3,
    };
    is_value.then_some(start..start + len)
}

fn looks_secret(value: &[u8]) -> bool {
    let has_digit = value.iter().any(u8::is_ascii_digit);
    let has_sign =
        value.iter().any(|byte| matches!(byte, b'+' | b'/' | b'=' | b'_' | b'-' | b'!' | b'@' | b'#' | b'$' | b'%' | b'^' | b'*'));
    value.len() >= 4 && has_digit || value.len() >= 8 && has_sign
}

/// The password in `scheme://user:password@host`, or the whole user if it is a long key. However long that is: a slash ends it, so that no part of
/// a text is in two of them. Where the text was cut within the address, the password is what is left of it.
fn userinfo(text: &[u8], colon: usize) -> Option<Range<usize>> {
    if !text[colon..].starts_with(b"://") || colon == 0 || !text[colon - 1].is_ascii_alphanumeric() {
        return None;
    }
    let start = colon + 3;
    let rest = &text[start..];
    let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'?' | b'#' | b'"' | b'\'' | b'<' | b'>' | b'\\' | b',');
    let authority = &rest[..rest.iter().position(ends).unwrap_or(rest.len())];
    let Some(at_sign) = authority.iter().rposition(|byte| *byte == b'@') else {
        return cut_password(rest, authority).map(|range| start + range.start..start + range.end);
    };
    match authority[..at_sign].iter().position(|byte| *byte == b':') {
        Some(separator) => Some(start + separator + 1..start + at_sign),
        None if at_sign >= 16 && looks_secret(&authority[..at_sign]) => Some(start..start + at_sign),
        None => None,
    }
}

/// In `scheme://user:passw...`, the end of a text. A few digits are a port.
fn cut_password(rest: &[u8], authority: &[u8]) -> Option<Range<usize>> {
    let kept = authority.strip_suffix(CUT_MARK).filter(|kept| authority.len() == rest.len() && !kept.starts_with(b"["))?;
    let from = kept.iter().position(|byte| *byte == b':')? + 1;
    let is_port = kept.len() - from <= 5 && kept[from..].iter().all(u8::is_ascii_digit);
    (!is_port && from < kept.len()).then_some(from..kept.len())
}

#[cfg(test)]
mod tests;
