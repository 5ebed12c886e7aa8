//! Everything that is known to have been changed in an event, for those who look at it: Bugle's own notes, the client's (`_meta`), and
//! places where a secret stood. The last two are found when they are asked for, so that storing an event costs nothing for them.

use super::{Change, Damage, Event, to_stored};
use crate::domain::scrubbing::{MARK, is_scrubbed};
use crate::protocol::json::{self, Json, Object};

/// Most changes that are collected of each kind.
const CHANGES_MAX: usize = 500;
/// Under this key the client's tree says something about the place itself.
const HERE: &str = "";

/// A change, and whose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Where and what.
    pub damage: Damage,
    /// The SDK says so; it happened before the event was sent.
    pub by_client: bool,
}

/// All changes: Bugle's in the order made, then the client's, then secrets that nobody took responsibility for.
pub fn of(event: &Event<'_>) -> Vec<Changed> {
    let mut changes: Vec<_> = event.damage.iter().map(|damage| Changed { damage: damage.clone(), by_client: false }).collect();
    if let Some(meta) = &event.client_meta {
        let mut said = Vec::new();
        of_client(meta, "", &mut said);
        changes.extend(said.into_iter().map(|damage| Changed { damage, by_client: true }));
    }
    let removed = secrets(event);
    let is_new = |path: &String| !changes.iter().any(|known| known.damage.change == Change::Filtered && known.damage.path == *path);
    let removed: Vec<_> = removed.into_iter().filter(is_new).collect();
    changes.extend(removed.into_iter().map(|path| {
        let what = "a secret was removed".to_owned();
        Changed { damage: Damage { path, change: Change::Filtered, was: None, what }, by_client: false }
    }));
    changes
}

fn of_client(meta: &Json<'_>, path: &str, found: &mut Vec<Damage>) {
    let Json::Object(fields) = meta else { return };
    for (key, value) in fields.iter() {
        match (key, value) {
            _ if found.len() >= CHANGES_MAX => return,
            (HERE, Json::Object(note)) => found.extend(said(note, path)),
            _ => of_client(value, &below(path, key), found),
        }
    }
}

/// `{"rem": [["!limit", "x", 0, 9]], "len": 300, "err": ["invalid_data"]}`
fn said(note: &Object<'_>, path: &str) -> Option<Damage> {
    let was = note.get("len").and_then(Json::as_i64);
    let remark = note.get("rem").and_then(Json::as_array).and_then(|all| all.first()).and_then(Json::as_array);
    let rule = remark.and_then(|remark| remark.first()).and_then(Json::as_str).unwrap_or_default();
    let error = note.get("err").and_then(Json::as_array).and_then(|all| all.first());
    let error = error.and_then(|error| error.as_str().or_else(|| error.as_array()?.first()?.as_str()));
    let (change, what) = match (rule, error) {
        (_, Some(error)) => (Change::Dropped, format!("refused by the SDK: {error}")),
        ("", None) | ("!limit", None) => {
            (Change::Cut, was.map_or("cut by the SDK".to_owned(), |was| format!("cut by the SDK (was {was})")))
        }
        ("!raw", None) => (Change::Corrected, "left out by the SDK: it was not readable".to_owned()),
        _ => (Change::Filtered, "removed by the SDK".to_owned()),
    };
    (was.is_some() || remark.is_some() || error.is_some()).then(|| Damage { path: path.to_owned(), change, was, what })
}

/// Where a secret stood.
fn secrets(event: &Event<'_>) -> Vec<String> {
    let stored = to_stored(event);
    let mut found = Vec::new();
    if memchr::memmem::find(&stored, MARK.as_bytes()).is_none() {
        return found;
    }
    let Some(Json::Object(fields)) = json::parse_stored(&stored) else { return found };
    for (key, value) in fields.iter().filter(|(key, _)| !matches!(*key, "damage" | "_meta" | "grouping")) {
        let path = match key {
            "exceptions" => "exception.values",
            "threads" => "threads.values",
            "breadcrumbs" => "breadcrumbs.values",
            "other" => "",
            key => key,
        };
        find(value, path, &mut found);
    }
    found
}

fn find(value: &Json<'_>, path: &str, found: &mut Vec<String>) {
    if found.len() >= CHANGES_MAX {
        return;
    }
    match value {
        Json::Text(text) if is_scrubbed(text) => found.push(path.to_owned()),
        Json::Array(list) => list.iter().enumerate().for_each(|(index, item)| match pair(item, path) {
            Some((name, value)) => find(value, &below(path, name), found),
            None => find(item, &below(path, &index.to_string()), found),
        }),
        Json::Object(fields) => fields.iter().for_each(|(key, value)| {
            let key = if path == "request" && key == "query" { "query_string" } else { key };
            find(value, &below(path, key), found);
        }),
        _ => {}
    }
}

/// What is stored as pairs is known by its names.
fn pair<'a>(item: &'a Json<'a>, path: &str) -> Option<(&'a str, &'a Json<'a>)> {
    let is_pairs = matches!(path, "tags" | "request.query_string" | "request.headers" | "request.cookies");
    match item.as_array().map(Vec::as_slice) {
        Some([Json::Text(name), value]) if is_pairs => Some((name, value)),
        _ => None,
    }
}

fn below(path: &str, key: &str) -> String {
    let key: String = key.chars().take(80).collect();
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::protocol::event::read;

    fn paths(changes: &[Changed], change: Change, by_client: bool) -> Vec<&str> {
        let wanted = changes.iter().filter(|changed| changed.damage.change == change && changed.by_client == by_client);
        wanted.map(|changed| changed.damage.path.as_str()).collect()
    }

    #[test]
    fn an_event_as_it_should_be_has_no_changes() {
        assert_eq!(of(&read(br#"{"message":"m","extra":{"a":1},"_meta":{"extra":{"a":{"":{}}}}}"#).unwrap()), []);
    }

    #[test]
    fn changes_of_bugle_and_the_client_and_removed_secrets_are_told_apart() {
        let sent = json!({
            "level": {}, "tags": {"a": "token=[Filtered]"}, "extra": {"b": {"c": "[Filtered]"}}, "strange": "[Filtered]",
            "request": {"headers": {"Authorization": "[Filtered]", "Cookie": "[Filtered]"}, "query_string": "token=[Filtered]"},
            "exception": {"values": [{"type": "E", "value": "long...", "stacktrace": {"frames": [{"function": "f", "vars": {"p": "[Filtered]"}}]}}]},
            "_meta": {
                "request": {"headers": {"Authorization": {"": {"rem": [["!config", "s"]]}}}},
                "exception": {"values": {"0": {"value": {"": {"len": 900, "rem": [["!limit", "x", 4, 7]]}}}}},
                "breadcrumbs": {"": {"len": 150}}, "user": {"id": {"": {"err": [["invalid_data", {"reason": "x"}]]}}},
            },
        });
        let text = sent.to_string();
        let changes = of(&read(text.as_bytes()).unwrap());
        assert_eq!(paths(&changes, Change::Dropped, false), ["level"]);
        assert_eq!(paths(&changes, Change::Dropped, true), ["user.id"]);
        assert_eq!(paths(&changes, Change::Cut, true), ["exception.values.0.value", "breadcrumbs"]);
        assert_eq!(paths(&changes, Change::Filtered, true), ["request.headers.Authorization"]);
        assert_eq!(
            paths(&changes, Change::Filtered, false),
            [
                "exception.values.0.stacktrace.frames.0.vars.p",
                "request.query_string.token",
                "request.headers.Cookie",
                "tags.a",
                "extra.b.c",
                "strange"
            ]
        );
    }

    #[test]
    fn a_hostile_tree_of_notes_is_bounded() {
        let many: Object<'_> = (0..10_000).map(|n| (format!("k{n}").into(), Json::from(json!({"": {"len": 1}})))).collect();
        let event = Event { client_meta: Some(Json::Object(many)), ..Event::default() };
        assert_eq!(of(&event).len(), CHANGES_MAX);
    }
}
