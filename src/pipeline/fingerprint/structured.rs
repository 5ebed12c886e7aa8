//! Lines of structured loggers that are no JSON: `level=error msg="payment failed" order=17`. (Since version 2.)

use std::sync::LazyLock;

use regex::Regex;

use super::parameterize;

/// Where the sentence is, the better ones first.
const SENTENCE_KEYS: &[&str] = &["event", "message", "msg"];
/// So many pairs make a line one of a logger, and not a sentence that mentions one.
const PAIRS_MIN: usize = 2;

/// `key=value`, the value in quotes or without blanks.
static PAIR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?:^|\s)([A-Za-z_][\w.-]*)=(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(\S*))"#).expect("the pattern is a constant")
});
/// `'key':` of a dictionary as Python writes it.
static DICT_KEY: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"[{,]\s*['"](\w+)['"]\s*:"#).expect("the pattern is a constant"));

/// The sentence in a line that begins with a pair and has more of them.
pub fn sentence(text: &str) -> Option<String> {
    let text = parameterize::cut(text).trim();
    let before = text.split(char::is_whitespace).next().unwrap_or_default();
    if !before.contains('=') {
        return None;
    }
    let pairs: Vec<_> = PAIR.captures_iter(text).collect();
    if pairs.len() < PAIRS_MIN {
        return None;
    }
    let value = |key: &str| {
        let pair = pairs.iter().find(|pair| &pair[1] == key)?;
        let value = pair.get(2).or(pair.get(3)).or(pair.get(4))?.as_str();
        (!value.is_empty()).then(|| value.to_owned())
    };
    SENTENCE_KEYS.iter().find_map(|key| value(key))
}

/// What is inside of a text that is in quotes as a whole, or the keys of a dictionary.
pub fn inside(text: &str) -> Option<String> {
    let text = parameterize::cut(text).trim();
    if text.starts_with('{') {
        let mut keys: Vec<&str> = DICT_KEY.captures_iter(text).filter_map(|found| Some(found.get(1)?.as_str())).collect();
        keys.sort_unstable();
        keys.dedup();
        return (!keys.is_empty()).then(|| keys.join(" "));
    }
    let quote = text.chars().next().filter(|first| matches!(first, '\'' | '"' | '`'))?;
    text.strip_prefix(quote)?.strip_suffix(quote).map(str::to_owned)
}
