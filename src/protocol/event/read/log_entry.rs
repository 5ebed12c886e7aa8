//! Log messages: template, parameters and text, in whichever fields they come.

use super::super::{LogEntry, Notes, Object, Place, Text};
use super::scalar;
use crate::protocol::json::Json;

/// `{message, formatted?, params?}`.
pub(super) fn log_entry<'a>(object: Object<'a>, at: Place<'_>, notes: &mut Notes) -> LogEntry<'a> {
    let mut entry = LogEntry::default();
    for (key, value) in object {
        match key.as_ref() {
            "message" => entry.message = scalar::text(value, at.key("message"), notes),
            "formatted" => entry.formatted = scalar::text(value, at.key("formatted"), notes),
            "params" if !is_empty(&value) => entry.params = Some(value),
            "params" => {}
            _ if value.is_null() => {}
            _ => entry.other.push(key, value),
        }
    }
    entry
}

/// Joins an entry with a bare `message`, which is its text where the entry has none (raven sends both).
pub(super) fn joined<'a>(entry: Option<LogEntry<'a>>, message: Option<Text<'a>>) -> Option<LogEntry<'a>> {
    let message = message.filter(|text| !text.is_empty());
    let mut entry = entry.unwrap_or_default();
    entry.message = entry.message.filter(|text| !text.is_empty());
    entry.formatted = entry.formatted.filter(|text| !text.is_empty());
    if entry.formatted.is_none() {
        entry.formatted = message.or_else(|| interpolated(&entry));
    }
    if entry.message.is_none() {
        entry.message.clone_from(&entry.formatted);
    }
    entry.formatted.is_some().then_some(entry)
}

/// The template with its parameters; the template itself where it has none.
fn interpolated<'a>(entry: &LogEntry<'a>) -> Option<Text<'a>> {
    match (&entry.message, &entry.params) {
        (Some(template), Some(params)) => Some(interpolate(template, params).into()),
        (template, None) | (template @ None, _) => template.clone(),
    }
}

fn is_empty(value: &Json<'_>) -> bool {
    match value {
        Json::Null => true,
        Json::Array(list) => list.is_empty(),
        Json::Object(object) => object.is_empty(),
        _ => false,
    }
}

/// Puts parameters into the `%s`, `%(name)s`, `{}` and `{name}` of a template. What does not fit stays as it is.
fn interpolate(template: &str, params: &Json<'_>) -> String {
    let mut text = String::with_capacity(template.len() + 32);
    let (mut rest, mut used) = (template, 0);
    while let Some(at) = rest.find(['%', '{']) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let (placeholder, name) = placeholder(rest);
        let value = name.and_then(|name| if name.is_empty() { positional(params, used) } else { named(params, name) });
        match value {
            Some(value) => {
                used += usize::from(name == Some(""));
                text.push_str(&value);
            }
            None if placeholder == "%%" => text.push('%'),
            None => text.push_str(placeholder),
        }
        rest = &rest[placeholder.len()..];
    }
    text.push_str(rest);
    text
}

/// The placeholder a text begins with, and its name: empty for the next in order, `None` if it is none after all.
fn placeholder(text: &str) -> (&str, Option<&str>) {
    let first = &text[..1];
    if text.starts_with("%%") {
        return (&text[..2], None);
    }
    if let Some(inner) = text.strip_prefix('{').and_then(|inner| inner.split_once('}')).map(|(inner, _)| inner) {
        let name = inner.split([':', '!']).next().unwrap_or_default();
        let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_');
        return if is_name { (&text[..inner.len() + 2], Some(name)) } else { (first, None) };
    }
    let (name, spec) = match text.strip_prefix("%(").and_then(|inner| inner.split_once(')')) {
        Some(split) => split,
        None => ("", text.get(1..).unwrap_or_default()),
    };
    let flags = spec.find(|c: char| !(c.is_ascii_digit() || "#0- +.*".contains(c))).unwrap_or(spec.len());
    let is_conversion = spec[flags..].starts_with(|c: char| "sdifrxXeEgGcuoa".contains(c));
    let len = text.len() - spec.len() + flags + 1;
    if is_conversion && text.starts_with('%') { (&text[..len], Some(name)) } else { (first, None) }
}

fn positional(params: &Json<'_>, index: usize) -> Option<String> {
    match params {
        Json::Array(list) => list.get(index).map(shown),
        Json::Object(_) => None,
        single => (index == 0).then(|| shown(single)),
    }
}

fn named(params: &Json<'_>, name: &str) -> Option<String> {
    match params {
        Json::Object(object) => object.get(name).map(shown),
        Json::Array(list) => list.get(name.parse::<usize>().ok()?).map(shown),
        _ => None,
    }
}

fn shown(value: &Json<'_>) -> String {
    match value {
        Json::Text(text) => text.to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parameters_are_put_into_all_kinds_of_templates() {
        for (template, params, text) in [
            ("Hello %s", json!(["x"]), "Hello x"),
            ("%d of %05.2f%% for %(who)s", json!([3, 4.5]), "3 of 4.5% for %(who)s"),
            ("%(who)s paid %(n)d", json!({"who": "ada", "n": 3}), "ada paid 3"),
            ("{} and {}", json!(["a", null]), "a and null"),
            ("{who!r} {0}", json!({"who": "ada"}), "ada {0}"),
            ("100% {not a name} %s %s {", json!(["x"]), "100% {not a name} x %s {"),
            ("ünï %s → %", json!("x"), "ünï x → %"),
        ] {
            assert_eq!(interpolate(template, &params.into()), text, "{template}");
        }
    }

    #[test]
    fn a_bare_message_is_the_text_of_an_entry_without_one() {
        let entry = LogEntry { message: Some("took %s".into()), params: Some(json!(["3s"]).into()), ..LogEntry::default() };
        assert_eq!(
            joined(Some(entry.clone()), Some("took three".into())).map(|entry| entry.text().to_owned()).as_deref(),
            Some("took three")
        );
        assert_eq!(joined(Some(entry), None).map(|entry| entry.text().to_owned()).as_deref(), Some("took 3s"));
        assert_eq!(joined(None, Some("hi".into())), Some(Text::from("hi").into()));
        assert_eq!(joined(None, Some(Text::default())), None);
    }
}
