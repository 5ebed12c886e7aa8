//! Files that are uploaded as forms, on their way into an envelope; and what the forms of crash handlers say.

use serde_json::{Map, Value, json};

use super::multipart::Part;
use crate::domain::attachment::MINIDUMP;
use crate::domain::event_id::EventId;

/// The field with the dump.
pub const MINIDUMP_FIELD: &str = "upload_file_minidump";
/// Deepest `sentry[a][b]…`.
const DEPTH_MAX: usize = 10;
/// Most fields that are kept of a form.
const FIELDS_MAX: usize = 500;

/// Names and values of a form.
pub type Fields = Vec<(String, String)>;

/// The files of a form as an envelope of attachments of this event; `None`: there is no file.
pub fn attachments(event_id: EventId, parts: &[Part<'_>]) -> Option<Vec<u8>> {
    let mut body = header(event_id);
    let files = parts.iter().filter(|part| part.file_name.is_some());
    let count = files.map(|file| item(&mut body, file, None)).count();
    (count > 0).then_some(body)
}

/// A crash as an envelope: the form, which becomes the event, the dump and the other files. `dump`: its bytes, if they had to be unpacked.
pub fn crash(event_id: EventId, parts: &[Part<'_>], dump: &[u8]) -> Vec<u8> {
    let mut body = header(event_id);
    let is_dump = |part: &&Part<'_>| part.name == MINIDUMP_FIELD;
    let fields: Vec<_> = parts.iter().filter(|part| part.file_name.is_none() && !is_dump(part)).take(FIELDS_MAX).collect();
    let fields: Vec<_> = fields.iter().map(|part| [part.name.clone(), String::from_utf8_lossy(part.content).into_owned()]).collect();
    let form = json!(fields).to_string();
    body.extend_from_slice(format!("{}\n{form}\n", json!({ "type": "form_data", "length": form.len() })).as_bytes());
    let sent = parts.iter().find(is_dump);
    let file_name = sent.and_then(|part| part.file_name.clone()).unwrap_or_default();
    let file =
        Part { name: MINIDUMP_FIELD.to_owned(), file_name: Some(file_name), content_type: "application/x-dmp".to_owned(), content: dump };
    item(&mut body, &file, Some(MINIDUMP));
    parts.iter().filter(|part| part.file_name.is_some() && !is_dump(part)).for_each(|file| item(&mut body, file, None));
    body
}

fn header(event_id: EventId) -> Vec<u8> {
    format!("{}\n", json!({ "event_id": event_id })).into_bytes()
}

fn item(body: &mut Vec<u8>, file: &Part<'_>, kind: Option<&str>) {
    let mut header = json!({
        "type": "attachment", "length": file.content.len(), "filename": file.file_name, "content_type": file.content_type,
    });
    if let Some(kind) = kind {
        header["attachment_type"] = json!(kind);
    }
    body.extend_from_slice(header.to_string().as_bytes());
    body.push(b'\n');
    body.extend_from_slice(file.content);
    body.push(b'\n');
}

/// The payload of `form_data`: pairs of texts. What is none is left out.
pub fn read_fields(payload: &[u8]) -> Fields {
    let pairs: Vec<Value> = serde_json::from_slice(payload).unwrap_or_default();
    let text = |pair: &Value, at: usize| pair.get(at).and_then(Value::as_str).map(str::to_owned);
    pairs.iter().take(FIELDS_MAX).filter_map(|pair| Some((text(pair, 0)?, text(pair, 1)?))).collect()
}

/// The id that the form gives its event.
pub fn event_id_of(parts: &[Part<'_>]) -> Option<EventId> {
    let fields = parts.iter().filter(|part| part.file_name.is_none() && part.name.starts_with("sentry")).take(FIELDS_MAX);
    let fields = fields.map(|part| (part.name.clone(), String::from_utf8_lossy(part.content).into_owned())).collect();
    EventId::parse(event_of(fields).get("event_id")?.as_str()?).ok()
}

/// The event that a form describes: `sentry` holds it as JSON, or `sentry__1`, `sentry__2`, … in pieces, `sentry[tags][a]` a single value of
/// it; every other field is additional data.
pub fn event_of(fields: Fields) -> Map<String, Value> {
    let mut event = Map::new();
    let mut pieces: Vec<(u32, String)> = Vec::new();
    let (mut single, mut extra) = (Vec::new(), Vec::new());
    for (name, value) in fields {
        if name == "sentry" {
            merge(&mut event, &value);
        } else if let Some(number) = piece_number(&name) {
            pieces.push((number, value));
        } else if let Some(path) = path_of(&name) {
            single.push((path, value));
        } else {
            extra.push((name, value));
        }
    }
    pieces.sort_by_key(|(number, _)| *number);
    merge(&mut event, &pieces.into_iter().map(|(_, piece)| piece).collect::<String>());
    for (path, value) in single {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        put(&mut event, &path, value);
    }
    for (name, value) in extra {
        put(&mut event, &["extra", &name], value);
    }
    event
}

fn merge(event: &mut Map<String, Value>, json: &str) {
    if let Ok(Value::Object(more)) = serde_json::from_str(json) {
        event.extend(more);
    }
}

/// `sentry__3`
fn piece_number(name: &str) -> Option<u32> {
    let rest = name.strip_prefix("sentry__")?;
    rest.trim_start_matches('_').parse().ok()
}

/// `sentry[tags][a]` is `tags`, `a`.
fn path_of(name: &str) -> Option<Vec<String>> {
    let inner = name.strip_prefix("sentry[")?.strip_suffix(']')?;
    let path: Vec<String> = inner.split("][").map(str::to_owned).collect();
    (path.len() <= DEPTH_MAX && path.iter().all(|part| !part.is_empty())).then_some(path)
}

fn put(object: &mut Map<String, Value>, path: &[&str], value: String) {
    match path {
        [] => {}
        [last] => drop(object.insert((*last).to_owned(), Value::String(value))),
        [first, rest @ ..] => {
            let below = object.entry(*first).or_insert_with(|| json!({}));
            if let Value::Object(below) = below {
                put(below, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_three_ways_of_a_form_to_describe_an_event_are_put_together() {
        let event = event_of(fields(&[
            ("sentry", r#"{"release":"1.0","tags":{"a":"1"}}"#),
            ("sentry__2", r#"ent":"prod"}"#),
            ("sentry__1", r#"{"environm"#),
            ("sentry[tags][b]", "2"),
            ("sentry[release]", "2.0"),
            ("ui", "qt"),
        ]));
        let expected = json!({ "release": "2.0", "tags": { "a": "1", "b": "2" }, "environment": "prod", "extra": { "ui": "qt" } });
        assert_eq!(Value::Object(event), expected);
    }

    #[test]
    fn odd_fields_are_additional_data_or_nothing() {
        let event = event_of(fields(&[
            ("sentry", "[1]"),
            ("sentry[]", "x"),
            ("sentry[tags", "y"),
            ("sentry[release][x][y]", "z"),
            ("sentry[release]", "1"),
        ]));
        assert_eq!(Value::Object(event), json!({ "release": "1", "extra": { "sentry[]": "x", "sentry[tags": "y" } }));
        let deep = format!("sentry{}", "[a]".repeat(1_000));
        assert_eq!(event_of(fields(&[(&deep, "x")])).len(), 1);
        assert_eq!(read_fields(b"{}"), vec![]);
        assert_eq!(read_fields(br#"[["a","b"],["c"],7,["d",1]]"#), fields(&[("a", "b")]));
    }
}
