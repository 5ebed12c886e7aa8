//! Secrets in trees: by key at any depth, by form in every text.

use super::text::{self, Kind};
use super::{FILTERED, keys, patterns};
use crate::protocol::json::{Json, Object};

/// Shortest key with room for a secret: `a=` and the shortest token.
const KEY_LEN_MIN: usize = 8;

/// Scrubs all entries of an object.
pub(super) fn object(object: &mut Object<'_>) {
    hide_named_value(object);
    let mut in_keys = false;
    for (key, value) in object.iter_mut() {
        if keys::is_sensitive(key) {
            hide(key, value)
        } else {
            self::value(value)
        }
        in_keys |= key.len() >= KEY_LEN_MIN && text::holds_secret(key);
    }
    if in_keys {
        let entries = std::mem::take(object).into_iter();
        *object = entries.map(|(key, value)| (scrubbed(&key).map_or(key, Into::into), value)).collect();
    }
}

/// A key that holds a secret itself, without it: a JSON body sent as a form arrives as one long key without a value.
fn scrubbed(key: &str) -> Option<String> {
    if key.len() < KEY_LEN_MIN { None } else { text::scrub(key, Kind::Prose) }
}

/// Scrubs texts by their form alone, whatever they stand under.
pub(super) fn texts(value: &mut Json<'_>) {
    match value {
        Json::Text(content) => super::replace(content, Kind::Prose),
        Json::Array(list) => list.iter_mut().for_each(texts),
        Json::Object(fields) => fields.iter_mut().for_each(|(_, field)| texts(field)),
        _ => {}
    }
}

/// What a client notes about what it removed, without what it removed.
pub(super) fn without_values(meta: &mut Json<'_>) {
    let Json::Object(fields) = meta else { return texts(meta) };
    if let Some(Json::Object(note)) = fields.get_mut("") {
        note.remove("val");
    }
    fields.iter_mut().for_each(|(_, field)| without_values(field));
}

/// Scrubs a value that stands under no telling name.
pub(super) fn value(value: &mut Json<'_>) {
    match value {
        Json::Text(content) => super::replace(content, Kind::Prose),
        Json::Number(number) if number.as_u64().is_some_and(is_card) => *value = Json::from(FILTERED),
        Json::Array(list) => self::list(list),
        Json::Object(fields) => object(fields),
        _ => {}
    }
}

/// Hides a value that stands under a telling name. Absent values, flags and counts are no secrets, and say what was sent.
pub(super) fn hide(name: &str, value: &mut Json<'_>) {
    let is_harmless = match value {
        Json::Null | Json::Bool(_) => true,
        Json::Number(_) => keys::is_counter(name),
        Json::Text(content) => text::is_harmless(content),
        Json::Array(list) => list.is_empty(),
        Json::Object(fields) => fields.is_empty(),
    };
    if !is_harmless {
        *value = Json::from(FILTERED);
    }
}

/// Lists can be pairs (`["token", "x"]`) and command lines (`--password x`).
fn list(list: &mut [Json<'_>]) {
    if let [Json::Text(name), second @ (Json::Text(_) | Json::Number(_))] = list
        && is_bare_name(name)
    {
        return hide(name, second);
    }
    let mut flag: Option<String> = None;
    for item in list {
        let announced = flag.take();
        if let Json::Text(content) = item
            && content.starts_with('-')
            && !content.contains('=')
            && is_bare_name(content)
        {
            flag = Some(content.to_string());
        }
        match announced {
            Some(name) if flag.is_none() => hide(&name, item),
            _ => value(item),
        }
    }
}

/// `{"name": "password", "value": "x"}`, as forms and header lists are often written.
fn hide_named_value(object: &mut Object<'_>) {
    if !object.contains_key("value") {
        return;
    }
    let name = ["name", "key"].iter().find_map(|field| object.get(field)?.as_str()).filter(|name| is_bare_name(name)).map(str::to_owned);
    if let Some((name, value)) = name.zip(object.get_mut("value")) {
        hide(&name, value);
    }
}

/// A name and not a sentence.
fn is_bare_name(text: &str) -> bool {
    text.len() <= 64 && !text.contains(char::is_whitespace) && keys::is_sensitive(text)
}

fn is_card(number: u64) -> bool {
    number >= 1_000_000_000_000 && patterns::card(number.to_string().as_bytes(), 0).is_ok()
}
