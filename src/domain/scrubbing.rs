//! What a project wants taken out of its events, and what stands where something was taken out.

use std::fmt;

/// Most names and fields of one list.
pub const ENTRIES_MAX: usize = 200;
/// Longest of them, in characters.
pub const ENTRY_LEN_MAX: usize = 100;
/// Most parts of all safe paths together (`extra.order.kind` has three).
pub const PATH_PARTS_MAX: usize = 60;

/// What every replacement begins with; SDKs use the same word.
pub const MARK: &str = "[Filtered";

/// Why something was taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// It stood under a name that promises a secret, or looked like a session in a cookie.
    Name,
    /// A payment card number.
    Card,
    /// A private key in PEM.
    PrivateKey,
    /// A JSON web token.
    JsonWebToken,
    /// What follows `Bearer` or `Basic`.
    Credentials,
    /// `scheme://user:password@host`.
    UrlPassword,
    /// A token of a well-known service, by its beginning.
    Token,
    /// An e-mail address, where the project does not keep them.
    Email,
    /// An IP address, where the project does not keep them.
    Address,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Name,
        Self::Card,
        Self::PrivateKey,
        Self::JsonWebToken,
        Self::Credentials,
        Self::UrlPassword,
        Self::Token,
        Self::Email,
        Self::Address,
    ];

    /// What stands in place of it.
    pub const fn marker(self) -> &'static str {
        match self {
            Self::Name => "[Filtered]",
            Self::Card => "[Filtered card number]",
            Self::PrivateKey => "[Filtered private key]",
            Self::JsonWebToken => "[Filtered JWT]",
            Self::Credentials => "[Filtered credentials]",
            Self::UrlPassword => "[Filtered URL password]",
            Self::Token => "[Filtered token]",
            Self::Email => "[Filtered e-mail]",
            Self::Address => "[Filtered IP address]",
        }
    }

    /// `card number`; '' for [`Rule::Name`].
    pub fn label(self) -> &'static str {
        self.marker().strip_prefix(MARK).map_or("", |label| label.trim_end_matches(']').trim_start())
    }

    /// The rule in a sentence, for people.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Name => "Its name promises a secret.",
            Self::Card => "It was a payment card number.",
            Self::PrivateKey => "It was a private key.",
            Self::JsonWebToken => "It was a JSON web token.",
            Self::Credentials => "It stood behind “Bearer” or “Basic”.",
            Self::UrlPassword => "It was a password in an address.",
            Self::Token => "It was a token or key of a well-known service.",
            Self::Email => "This project does not keep e-mail addresses.",
            Self::Address => "This project does not keep IP addresses.",
        }
    }
}

/// The first replacement in a text: where it begins, how long it is, and why.
pub fn find_marker(text: &str) -> Option<(usize, usize, Rule)> {
    text.match_indices(MARK).find_map(|(at, _)| {
        let rest = &text[at..];
        let rule = Rule::ALL.into_iter().find(|rule| rest.starts_with(rule.marker()))?;
        Some((at, rule.marker().len(), rule))
    })
}

/// Whether something was taken out of a text.
pub fn is_scrubbed(text: &str) -> bool {
    find_marker(text).is_some()
}

/// A text with a word in place of each replacement, for where brackets and blanks cannot stand.
pub fn with_markers_as(text: &str, word: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((at, len, _)) = find_marker(rest) {
        out.push_str(&rest[..at]);
        out.push_str(word);
        rest = &rest[at + len..];
    }
    out + rest
}

/// What is done with IP addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Addresses {
    /// They are kept.
    #[default]
    Keep,
    /// They are not kept where they say whose request it was: user, `REMOTE_ADDR`, headers of proxies.
    Drop,
    /// Nor anywhere in a text.
    DropEverywhere,
}

impl Addresses {
    /// As stored and sent by the form.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Drop => "drop",
            Self::DropEverywhere => "drop_everywhere",
        }
    }

    /// From [`Addresses::name`].
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Keep, Self::Drop, Self::DropEverywhere].into_iter().find(|choice| choice.name() == name)
    }
}

/// The choices of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scrubbing {
    /// The rules that are on by default. Off: only keys and tokens that cannot be anything else, and what the project names itself.
    pub has_defaults: bool,
    /// Names whose values are secrets besides those that are known: `iban`, `*pin`, `personal*`.
    pub names: Vec<String>,
    /// Names, and paths with dots (`extra.order.session_kind`), where only keys and tokens that cannot be anything else are taken out.
    pub safe: Vec<String>,
    /// E-mail addresses are kept.
    pub keeps_emails: bool,
    /// What is done with IP addresses.
    pub addresses: Addresses,
}

impl Default for Scrubbing {
    fn default() -> Self {
        Self { has_defaults: true, names: vec![], safe: vec![], keeps_emails: true, addresses: Addresses::Keep }
    }
}

/// A line that is no name and no path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// From 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line {}: {}", self.line, self.why)
    }
}

/// Names of secrets, one per line or with commas between.
pub fn parse_names(text: &str) -> Result<Vec<String>, Vec<BadLine>> {
    parse(text, |entry| check_part(entry.trim_matches('*'), entry))
}

/// Safe names and paths, likewise.
pub fn parse_safe(text: &str) -> Result<Vec<String>, Vec<BadLine>> {
    let mut parts = 0;
    parse(text, |entry| {
        if !entry.contains('.') {
            return check_part(entry.trim_matches('*'), entry);
        }
        parts += entry.split('.').count();
        if parts > PATH_PARTS_MAX {
            return Err(format!("the paths have more than {PATH_PARTS_MAX} parts together"));
        }
        entry.split('.').try_for_each(|part| if part == "*" { Ok(()) } else { check_part(part, entry) })
    })
}

fn check_part(part: &str, whole: &str) -> Result<(), String> {
    if part.contains('*') {
        return Err(format!("in “{whole}” a star stands inside a name; it may only stand for a whole part, or begin or end a name"));
    }
    if !part.contains(char::is_alphanumeric) {
        return Err(format!("“{whole}” has no letter or digit where a name should be"));
    }
    Ok(())
}

fn parse(text: &str, mut check: impl FnMut(&str) -> Result<(), String>) -> Result<Vec<String>, Vec<BadLine>> {
    let (mut entries, mut faults) = (Vec::new(), Vec::new());
    for (n, line) in text.lines().enumerate() {
        for entry in line.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let fault = if entry.chars().count() > ENTRY_LEN_MAX {
                Some(format!("it is longer than {ENTRY_LEN_MAX} characters"))
            } else if entry.chars().any(char::is_control) {
                Some("it holds characters that cannot be seen".to_owned())
            } else if entries.len() == ENTRIES_MAX {
                Some(format!("there are more than {ENTRIES_MAX} entries"))
            } else {
                check(entry).err()
            };
            match fault {
                Some(why) => faults.push(BadLine { line: n + 1, why }),
                None if entries.iter().any(|known| known == entry) => {}
                None => entries.push(entry.to_owned()),
            }
        }
    }
    if faults.is_empty() { Ok(entries) } else { Err(faults) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_marker_is_found_and_says_why() {
        for rule in Rule::ALL {
            let text = format!("[Filtered or so] paid with {} today", rule.marker());
            assert_eq!(find_marker(&text), Some((27, rule.marker().len(), rule)));
        }
        assert!(!is_scrubbed("[Filtered by me] [Filter]"));
        assert_eq!(with_markers_as("a=[Filtered]&b=[Filtered JWT]!", "X"), "a=X&b=X!");
        assert_eq!((Rule::Name.label(), Rule::Card.label()), ("", "card number"));
    }

    #[test]
    fn lists_are_read_by_line_and_by_comma() {
        assert_eq!(parse_names("iban, pin*\n\n  Personnummer \niban"), Ok(vec!["iban".into(), "pin*".into(), "Personnummer".into()]));
        assert_eq!(parse_safe("token_type\nextra.*.session_kind"), Ok(vec!["token_type".to_owned(), "extra.*.session_kind".to_owned()]));
        assert_eq!(parse_names(""), Ok(vec![]));
    }

    #[test]
    fn what_is_wrong_is_said_by_line() {
        let lines = |faults: Result<_, Vec<BadLine>>| faults.unwrap_err().iter().map(|fault| fault.line).collect::<Vec<_>>();
        assert_eq!(lines(parse_names("iban\na*b\n***\n--")), [2, 3, 4]);
        assert_eq!(lines(parse_safe("extra..x\nextra.a*\n.x")), [1, 2, 3]);
        assert_eq!(lines(parse_names(&"x".repeat(101))), [1]);
        assert_eq!(lines(parse_safe(&format!("ok\n{}a", "a.".repeat(70)))), [2]);
        assert_eq!(lines(parse_names(&(0..205).map(|n| format!("n{n}")).collect::<Vec<_>>().join("\n"))), [201, 202, 203, 204, 205]);
    }

    #[test]
    fn choices_of_addresses_go_there_and_back() {
        for choice in [Addresses::Keep, Addresses::Drop, Addresses::DropEverywhere] {
            assert_eq!(Addresses::parse(choice.name()), Some(choice));
        }
    }
}
