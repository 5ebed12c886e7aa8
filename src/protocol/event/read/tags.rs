//! Tags: an object, a list of pairs, or a list of `{key, value}`.

use std::collections::HashMap;

use super::super::{Notes, Pairs, Place, Text};
use super::scalar;
use crate::protocol::json::Json;

/// In the order sent, each key once; a later value replaces an earlier one. Null and empty values are no tags.
pub(super) fn tags<'a>(value: Json<'a>, at: Place<'_>, notes: &mut Notes) -> Pairs<'a> {
    let entries: Vec<(Json<'a>, Json<'a>)> = match value {
        Json::Object(object) => object.into_iter().map(|(key, value)| (Json::Text(key), value)).collect(),
        Json::Array(list) => list.into_iter().enumerate().filter_map(|(index, entry)| pair(entry, at.index(index), notes)).collect(),
        other => {
            notes.drop(at, format!("expected tags, found {}; dropped", scalar::shown(&other)));
            Vec::new()
        }
    };
    let mut tags: Pairs<'a> = Vec::with_capacity(entries.len().min(256));
    let mut place_of: HashMap<Text<'a>, usize> = HashMap::new();
    for (key, value) in entries {
        let Some(key) = scalar::name(key, at, notes) else { continue };
        let Some(value) = scalar::label(value, at.key(&key), notes).filter(|value| !value.is_empty()) else { continue };
        match place_of.get(&key) {
            Some(&place) => tags[place].1 = value,
            None => {
                place_of.insert(key.clone(), tags.len());
                tags.push((key, value));
            }
        }
    }
    tags
}

fn pair<'a>(entry: Json<'a>, at: Place<'_>, notes: &mut Notes) -> Option<(Json<'a>, Json<'a>)> {
    match entry {
        Json::Null => None,
        Json::Array(pair) => match <[Json<'a>; 2]>::try_from(pair) {
            Ok([key, value]) => Some((key, value)),
            Err(_) => {
                notes.drop(at, "a tag is a pair; dropped");
                None
            }
        },
        Json::Object(mut object) => Some((object.remove("key")?, object.remove("value")?)),
        other => {
            notes.drop(at, format!("expected a tag, found {}; dropped", scalar::shown(&other)));
            None
        }
    }
}
