//! `!name:pattern`: what is looked at, and what it has to be.

use std::fmt;

use super::Language;
use super::fault::Fault;
use super::glob::{Case, Glob};
use super::is_blank;
use super::scan::{Scan, Word};
use crate::domain::search::nearest;

/// Most matchers of one rule.
pub(super) const MATCHERS_MAX: usize = 20;
/// What is written where nothing shorter says it.
const EXPECTED: &str = "name:pattern, as in error.type:KeyError or message:\"timed out*\"";

/// What is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Type of an exception.
    ErrorType,
    /// Text of an exception.
    ErrorValue,
    /// How an exception was caught.
    Mechanism,
    /// The logged text, or the text of any exception.
    Message,
    /// Name of the logger.
    Logger,
    /// Severity.
    Level,
    /// Version of the application.
    Release,
    /// Name of the SDK.
    Sdk,
    /// Value of a tag.
    Tag(String),
    /// Path of a frame, absolute or relative.
    Path,
    /// Module of a frame.
    Module,
    /// Function of a frame.
    Function,
    /// Library or archive of a frame.
    Package,
    /// Whether a frame is the application's.
    App,
    /// Category of a frame, set by a rule above.
    Category,
    /// What kind of platform it is.
    Family,
}

/// Kinds of platforms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Browsers and Node.
    JavaScript,
    /// C, C++, Objective-C, Swift, Rust.
    Native,
    /// Everything else.
    Other,
}

/// What a [`Subject`] has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// To fit a pattern.
    Fits(Glob),
    /// To fit one of several, as given with commas between.
    FitsOne(Vec<Glob>),
    /// To be so.
    Is(bool),
    /// One of these; empty: any.
    Family(Vec<Family>),
}

/// One condition of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matcher {
    /// It holds where the test does not.
    pub negated: bool,
    /// What is looked at.
    pub subject: Subject,
    /// What it has to be.
    pub test: Test,
}

/// Names with their subjects, the usual one first; whether fingerprint rules and whether stack trace rules know it.
const NAMES: &[(&str, Subject, bool, bool)] = &[
    ("error.type", Subject::ErrorType, true, true),
    ("type", Subject::ErrorType, true, true),
    ("error.value", Subject::ErrorValue, true, true),
    ("value", Subject::ErrorValue, true, true),
    ("error.mechanism", Subject::Mechanism, true, true),
    ("mechanism", Subject::Mechanism, true, true),
    ("message", Subject::Message, true, false),
    ("logger", Subject::Logger, true, false),
    ("level", Subject::Level, true, false),
    ("release", Subject::Release, true, false),
    ("sdk", Subject::Sdk, true, false),
    ("stack.abs_path", Subject::Path, true, true),
    ("path", Subject::Path, true, true),
    ("stack.module", Subject::Module, true, true),
    ("module", Subject::Module, true, true),
    ("stack.function", Subject::Function, true, true),
    ("function", Subject::Function, true, true),
    ("stack.package", Subject::Package, true, true),
    ("package", Subject::Package, true, true),
    ("app", Subject::App, true, true),
    ("category", Subject::Category, false, true),
    ("family", Subject::Family, true, true),
];

impl Matcher {
    /// Reads one; the scan stands at its first character.
    pub(super) fn parse(scan: &mut Scan<'_>, language: Language) -> Result<Self, Fault> {
        let negated = scan.eat("!");
        let at_name = *scan;
        let name = name(scan)?;
        let word = scan.peek_word();
        if !scan.eat(":") {
            let what = if name.is_empty() {
                format!("“{word}” is no matcher")
            } else {
                format!("“{name}” is not followed by a colon and a pattern")
            };
            return Err(at_name.fault(what, EXPECTED));
        }
        if name.is_empty() {
            return Err(at_name.fault("there is no name before the colon", EXPECTED));
        }
        let subject = subject(&name, language).map_err(|(what, expected)| at_name.fault(what, expected))?;
        let at_argument = *scan;
        let argument = argument(scan)?;
        if argument.text.is_empty() {
            return Err(at_argument.fault(format!("nothing stands behind “{name}:”"), "a pattern; * fits anything"));
        }
        let test = test(&subject, &argument).map_err(|(what, expected)| at_argument.fault(what, expected))?;
        Ok(Self { negated, subject, test })
    }
}

fn name(scan: &mut Scan<'_>) -> Result<String, Fault> {
    match scan.quoted()? {
        Some(word) => Ok(word.text),
        None => Ok(scan.take_while(|c| c.is_alphanumeric() || "_.-".contains(c)).to_owned()),
    }
}

fn subject(name: &str, language: Language) -> Result<Subject, (String, String)> {
    let is_known = |of: (bool, bool)| if language == Language::Fingerprint { of.0 } else { of.1 };
    if let Some(key) = name.strip_prefix("tags.").filter(|key| !key.is_empty()) {
        return match language {
            Language::Fingerprint => Ok(Subject::Tag(key.to_owned())),
            Language::Stack => Err(("stack trace rules cannot look at tags".into(), expected_names(language))),
        };
    }
    match NAMES.iter().find(|(known, ..)| *known == name) {
        Some((_, subject, in_fingerprint, in_stack)) if is_known((*in_fingerprint, *in_stack)) => Ok(subject.clone()),
        Some(_) => {
            let language_name = if language == Language::Fingerprint { "fingerprint rules" } else { "stack trace rules" };
            Err((format!("{language_name} cannot look at “{name}”"), expected_names(language)))
        }
        None => {
            let known = NAMES.iter().filter(|(_, _, a, b)| is_known((*a, *b))).map(|(known, ..)| *known);
            let expected = nearest(name, known).map_or_else(|| expected_names(language), |meant| format!("{meant}, perhaps"));
            Err((format!("there is nothing called “{name}” to look at"), expected))
        }
    }
}

fn expected_names(language: Language) -> String {
    let is_first = |at: usize| NAMES[..at].iter().all(|(_, subject, ..)| *subject != NAMES[at].1);
    let is_known = |at: usize| if language == Language::Fingerprint { NAMES[at].2 } else { NAMES[at].3 };
    let names = (0..NAMES.len()).filter(|at| is_first(*at) && is_known(*at)).map(|at| NAMES[at].0);
    let tags = if language == Language::Fingerprint { Some("tags.NAME") } else { None };
    format!("one of {}", names.chain(tags).collect::<Vec<_>>().join(", "))
}

/// In quotes, or up to the next blank.
fn argument(scan: &mut Scan<'_>) -> Result<Word, Fault> {
    if let Some(word) = scan.quoted()? {
        if !scan.is_done() && !scan.rest().starts_with(|c: char| is_blank(c) || c == ']') {
            return Err(scan.fault("something stands right behind the closing quote", "a blank"));
        }
        return Ok(word);
    }
    let column = scan.column();
    let raw = scan.take_while(|c| !is_blank(c));
    let mut text = raw.replace("\\\\", "\u{0}").replace("\\\"", "\"").replace('\u{0}', "\\\\");
    if text.chars().rev().take_while(|c| *c == '\\').count() % 2 == 1 {
        text.push('\\');
    }
    Ok(Word { text, is_quoted: false, column })
}

fn test(subject: &Subject, word: &Word) -> Result<Test, (String, String)> {
    let text = word.text.as_str();
    let fits =
        |case| Glob::parse(text, case).map(Test::Fits).map_err(|what| (what, "a pattern of letters, *, ?, [a-z] and {a,b}".to_owned()));
    match subject {
        Subject::App => match text.to_ascii_lowercase().as_str() {
            "yes" | "true" | "1" => Ok(Test::Is(true)),
            "no" | "false" | "0" => Ok(Test::Is(false)),
            _ => Err((format!("“{text}” says neither yes nor no"), "app:yes or app:no".into())),
        },
        Subject::Family => families(text).map(Test::Family),
        Subject::Sdk => {
            let globs = text.split(',').map(|one| Glob::parse(one.trim(), Case::Folded)).collect::<Result<Vec<_>, _>>();
            globs.map(Test::FitsOne).map_err(|what| (what, "names of SDKs, as in sdk:sentry.javascript.*".into()))
        }
        Subject::Path | Subject::Package => fits(Case::Path),
        Subject::Message | Subject::ErrorValue | Subject::Level => fits(Case::Folded),
        _ => fits(Case::Exact),
    }
}

fn families(text: &str) -> Result<Vec<Family>, (String, String)> {
    let mut found = Vec::new();
    let mut any = false;
    for name in text.split(',').map(str::trim) {
        match name {
            "all" => any = true,
            "javascript" => found.push(Family::JavaScript),
            "native" => found.push(Family::Native),
            "other" => found.push(Family::Other),
            _ => {
                return Err((
                    format!("there is no family called “{name}”"),
                    "javascript, native, other or all, with commas between".into(),
                ));
            }
        }
    }
    Ok(if any { Vec::new() } else { found })
}

impl fmt::Display for Matcher {
    /// As it can be written in a rule.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negated {
            f.write_str("!")?;
        }
        match &self.subject {
            Subject::Tag(key) if key.chars().all(|c| c.is_alphanumeric() || "_.-".contains(c)) => write!(f, "tags.{key}:")?,
            Subject::Tag(key) => write!(f, "\"tags.{}\":", key.replace('"', "\\\""))?,
            subject => write!(f, "{}:", NAMES.iter().find(|(_, known, ..)| known == subject).map_or("", |(name, ..)| name))?,
        }
        match &self.test {
            Test::Is(so) => f.write_str(if *so { "yes" } else { "no" }),
            Test::Fits(glob) => write_pattern(f, glob.source()),
            Test::FitsOne(globs) => write_pattern(f, &globs.iter().map(Glob::source).collect::<Vec<_>>().join(",")),
            Test::Family(families) if families.is_empty() => f.write_str("all"),
            Test::Family(families) => f.write_str(&families.iter().map(|family| family.name()).collect::<Vec<_>>().join(",")),
        }
    }
}

fn write_pattern(f: &mut fmt::Formatter<'_>, source: &str) -> fmt::Result {
    let is_plain = |c: char| c.is_alphanumeric() || "_-./:@*+<>".contains(c);
    if source.chars().all(is_plain) { f.write_str(source) } else { write!(f, "\"{}\"", source.replace('"', "\\\"")) }
}

impl Family {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::JavaScript => "javascript",
            Self::Native => "native",
            Self::Other => "other",
        }
    }

    /// Of a platform of the protocol.
    pub fn of_platform(platform: &str) -> Self {
        match platform {
            "javascript" | "node" => Self::JavaScript,
            "native" | "c" | "cpp" | "cocoa" | "objc" | "swift" | "rust" => Self::Native,
            _ => Self::Other,
        }
    }
}

/// A pattern that fits this text, in quotes; of a long one its beginning.
pub fn pattern_of(text: &str) -> String {
    const TAKEN_MAX: usize = 120;
    let mut pattern = String::from("\"");
    for c in text.chars().take(TAKEN_MAX) {
        match c {
            '\n' => pattern.push_str("\\n"),
            '\r' => pattern.push_str("\\r"),
            '\t' => pattern.push_str("\\t"),
            '"' | '\\' | '*' | '?' | '[' | ']' | '{' | '}' => pattern.extend(['\\', c]),
            c => pattern.push(c),
        }
    }
    if text.chars().nth(TAKEN_MAX).is_some() {
        pattern.push('*');
    }
    pattern.push('"');
    pattern
}
