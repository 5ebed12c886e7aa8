//! Text that is the only evidence there is: everything that could vary becomes one sign, so that the sentence of the source is left.
//!
//! `Order INV-3391 of 'Ann' has 1 item` and `Order INV-77 of 'Bob' has 31 items` are both `Order ✱ of ✱ has ✱ item`.

use super::parameterize;
use super::structured;
use super::version::Version;
use crate::protocol::event::LogEntry;

/// Stands for one or more neighbouring values.
pub const VALUE: &str = "✱";
/// Fields in which structured loggers put the sentence, the better ones first.
const SENTENCE_FIELDS: &[&str] = &["event", "message", "msg", "error", "detail"];
/// Bytes that may be searched for closing quotes and brackets that are not there: a text of nothing but openings stays cheap.
const SEARCHED_MAX: usize = 64 * 1024;
/// Methods of HTTP requests.
const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
/// How languages write that there is no value.
const NOTHING: &[&str] = &["None", "null", "nil", "undefined", "NaN", "NULL"];
/// ISO 4217, of the currencies most payments are in; without `ALL` and `TRY`, which are words of programs.
const CURRENCIES: &[&str] = &[
    "AED", "ARS", "AUD", "BDT", "BGN", "BHD", "BRL", "CAD", "CHF", "CLP", "CNY", "COP", "CZK", "DKK", "EGP", "EUR", "GBP", "GEL", "GHS",
    "HKD", "HRK", "HUF", "IDR", "ILS", "INR", "ISK", "JOD", "JPY", "KES", "KRW", "KWD", "KZT", "LKR", "MAD", "MXN", "MYR", "NGN", "NOK",
    "NZD", "OMR", "PEN", "PHP", "PKR", "PLN", "QAR", "RON", "RSD", "RUB", "SAR", "SEK", "SGD", "THB", "TND", "TWD", "UAH", "USD", "UYU",
    "VND", "XAF", "XOF", "ZAR",
];
const QUOTES: &[(char, char)] = &[('\'', '\''), ('"', '"'), ('`', '`'), ('“', '”'), ('‘', '’'), ('«', '»'), ('„', '“')];
const BRACKETS: &[(char, char)] = &[('[', ']'), ('{', '}'), ('<', '>')];

/// The sentence of a log entry: of its template where the client sent one that says something. `None` for an empty entry.
pub fn of_logentry(entry: &LogEntry, version: Version) -> Option<String> {
    let from_template = entry.message.as_deref().map(|template| of(template, version)).filter(|sentence| has_words(sentence));
    let sentence = from_template.unwrap_or_else(|| of(entry.text(), version));
    (!sentence.is_empty()).then_some(sentence)
}

/// The sentence of a text.
pub fn of(text: &str, version: Version) -> String {
    if version < Version::Two {
        return words_of(&sentence_of_json(text).unwrap_or_else(|| text.to_owned()), version);
    }
    let said = structured::sentence(text).or_else(|| sentence_of_json(text)).unwrap_or_else(|| text.to_owned());
    let sentence = words_of(&said, version);
    if has_words(&sentence) {
        return sentence;
    }
    // One value from end to end: what it is made of says more than that it is one.
    match structured::inside(&said) {
        Some(inside) => words_of(&inside, version),
        None => sentence,
    }
}

fn words_of(text: &str, version: Version) -> String {
    let mut sentence = Sentence { version, words: Vec::new(), searched: 0 };
    let classified = parameterize::beyond_words(text);
    let mut rest = classified.as_str();
    while let Some(first) = rest.chars().next() {
        let taken = take(rest, first, &mut sentence).max(first.len_utf8());
        rest = &rest[taken..];
    }
    sentence.words.join(" ")
}

/// What a structured logger was told to say, without the rest of its line; `None` for texts that are no such lines.
pub fn spoken(text: &str) -> Option<String> {
    let said = structured::sentence(text).or_else(|| {
        let text = parameterize::cut(text).trim();
        let object: serde_json::Map<String, serde_json::Value> = text.starts_with('{').then(|| serde_json::from_str(text).ok())??;
        field_of(&object)
    });
    said.filter(|said| has_words(said))
}

fn field_of(object: &serde_json::Map<String, serde_json::Value>) -> Option<String> {
    SENTENCE_FIELDS.iter().find_map(|field| object.get(*field)?.as_str()).map(str::to_owned)
}

/// What a structured logger wrote is one JSON object: the sentence is in one of its fields, else its field names are.
fn sentence_of_json(text: &str) -> Option<String> {
    let text = parameterize::cut(text).trim();
    if !text.starts_with('{') {
        return None;
    }
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).ok()?;
    Some(field_of(&object).unwrap_or_else(|| {
        let mut names: Vec<&str> = object.keys().map(String::as_str).collect();
        names.sort_unstable();
        names.join(" ")
    }))
}

struct Sentence {
    version: Version,
    words: Vec<String>,
    /// Bytes searched in vain so far.
    searched: usize,
}

impl Sentence {
    fn value(&mut self) {
        // The method of a request belongs to its address.
        if self.version >= Version::Two && self.words.last().is_some_and(|last| METHODS.contains(&last.as_str())) {
            self.words.pop();
        }
        if self.words.last().is_none_or(|last| last != VALUE) {
            self.words.push(VALUE.to_owned());
        }
    }

    fn enclosed(&mut self, rest: &str, first: char) -> Option<usize> {
        let may_open = QUOTES.iter().chain(BRACKETS).any(|(open, _)| *open == first);
        if !may_open || self.searched > SEARCHED_MAX {
            return None;
        }
        let found = enclosed(rest, first);
        if found.is_none() {
            self.searched += rest.len();
        }
        found
    }

    /// A noun after a number loses its plural.
    fn constant(&mut self, word: &str) {
        let after_value = self.words.last().is_some_and(|last| last == VALUE);
        self.words.push(if after_value { singular(word) } else { word }.to_owned());
    }
}

/// A noun without its plural.
pub fn singular(word: &str) -> &str {
    word.strip_suffix('s').filter(|stem| stem.len() >= 3 && !stem.ends_with(['s', 'u', 'i'])).unwrap_or(word)
}

/// Reads one thing from the beginning of `rest` and answers how many bytes it took.
fn take(rest: &str, first: char, sentence: &mut Sentence) -> usize {
    if let Some(len) = sentence.enclosed(rest, first).or_else(|| placeholder(rest)) {
        sentence.value();
        return len;
    }
    if first == '=' && sentence.version >= Version::Two && !sentence.words.is_empty() {
        return assigned(rest, sentence);
    }
    if !is_word(first) {
        return first.len_utf8();
    }
    if is_unspaced(first) {
        let len = rest.find(|c: char| !is_unspaced(c)).unwrap_or(rest.len());
        sentence.constant(&rest[..len]);
        return len;
    }
    let len = rest.find(|c: char| !is_word(c) || is_unspaced(c)).unwrap_or(rest.len());
    let word = rest[..len].trim_end_matches(['.', ',', ':', '-', '/', '\'']);
    if is_value(word) || sentence.version >= Version::Two && is_code(word) {
        sentence.value();
    } else if word.contains(char::is_alphanumeric) {
        sentence.constant(word);
    }
    len
}

/// What follows a `=` without a blank is a value, up to the next blank or comma.
fn assigned(rest: &str, sentence: &mut Sentence) -> usize {
    let value = &rest[1..];
    let Some(first) = value.chars().next().filter(|c| !c.is_whitespace() && *c != '=' && *c != '>') else { return 1 };
    let len = sentence
        .enclosed(value, first)
        .unwrap_or_else(|| value.find(|c: char| c.is_whitespace() || ",;)]}".contains(c)).unwrap_or(value.len()));
    sentence.value();
    1 + len
}

/// Length of a quoted string, a list, an object or a representation at the beginning.
fn enclosed(rest: &str, first: char) -> Option<usize> {
    if let Some((_, close)) = QUOTES.iter().find(|(open, _)| *open == first) {
        return quoted(rest, first, *close);
    }
    let (open, close) = *BRACKETS.iter().find(|(open, _)| *open == first)?;
    let mut depth = 0;
    for (at, c) in rest.char_indices() {
        depth += i32::from(c == open) - i32::from(c == close);
        if depth == 0 {
            let names_something = open != '<' || rest[1..].starts_with(char::is_alphabetic);
            return names_something.then_some(at + close.len_utf8());
        }
    }
    let is_cut_data = open != '<' && rest[1..].trim_start().starts_with(|c: char| c.is_ascii_digit() || "\"'[{<".contains(c));
    is_cut_data.then_some(rest.len())
}

/// The closing quote is the first one that no letter follows.
fn quoted(rest: &str, open: char, close: char) -> Option<usize> {
    let inside = &rest[open.len_utf8()..];
    inside.match_indices(close).find_map(|(at, _)| {
        let end = at + close.len_utf8();
        let closes = !inside[end..].starts_with(char::is_alphanumeric);
        closes.then_some(open.len_utf8() + end)
    })
}

/// Length of `%s`, `%(name)s`, `%.2f`. (`{}` and `{name}` are enclosed.)
fn placeholder(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix('%')?;
    let named = if body.starts_with('(') { body.find(')')? + 1 } else { 0 };
    let flags = body[named..].find(|c: char| !(c.is_ascii_digit() || "-+#.l".contains(c)))?;
    let at = named + flags;
    let is_kind = body[at..].starts_with(|c: char| "sdifgeExXorcuajO".contains(c));
    let ends = || !body[at + 1..].starts_with(char::is_alphanumeric);
    (is_kind && ends()).then_some(1 + at + 1)
}

/// Letters, digits and what holds words together. Quotes inside a word (`don't`) belong to it.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() || "_-./:@%#+&~$€£\\',".contains(c)
}

/// Letters of scripts that put no blanks between words, so that a digit beside them is a word of its own.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}')
}

/// A word with a digit, an address, a path.
fn is_value(word: &str) -> bool {
    let slash_count = word.matches(['/', '\\']).count();
    let is_path = word.len() > 1 && (word.starts_with(['/', '\\', '~']) || word.starts_with("./") || word.starts_with("../"));
    let has_address = word.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty());
    word.contains(|c: char| c.is_ascii_digit()) || has_address || is_path || slash_count >= 2 || (slash_count == 1 && word.contains('.'))
}

/// A word that can only be a value: the code of a currency or a locale, or how languages write "nothing".
fn is_code(word: &str) -> bool {
    let is_locale = |word: &str| {
        let bytes = word.as_bytes();
        bytes.len() == 5
            && bytes[..2].iter().all(u8::is_ascii_lowercase)
            && matches!(bytes[2], b'-' | b'_')
            && bytes[3..].iter().all(u8::is_ascii_uppercase)
    };
    CURRENCIES.contains(&word) || NOTHING.contains(&word) || is_locale(word)
}

fn has_words(sentence: &str) -> bool {
    sentence.contains(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_sentence_of_the_source_is_left() {
        for (text, expected) in [
            ("Order INV-3391 of 'Ann' has 1 item", "Order ✱ of ✱ has ✱ item"),
            ("Order INV-77 of 'Bob O'Neil' has 31 items", "Order ✱ of ✱ has ✱ item"),
            ("a %é", "a %é"),
            ("disk at 12.4% (3.1 GB left)", "disk at ✱ GB left"),
            ("cannot read /var/lib/shop/a.csv", "cannot read ✱"),
            ("bad payload {\"a\": [1, 2]} from <Order: 17>", "bad payload ✱ from ✱"),
            ("bad payload {\"a\": [1, 2", "bad payload ✱"),
            ("don't retry and/or wait", "don't retry and/or wait"),
            ("user ann@example.org not found.", "user ✱ not found"),
            ("Order %s failed after %.2f ms", "Order ✱ failed after ✱ ms"),
            ("订单123支付失败", "订单 ✱ 支付失败"),
            ("{\"event\": \"payment failed for 17\", \"level\": \"error\"}", "payment failed for ✱"),
            ("", ""),
        ] {
            assert_eq!(of(text, Version::One), expected);
            assert_eq!(of(text, Version::Two), expected);
        }
    }

    #[test]
    fn version_2_knows_what_loggers_and_programs_write() {
        for (text, expected) in [
            ("payment failed order=17 user=bob state='new'", "payment failed order ✱ user ✱ state ✱"),
            ("a == b", "a b"),
            ("level=error msg=\"payment failed for 17\" user=bob", "payment failed for ✱"),
            ("event='payment failed' order=17 user='bob'", "payment failed"),
            ("rate for GBP is old", "rate for ✱ is old"),
            ("User None not found", "User ✱ not found"),
            ("no template for de_DE", "no template for ✱"),
            ("GET /orders/17/ timed out", "✱ timed out"),
            ("could not GET it", "could not GET it"),
            ("\"payment failed\"", "payment failed"),
            ("{'order': 17, 'reason': 'declined'}", "order reason"),
            ("'17'", "✱"),
        ] {
            assert_eq!(of(text, Version::Two), expected, "{text}");
        }
    }

    #[test]
    fn a_template_is_better_than_the_text_unless_it_says_nothing() {
        fn entry<'a>(message: &'a str, formatted: &'a str) -> LogEntry<'a> {
            LogEntry { message: Some(message.into()), formatted: Some(formatted.into()), ..LogEntry::default() }
        }
        assert_eq!(of_logentry(&entry("hello %s", "hello Ann"), Version::Two).as_deref(), Some("hello ✱"));
        assert_eq!(of_logentry(&entry("hello {name}", "hello Ann"), Version::Two).as_deref(), Some("hello ✱"));
        assert_eq!(of_logentry(&entry("%s", "stock ran out"), Version::Two).as_deref(), Some("stock ran out"));
        assert_eq!(of_logentry(&entry("", ""), Version::Two), None);
    }
}
