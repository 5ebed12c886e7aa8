//! Single values, coerced where the meaning is clear.

use serde_json::Value;

use super::super::{Notes, Object, Place};
use crate::domain::level::Level;

/// A short description of a value of the wrong type, for a note.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::String(text) if text.chars().nth(40).is_some() => format!("{:?}…", text.chars().take(40).collect::<String>()),
        scalar => scalar.to_string(),
    }
}

fn dropped<T>(value: &Value, expected: &str, at: Place<'_>, notes: &mut Notes) -> Option<T> {
    notes.add(at, format!("expected {expected}, found {}; dropped", shown(value)));
    None
}

/// Text as it is. Numbers and booleans become text; null is absent.
pub(super) fn text(value: Value, at: Place<'_>, notes: &mut Notes) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null => None,
        other => dropped(&other, "text", at, notes),
    }
}

/// Text without blanks around it; an empty one is absent.
pub(super) fn name(value: Value, at: Place<'_>, notes: &mut Notes) -> Option<String> {
    text(value, at, notes).and_then(|text| match text.trim() {
        "" => None,
        trimmed if trimmed.len() == text.len() => Some(text),
        trimmed => Some(trimmed.to_owned()),
    })
}

/// Text, or anything else as JSON.
pub(super) fn text_or_json(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

/// Booleans are spelled as Python spells them, which is what Sentry made of them in tags and fingerprints.
pub(super) fn label(value: Value, at: Place<'_>, notes: &mut Notes) -> Option<String> {
    match value {
        Value::Bool(true) => Some("True".to_owned()),
        Value::Bool(false) => Some("False".to_owned()),
        other => text(other, at, notes),
    }
}

/// A whole number, also as text or as a float.
pub(super) fn integer(value: Value, at: Place<'_>, notes: &mut Notes) -> Option<i64> {
    let read = match &value {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(whole)),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null => return None,
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
pub(super) fn boolean(value: Value, at: Place<'_>, notes: &mut Notes) -> Option<bool> {
    let read = match &value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" => Some(true),
            "false" | "0" | "no" => Some(false),
            "" => return None,
            _ => None,
        },
        Value::Null => return None,
        _ => None,
    };
    read.or_else(|| dropped(&value, "true or false", at, notes))
}

/// An object; a list becomes one with its indices as keys, an empty one is fine.
pub(super) fn object(value: Value, at: Place<'_>, notes: &mut Notes) -> Option<Object> {
    match value {
        Value::Object(object) => Some(object),
        Value::Array(list) => Some(list.into_iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect()),
        Value::Null => None,
        other => dropped(&other, "an object", at, notes),
    }
}

/// The list inside `{"values": […]}`, a bare list, or a single object taken for a list of one.
pub(super) fn values(value: Value, at: Place<'_>, notes: &mut Notes) -> Vec<Value> {
    match value {
        Value::Array(list) => list,
        Value::Object(mut object) if object.contains_key("values") => match object.remove("values") {
            Some(Value::Null) | None => Vec::new(),
            Some(values) => self::values(values, at, notes),
        },
        Value::Object(object) if object.is_empty() => Vec::new(),
        Value::Object(object) => vec![Value::Object(object)],
        Value::Null => Vec::new(),
        Value::String(text) if text.is_empty() => Vec::new(),
        Value::String(text) => vec![Value::String(text)],
        other => dropped(&other, "a list", at, notes).unwrap_or_default(),
    }
}

/// A level by name or by number, the number also as text.
pub(super) fn level(value: &Value, at: Place<'_>, notes: &mut Notes) -> Option<Level> {
    let read = match value {
        Value::String(text) => Level::parse(text).or_else(|| text.trim().parse().ok().and_then(Level::from_number)),
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(whole)).and_then(Level::from_number),
        Value::Null => return None,
        _ => None,
    };
    read.or_else(|| dropped(value, "a level", at, notes))
}

/// Parts of a custom fingerprint as text; a single text is a list of one. Whole floats lose their fraction, so that 2.0 is 2.
pub(super) fn fingerprint(value: Value, at: Place<'_>, notes: &mut Notes) -> Vec<String> {
    let parts = match value {
        Value::Array(parts) => parts,
        single => vec![single],
    };
    let part = |(index, part): (usize, Value)| match &part {
        Value::Number(number) => number.as_f64().and_then(whole).map_or_else(|| Some(number.to_string()), |whole| Some(whole.to_string())),
        _ => label(part, at.index(index), notes),
    };
    parts.into_iter().enumerate().filter_map(part).collect()
}
