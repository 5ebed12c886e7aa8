//! Secrets in trees: by key at any depth, by form in every text.

use super::patterns;
use super::rules::Scope;
use super::text::{self, Kind};
use crate::domain::scrubbing::Rule;
use crate::protocol::json::{Json, Object};

/// Shortest key with room for a secret: `a=` and the shortest token.
const KEY_LEN_MIN: usize = 8;

/// Scrubs all entries of an object.
pub(super) fn object(object: &mut Object<'_>, scope: Scope<'_>) {
    hide_named_value(object, scope);
    let mut in_keys = false;
    for (key, value) in object.iter_mut() {
        let scope = scope.enter(key);
        match scope.of_name(key) {
            Some(rule) => hide(key, value, rule, scope),
            None => self::value(value, scope),
        }
        in_keys |= key.len() >= KEY_LEN_MIN && text::holds_secret(key, scope);
    }
    if in_keys {
        let entries = std::mem::take(object).into_iter();
        *object = entries.map(|(key, value)| (scrubbed(&key, scope).map_or(key, Into::into), value)).collect();
    }
}

/// A key that holds a secret itself, without it: a JSON body sent as a form arrives as one long key without a value.
fn scrubbed(key: &str, scope: Scope<'_>) -> Option<String> {
    if key.len() < KEY_LEN_MIN { None } else { text::scrub(key, Kind::Prose, scope) }
}

/// Scrubs texts by their form alone, whatever they stand under.
pub(super) fn texts(value: &mut Json<'_>, scope: Scope<'_>) {
    match value {
        Json::Text(content) => super::replace(content, Kind::Prose, scope),
        Json::Array(list) => list.iter_mut().for_each(|item| texts(item, scope)),
        Json::Object(fields) => fields.iter_mut().for_each(|(_, field)| texts(field, scope)),
        _ => {}
    }
}

/// What a client notes about what it removed, without what it removed.
pub(super) fn without_values(meta: &mut Json<'_>, scope: Scope<'_>) {
    let Json::Object(fields) = meta else { return texts(meta, scope) };
    if let Some(Json::Object(note)) = fields.get_mut("") {
        note.remove("val");
    }
    fields.iter_mut().for_each(|(_, field)| without_values(field, scope));
}

/// Scrubs a value that stands under no telling name.
pub(super) fn value(value: &mut Json<'_>, scope: Scope<'_>) {
    match value {
        Json::Text(content) => super::replace(content, Kind::Prose, scope),
        Json::Number(number) if number.as_u64().is_some_and(is_card) && scope.guesses() => *value = Json::from(Rule::Card.marker()),
        Json::Array(list) => self::list(list, scope),
        Json::Object(fields) => object(fields, scope),
        _ => {}
    }
}

/// Hides a value that stands under a telling name. Absent values, flags and counts are no secrets, and say what was sent.
pub(super) fn hide(name: &str, value: &mut Json<'_>, rule: Rule, scope: Scope<'_>) {
    let is_harmless = match value {
        Json::Null | Json::Bool(_) => true,
        Json::Number(_) => scope.is_counter(name),
        Json::Text(content) => text::is_harmless(content),
        Json::Array(list) => list.is_empty(),
        Json::Object(fields) => fields.is_empty(),
    };
    if !is_harmless {
        *value = Json::from(rule.marker());
    }
}

/// Lists can be pairs (`["token", "x"]`) and command lines (`--password x`).
fn list(list: &mut [Json<'_>], scope: Scope<'_>) {
    if let [Json::Text(name), second @ (Json::Text(_) | Json::Number(_))] = list
        && let Some(rule) = bare_name(name, scope)
    {
        return hide(name, second, rule, scope);
    }
    let mut flag: Option<(String, Rule)> = None;
    for item in list {
        let announced = flag.take();
        if let Json::Text(content) = item
            && content.starts_with('-')
            && !content.contains('=')
            && let Some(rule) = bare_name(content, scope)
        {
            flag = Some((content.to_string(), rule));
        }
        match announced {
            Some((name, rule)) if flag.is_none() => hide(&name, item, rule, scope),
            _ => value(item, scope),
        }
    }
}

/// `{"name": "password", "value": "x"}`, as forms and header lists are often written.
fn hide_named_value(object: &mut Object<'_>, scope: Scope<'_>) {
    if !object.contains_key("value") {
        return;
    }
    let name = ["name", "key"].iter().find_map(|field| {
        let name = object.get(field)?.as_str()?;
        Some((name.to_owned(), bare_name(name, scope)?))
    });
    if let Some(((name, rule), value)) = name.zip(object.get_mut("value")) {
        hide(&name, value, rule, scope);
    }
}

/// What is done with the value of a name, if it is one and not a sentence.
fn bare_name(text: &str, scope: Scope<'_>) -> Option<Rule> {
    if text.len() <= 64 && !text.contains(char::is_whitespace) { scope.of_name(text) } else { None }
}

fn is_card(number: u64) -> bool {
    number >= 1_000_000_000_000 && patterns::card(number.to_string().as_bytes(), 0).is_ok()
}
