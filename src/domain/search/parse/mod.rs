//! From the text of the box to conditions.

use time::{Duration, OffsetDateTime};

use super::values::{self, Compare};
use super::{Column, Counted, Pattern, Problem, QUERY_LEN_MAX, Query, Seen, State, TERMS_MAX, Term, Test, VALUES_MAX};
use crate::domain::issue::Status;
use crate::domain::level::Level;
use crate::domain::person::Person;

/// How long an issue is called new.
const NEW_FOR: Duration = Duration::hours(24);

/// Reads a search; `now` is what relative times count from. The first thing that cannot be understood is the answer.
pub fn parse(text: &str, now: OffsetDateTime) -> Result<Query, Problem> {
    if text.len() > QUERY_LEN_MAX {
        return Err(Problem::new(format!("This search is too long; {QUERY_LEN_MAX} characters are read at most.")));
    }
    let mut terms = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if terms.len() == TERMS_MAX {
            return Err(Problem::new(format!("This search has more than {TERMS_MAX} conditions.")));
        }
        let (term, after) = term(rest, text, now)?;
        terms.extend(term);
        rest = after.trim_start();
    }
    Ok(Query { terms })
}

/// Reads one condition from the start of `rest`.
fn term<'a>(rest: &'a str, whole: &str, now: OffsetDateTime) -> Result<(Option<Term>, &'a str), Problem> {
    let (negated, body) = match rest.strip_prefix('!') {
        Some(body) if !body.is_empty() && !body.starts_with(char::is_whitespace) => (true, body),
        _ => (false, rest),
    };
    let (key, after_key) = key(body);
    let (value, after) = value(after_key, whole)?;
    let source = rest[..rest.len() - after.len()].to_owned();
    let test = match key {
        Some(key) => pair(key, &value, now)?,
        None => value.into_iter().next().filter(|word| !word.is_empty()).map(|word| Test::Text(Pattern::new(&word))),
    };
    // A title pasted into the box: `ValueError: …`. What looks like a key without a value is a word.
    let test = test.or_else(|| key.map(|key| Test::Text(Pattern::new(key))));
    Ok((test.map(|test| Term { negated, test, source }), after))
}

/// The key before a colon, where there is one; `http://…` is a word.
fn key(body: &str) -> (Option<&str>, &str) {
    let end = body.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '-'))).unwrap_or(body.len());
    match body[end..].strip_prefix(':') {
        Some(value) if end > 0 && !value.starts_with("//") && !value.starts_with("\\") => (Some(&body[..end]), value),
        _ => (None, body),
    }
}

/// One value, or the list between brackets. Empty where nothing follows.
fn value<'a>(text: &'a str, whole: &str) -> Result<(Vec<String>, &'a str), Problem> {
    if let Some(list) = text.strip_prefix('[')
        && let Some(end) = list.find(']')
    {
        let parts: Vec<String> = list[..end].split(',').map(|part| part.trim().trim_matches('"').to_owned()).collect();
        if parts.len() > VALUES_MAX {
            return Err(Problem::new(format!("A list may hold {VALUES_MAX} values at most.")));
        }
        return Ok((parts.into_iter().filter(|part| !part.is_empty()).collect(), &list[end + 1..]));
    }
    let (operator, bare) = text.split_at(text.find(|c| c != '>' && c != '<' && c != '=').unwrap_or(text.len()));
    if let Some(quoted) = bare.strip_prefix('"') {
        let Some(end) = quoted.find('"') else {
            let message = "A quotation mark is opened and never closed.";
            return Err(Problem { message: message.into(), suggestion: Some(format!("{}\"", whole.trim_end())) });
        };
        return Ok((vec![format!("{operator}{}", &quoted[..end])], &quoted[end + 1..]));
    }
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    Ok((Some(&text[..end]).filter(|word| !word.is_empty()).map(str::to_owned).into_iter().collect(), &text[end..]))
}

/// The condition of a `key:value` pair; `None` for a word with a colon at its end.
fn pair(key: &str, values: &[String], now: OffsetDateTime) -> Result<Option<Test>, Problem> {
    let known = known_key(key);
    if values.is_empty() {
        return match known {
            Some(key) => Err(Problem::new(format!("“{key}:” needs a value."))),
            None => Ok(None),
        };
    }
    let patterns = || patterns_of(values);
    Ok(Some(match known.unwrap_or(key) {
        "is" => Test::Is(values.iter().map(|value| state(value, now)).collect::<Result<_, _>>()?),
        "level" => Test::Level(levels(values)?),
        "environment" => Test::Environment(patterns()),
        "release" => Test::Release(patterns()),
        "type" => Test::Column(Column::Type, patterns()),
        "culprit" => Test::Column(Column::Culprit, patterns()),
        "logger" => Test::Column(Column::Logger, patterns()),
        "platform" => Test::Column(Column::Platform, patterns()),
        "has" => Test::Has(values[0].clone()),
        "first" => seen(Seen::First, key, &values[0], now)?,
        "last" => seen(Seen::Last, key, &values[0], now)?,
        "events" => count(Counted::Events, key, &values[0])?,
        "users" => count(Counted::Users, key, &values[0])?,
        "user.id" => Test::Person(values.iter().filter_map(|v| Person::of(Some(v), None, None, None)).collect()),
        "user.username" => Test::Person(values.iter().filter_map(|v| Person::of(None, Some(v), None, None)).collect()),
        "user.email" => email(values),
        "user.ip" => Test::Person(values.iter().filter_map(|v| Person::of(None, None, None, Some(v))).collect()),
        tag => Test::Tag(tag.to_owned(), patterns()),
    }))
}

/// The field behind a key, aliases of Sentry's search included; `None`: a tag.
fn known_key(key: &str) -> Option<&'static str> {
    Some(match key {
        "is" => "is",
        "level" => "level",
        "environment" | "env" => "environment",
        "release" => "release",
        "type" | "error.type" => "type",
        "culprit" => "culprit",
        "logger" => "logger",
        "platform" | "platform.name" => "platform",
        "has" => "has",
        "first" | "firstSeen" | "first_seen" | "age" => "first",
        "last" | "lastSeen" | "last_seen" => "last",
        "events" | "times_seen" | "timesSeen" => "events",
        "users" | "user_count" => "users",
        "user.id" => "user.id",
        "user.username" => "user.username",
        "user.email" => "user.email",
        "user.ip" | "user.ip_address" => "user.ip",
        _ => return None,
    })
}

/// Stored texts have no control characters, and Postgres refuses NUL.
fn email(values: &[String]) -> Test {
    let people = values.iter().filter_map(|value| Person::of(None, None, Some(value), None)).collect();
    Test::Email(people, patterns_of(values).iter().map(|pattern| pattern.as_str().to_owned()).collect())
}

fn patterns_of(values: &[String]) -> Vec<Pattern> {
    values.iter().map(|value| Pattern::new(value)).collect()
}

fn state(word: &str, now: OffsetDateTime) -> Result<State, Problem> {
    Ok(match word {
        "new" => State::NewSince(now - NEW_FOR),
        "regressed" => State::Regressed,
        "spiking" | "escalating" => State::Spiking,
        "triage" | "for_review" => State::ForTriage(now - NEW_FOR),
        "handled" => State::Handled(true),
        "unhandled" => State::Handled(false),
        other => match Status::parse(other) {
            Some(status) => State::Status(status),
            None => {
                let known = "unresolved, resolved, ignored, new, regressed, spiking, triage, handled or unhandled";
                return Err(Problem::new(format!("An issue is never “{other}”. “is:” knows {known}.")));
            }
        },
    })
}

fn levels(values: &[String]) -> Result<Vec<Level>, Problem> {
    let mut levels = Vec::new();
    for value in values {
        let (compare, word) = Compare::split(value);
        let Some(level) = Level::parse(word) else {
            return Err(Problem::new(format!("There is no level “{word}”. Levels are fatal, error, warning, info and debug.")));
        };
        levels.extend(Level::ALL.into_iter().filter(|other| compare.holds(other.cmp(&level))));
    }
    Ok(levels)
}

fn seen(which: Seen, key: &str, value: &str, now: OffsetDateTime) -> Result<Test, Problem> {
    let Some((from, until)) = values::period(value, now) else {
        let examples = format!("{key}:-24h, {key}:>2026-11-18 or {key}:2026-11-18");
        return Err(Problem::new(format!("“{value}” is not a time. Write it like {examples}.")));
    };
    Ok(Test::Seen(which, from, until))
}

fn count(which: Counted, key: &str, value: &str) -> Result<Test, Problem> {
    let Some((min, max)) = values::range(value) else {
        return Err(Problem::new(format!("“{value}” is not a number. Write it like {key}:>100 or {key}:1.")));
    };
    Ok(Test::Count(which, min, max))
}

#[cfg(test)]
mod tests;
