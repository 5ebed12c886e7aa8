//! Replaces the values in a text by their class: `order 17 of ann@example.org` is `order <int> of <email>`.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What of a text is looked at, in bytes.
const TEXT_LEN_MAX: usize = 8_192;
/// Lines that count; what follows them is detail.
const LINES_MAX: usize = 2;

/// Class and pattern, first match wins. Every pattern stands between word boundaries or brings its own.
const CLASSES: &[(&str, &str)] = &[
    ("email", r"\b[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9-]+)+\b"),
    ("url", r#"\b[a-z][a-z0-9+.-]{1,20}://[^\s'"<>\])}]+"#),
    (
        "hostname",
        r"\b(?:[a-zA-Z0-9][a-zA-Z0-9-]{0,62}\.)+(?:com|net|org|edu|gov|mil|info|biz|io|dev|app|cloud|co|ai|eu|us|uk|de|fr|es|it|nl|be|ch|at|se|no|fi|dk|pl|cz|ru|ua|in|cn|jp|kr|br|au|nz|ca|mx|za|internal|local|lan|intranet|localdomain|test|example|invalid)\b(?::[0-9]{1,5}\b)?",
    ),
    (
        "ip",
        r"\b(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b(?::[0-9]{1,5}\b)?|(?:\b[0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F]{1,4}\b|\b(?:[0-9a-fA-F]{1,4}:){1,6}:(?:[0-9a-fA-F]{1,4}\b)?",
    ),
    ("traceparent", r"\b00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]\b"),
    ("uuid", r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b"),
    ("sha1", r"\b[0-9a-fA-F]{40}\b"),
    ("md5", r"\b[0-9a-fA-F]{32}\b"),
    (
        "date",
        concat!(
            r"\bdatetime\.datetime\([^)]*\)|",
            r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?:[.,][0-9]{1,9})?(?:\s?(?:Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2}))?)?\b|",
            r"\b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,?\s+)?(?:[0-9]{1,2}[ -](?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*[ -][0-9]{2,4}|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.? [0-9]{1,2},?(?: [0-9]{4})?)(?:,? [0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)?(?: ?(?:[AaPp][Mm]|UTC|GMT|Z|[+-][0-9]{4}))?(?: [0-9]{4})?\b|",
            r"\b[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?(?: ?[AaPp][Mm])?\b"
        ),
    ),
    ("duration", r"\b[0-9]+(?:\.[0-9]+)?(?:ns|us|µs|ms|s|sec|secs|min|mins|h|hrs|d)\b"),
    (
        "hex",
        r"\b0[xX][0-9a-fA-F]+\b|\b(?:[a-f]{0,127}[0-9][0-9a-f]*[a-f][0-9a-f]*|[0-9]+[a-f][0-9a-f]*|[a-f]+[0-9][0-9a-f]*)\b|\b(?:[0-9]+[A-F][0-9A-F]*|[A-F]+[0-9][0-9A-F]*)\b",
    ),
    ("float", r"[+-]?\b[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?\b"),
    ("int", r"[+-]?\b[0-9]+\b"),
    ("quoted", r#"='[^'\n]*'|="[^"\n]*""#),
    ("bool", r"=(?:[Tt]rue|[Ff]alse)\b"),
];

/// Classes whose values may hold blanks or no digit at all, so that looking at single words does not find them.
const BEYOND_WORDS: &[&str] = &["email", "url", "hostname", "date"];

static ALL: LazyLock<Regex> = LazyLock::new(|| {
    let classes: Vec<String> = CLASSES.iter().map(|(_, pattern)| format!("({pattern})")).collect();
    Regex::new(&classes.join("|")).expect("the patterns are constants")
});
static FEW: LazyLock<Regex> = LazyLock::new(|| {
    let few = CLASSES.iter().filter(|(name, _)| BEYOND_WORDS.contains(name));
    let classes: Vec<String> = few.map(|(_, pattern)| format!("(?:{pattern})")).collect();
    Regex::new(&classes.join("|")).expect("the patterns are constants")
});

/// The first two lines that are not empty, values replaced.
pub fn of(text: &str) -> String {
    let text = first_lines(text);
    ALL.replace_all(&text, class_of).into_owned()
}

/// As [`of`], but only values that a look at single words would miss.
pub fn beyond_words(text: &str) -> String {
    FEW.replace_all(&first_lines(text), "<value>").into_owned()
}

fn class_of(found: &Captures<'_>) -> String {
    let class = CLASSES.iter().zip(1..).find(|(_, group)| found.get(*group).is_some());
    let name = class.map_or("value", |((name, _), _)| name);
    let whole = found.get(0).map_or("", |whole| whole.as_str());
    let is_short_hex = name == "hex" && whole.len() < 7 && !whole.starts_with("0x") && !whole.starts_with("0X");
    match name {
        _ if is_short_hex => whole.to_owned(),
        "quoted" | "bool" => format!("=<{name}>"),
        _ => format!("<{name}>"),
    }
}

/// The first two lines that are not empty, of at most 8 kB.
pub fn first_lines(text: &str) -> String {
    cut(text).lines().map(str::trim).filter(|line| !line.is_empty()).take(LINES_MAX).collect::<Vec<_>>().join("\n")
}

/// At most 8 kB, cut between characters.
pub fn cut(text: &str) -> &str {
    let mut end = text.len().min(TEXT_LEN_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn values_become_their_class() {
        for (text, expected) in [
            ("mail to ann.b+x@corp.example.net bounced", "mail to <email> bounced"),
            ("GET https://pay.example.com/v1?x=1 failed", "GET <url> failed"),
            ("host db-3.internal:5432 refused", "host <hostname> refused"),
            ("from 10.0.0.7:8080 and fe80::1", "from <ip> and <ip>"),
            ("job 0b7f9f0e-1c2d-4e5f-8a9b-0c1d2e3f4a5b", "job <uuid>"),
            ("at 2026-11-20T08:29:16.189Z", "at <date>"),
            ("on Fri, 20 Nov 2026 08:29:16 GMT", "on <date>"),
            ("took 12ms, 1.5s", "took <duration>, <duration>"),
            ("object at 0x7f10d1f9", "object at <hex>"),
            ("commit 3f2a91b", "commit <hex>"),
            ("order 17, price -3.50", "order <int>, price <float>"),
            ("status='paid' ok=True", "status=<quoted> ok=<bool>"),
            ("one\n\n two \nthree", "one\ntwo"),
            ("add a bad face", "add a bad face"),
        ] {
            assert_eq!(of(text), expected);
        }
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert!(of(&"ü".repeat(9_000)).len() <= 8_192);
    }
}
