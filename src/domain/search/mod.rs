//! The language of the search box: what somebody asks of the issue list, as conditions that must all hold.
//!
//! `key:value` pairs and words in any order; `!` for not, `*` for anything, `[a,b]` for any of, `>` `>=` `<` `<=`, quotes for blanks.
//! Nothing is silently ignored: what cannot be understood is a [`Problem`] that says so.

mod parse;
mod suggest;
mod values;

use time::OffsetDateTime;

use crate::domain::issue::Status;
use crate::domain::level::Level;
use crate::domain::person::Person;

pub use parse::parse;
pub use suggest::{nearest, unknown_key};

/// Longest search that is read, in bytes: it comes from a URL.
pub const QUERY_LEN_MAX: usize = 2_000;
/// Most conditions in one search.
pub const TERMS_MAX: usize = 30;
/// Most values between brackets.
pub const VALUES_MAX: usize = 50;

/// Conditions that must all hold. Empty: everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// In the order written.
    pub terms: Vec<Term>,
}

/// One condition, with its text so that a page can offer the search without it.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// Written with `!`.
    pub negated: bool,
    /// What must hold (or not).
    pub test: Test,
    /// As written.
    pub source: String,
}

/// What is asked of an issue. Lists mean "any of".
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// `is:`
    Is(Vec<State>),
    /// `level:`; a comparison has become the levels it covers.
    Level(Vec<Level>),
    /// `environment:`
    Environment(Vec<Pattern>),
    /// `release:`
    Release(Vec<Pattern>),
    /// A column of the issue: `type:`, `culprit:`, `logger:`, `platform:`.
    Column(Column, Vec<Pattern>),
    /// Any other key: a tag by its name.
    Tag(String, Vec<Pattern>),
    /// `has:`
    Has(String),
    /// `user.id:` and the like.
    Person(Vec<Person>),
    /// `user.email:`. People who also sent an id are counted by the id, so the address itself is needed beside its hash.
    Email(Vec<Person>, Vec<String>),
    /// `first:` and `last:`; at or after the first, before the second.
    Seen(Seen, Option<OffsetDateTime>, Option<OffsetDateTime>),
    /// `events:` and `users:`; both ends included.
    Count(Counted, Option<i64>, Option<i64>),
    /// A word: in type, value or culprit, or the short id.
    Text(Pattern),
}

/// A state that `is:` can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// What people decided.
    Status(Status),
    /// First seen at or after this moment.
    NewSince(OffsetDateTime),
    /// Came back after it was resolved, and nobody has decided since.
    Regressed,
    /// Its spike alert is firing.
    Spiking,
    /// Unresolved, and new (since this moment), regressed or spiking.
    ForTriage(OffsetDateTime),
    /// Whether the application caught it.
    Handled(bool),
}

/// A column that can be asked for by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// The exception's class.
    Type,
    /// Where it was raised.
    Culprit,
    /// The logger of a message.
    Logger,
    /// `python`, `javascript`, ….
    Platform,
}

/// Which sighting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The first.
    First,
    /// The last.
    Last,
}

/// Which number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Events.
    Events,
    /// Affected people.
    Users,
}

/// A value in which `*` stands for anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// Takes the text as written; control characters, which Postgres may refuse, are dropped.
    pub fn new(raw: &str) -> Self {
        Self(raw.chars().filter(|c| !c.is_control()).collect())
    }

    /// The value, where it has no `*`.
    pub fn exact(&self) -> Option<&str> {
        (!self.0.contains('*')).then_some(self.0.as_str())
    }

    /// The text as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As a `LIKE` pattern for the whole value, with backslash as escape.
    pub fn like(&self) -> String {
        let mut like = String::with_capacity(self.0.len() + 4);
        for c in self.0.chars() {
            match c {
                '*' => like.push('%'),
                '%' | '_' | '\\' => like.extend(['\\', c]),
                _ => like.push(c),
            }
        }
        like
    }

    /// As a `LIKE` pattern for a part of a text.
    pub fn like_within(&self) -> String {
        format!("%{}%", self.like())
    }
}

/// What could not be understood, in words for the person who typed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// One or two sentences.
    pub message: String,
    /// The whole search as it was probably meant.
    pub suggestion: Option<String>,
}

impl Problem {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), suggestion: None }
    }
}

impl Query {
    /// The names of tags that are asked for, so that somebody who knows the tags can say which do not exist.
    pub fn tag_keys(&self) -> impl Iterator<Item = &str> {
        self.terms.iter().filter_map(|term| match &term.test {
            Test::Tag(key, _) => Some(key.as_str()),
            Test::Has(key) if !matches!(key.as_str(), "environment" | "release" | "user") => Some(key.as_str()),
            _ => None,
        })
    }

    /// The search without its term number `index`.
    pub fn without(&self, index: usize) -> String {
        let rest = self.terms.iter().enumerate().filter(|(n, _)| *n != index).map(|(_, term)| term.source.as_str());
        rest.collect::<Vec<_>>().join(" ")
    }
}
