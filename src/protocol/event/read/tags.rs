//! Tags: an object, a list of pairs, or a list of `{key, value}`.

use serde_json::Value;

use super::super::{Notes, Place};
use super::scalar;

/// In the order sent, each key once; a later value replaces an earlier one. Null and empty values are no tags.
pub(super) fn tags(value: Value, at: Place<'_>, notes: &mut Notes) -> Vec<(String, String)> {
    let entries: Vec<(Value, Value)> = match value {
        Value::Object(object) => object.into_iter().map(|(key, value)| (Value::String(key), value)).collect(),
        Value::Array(list) => list.into_iter().enumerate().filter_map(|(index, entry)| pair(entry, at.index(index), notes)).collect(),
        other => {
            notes.add(at, format!("expected tags, found {}; dropped", scalar::shown(&other)));
            Vec::new()
        }
    };
    let mut tags: Vec<(String, String)> = Vec::with_capacity(entries.len().min(256));
    let mut place_of = std::collections::HashMap::new();
    for (key, value) in entries {
        let Some(key) = scalar::name(key, at, notes) else { continue };
        let Some(value) = scalar::label(value, at.key(&key), notes).filter(|value| !value.is_empty()) else { continue };
        match place_of.get(&key) {
            Some(place) => {
                let tag: &mut (String, String) = &mut tags[*place];
                tag.1 = value;
            }
            None => {
                place_of.insert(key.clone(), tags.len());
                tags.push((key, value));
            }
        }
    }
    tags
}

fn pair(entry: Value, at: Place<'_>, notes: &mut Notes) -> Option<(Value, Value)> {
    match entry {
        Value::Null => None,
        Value::Array(pair) => match <[Value; 2]>::try_from(pair) {
            Ok([key, value]) => Some((key, value)),
            Err(_) => {
                notes.add(at, "a tag is a pair; dropped");
                None
            }
        },
        Value::Object(mut object) => Some((object.remove("key")?, object.remove("value")?)),
        other => {
            notes.add(at, format!("expected a tag, found {}; dropped", scalar::shown(&other)));
            None
        }
    }
}
