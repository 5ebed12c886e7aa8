//! Single values, coerced where the meaning is clear.

use super::super::{Notes, Object, Place, Text};
use crate::domain::level::Level;
use crate::protocol::json::Json;

/// Entries for which a list has room from the beginning: as many as nearly all lists hold, and little beside the list they are read from.
const ROOM_MAX: usize = 128;

/// A short description of a value of the wrong type, for a note.
pub(super) fn shown(value: &Json<'_>) -> String {
    match value {
        Json::Null => "null".to_owned(),
        Json::Array(_) => "a list".to_owned(),
        Json::Object(_) => "an object".to_owned(),
        Json::Text(text) if text.chars().nth(40).is_some() => format!("{:?}…", text.chars().take(40).collect::<String>()),
        scalar => scalar.to_string(),
    }
}

fn dropped<T>(value: &Json<'_>, expected: &str, at: Place<'_>, notes: &mut Notes) -> Option<T> {
    notes.drop(at, format!("expected {expected}, found {}; dropped", shown(value)));
    None
}

/// Text as it is. Numbers and booleans become text; null is absent.
pub(super) fn text<'a>(value: Json<'a>, at: Place<'_>, notes: &mut Notes) -> Option<Text<'a>> {
    match value {
        Json::Text(text) => Some(text),
        Json::Number(number) => Some(number.into_text()),
        Json::Bool(flag) => Some(if flag { "true" } else { "false" }.into()),
        Json::Null => None,
        other => dropped(&other, "text", at, notes),
    }
}

/// Text without blanks around it; an empty one is absent.
pub(super) fn name<'a>(value: Json<'a>, at: Place<'_>, notes: &mut Notes) -> Option<Text<'a>> {
    text(value, at, notes).and_then(|text| match text.trim() {
        "" => None,
        trimmed if trimmed.len() == text.len() => Some(text),
        trimmed => Some(trimmed.to_owned().into()),
    })
}

/// Text, or anything else as JSON.
pub(super) fn text_or_json(value: Json<'_>) -> Option<Text<'_>> {
    match value {
        Json::Null => None,
        Json::Text(text) => Some(text),
        other => Some(other.to_string().into()),
    }
}

/// Booleans are spelled as Python spells them, which is what Sentry made of them in tags and fingerprints.
pub(super) fn label<'a>(value: Json<'a>, at: Place<'_>, notes: &mut Notes) -> Option<Text<'a>> {
    match value {
        Json::Bool(true) => Some("True".into()),
        Json::Bool(false) => Some("False".into()),
        other => text(other, at, notes),
    }
}

/// A whole number, also as text or as a float.
pub(super) fn integer(value: Json<'_>, at: Place<'_>, notes: &mut Notes) -> Option<i64> {
    let read = match &value {
        Json::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(whole)),
        Json::Text(text) => text.trim().parse().ok(),
        Json::Null => return None,
        _ => None,
    };
    read.or_else(|| dropped(&value, "a whole number", at, notes))
}

fn whole(float: f64) -> Option<i64> {
    // Floats hold whole numbers exactly only up to 2^53.
    #[expect(clippy::cast_possible_truncation, reason = "the range was just checked")]
    (float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0).then_some(float as i64)
}

/// A boolean, also as 0, 1 or text.
pub(super) fn boolean(value: Json<'_>, at: Place<'_>, notes: &mut Notes) -> Option<bool> {
    let read = match &value {
        Json::Bool(flag) => Some(*flag),
        Json::Number(number) => match number.as_i64() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        Json::Text(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" => Some(true),
            "false" | "0" | "no" => Some(false),
            "" => return None,
            _ => None,
        },
        Json::Null => return None,
        _ => None,
    };
    read.or_else(|| dropped(&value, "true or false", at, notes))
}

/// An object; a list becomes one with its indices as keys, an empty one is fine.
pub(super) fn object<'a>(value: Json<'a>, at: Place<'_>, notes: &mut Notes) -> Option<Object<'a>> {
    match value {
        Json::Object(object) => Some(object),
        Json::Array(list) => Some(list.into_iter().enumerate().map(|(index, value)| (index.to_string().into(), value)).collect()),
        Json::Null => None,
        other => dropped(&other, "an object", at, notes),
    }
}

/// The list inside `{"values": […]}`, a bare list, or a single object taken for a list of one.
pub(super) fn values<'a>(value: Json<'a>, at: Place<'_>, notes: &mut Notes) -> Vec<Json<'a>> {
    match value {
        Json::Array(list) => list,
        Json::Object(mut object) if object.contains_key("values") => match object.remove("values") {
            Some(Json::Null) | None => Vec::new(),
            Some(values) => self::values(values, at, notes),
        },
        Json::Object(object) if object.is_empty() => Vec::new(),
        Json::Object(object) => vec![Json::Object(object)],
        Json::Null => Vec::new(),
        Json::Text(text) if text.is_empty() => Vec::new(),
        Json::Text(text) => vec![Json::Text(text)],
        other => dropped(&other, "a list", at, notes).unwrap_or_default(),
    }
}

/// Reads each value of a list; what there is nothing to read of is left out.
pub(super) fn each<'a, T>(values: Vec<Json<'a>>, at: Place<'_>, mut read: impl FnMut(Json<'a>, Place<'_>) -> Option<T>) -> Vec<T> {
    // Frames are large: a list that grows would move them again and again. Of what a client calls a list all may be left out.
    let mut list = Vec::with_capacity(values.len().min(ROOM_MAX));
    list.extend(values.into_iter().enumerate().filter_map(|(index, value)| read(value, at.index(index))));
    list
}

/// A level by name or by number, the number also as text.
pub(super) fn level(value: &Json<'_>, at: Place<'_>, notes: &mut Notes) -> Option<Level> {
    let read = match value {
        Json::Text(text) => Level::parse(text).or_else(|| text.trim().parse().ok().and_then(Level::from_number)),
        Json::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(whole)).and_then(Level::from_number),
        Json::Null => return None,
        _ => None,
    };
    read.or_else(|| dropped(value, "a level", at, notes))
}

/// Parts of a custom fingerprint as text; a single text is a list of one. Whole floats lose their fraction, so that 2.0 is 2.
pub(super) fn fingerprint<'a>(value: Json<'a>, at: Place<'_>, notes: &mut Notes) -> Vec<Text<'a>> {
    let parts = match value {
        Json::Array(parts) => parts,
        single => vec![single],
    };
    let part = |(index, part): (usize, Json<'a>)| match part {
        Json::Number(number) => Some(number.as_f64().and_then(whole).map_or_else(|| number.into_text(), |whole| whole.to_string().into())),
        part => label(part, at.index(index), notes),
    };
    parts.into_iter().enumerate().filter_map(part).collect()
}
