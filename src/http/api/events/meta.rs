//! What was changed in an event, in Sentry's two shapes: a list of `errors`, and `_meta`, a tree beside the event.

use serde_json::{Map, Value, json};

use crate::protocol::event::changes::Changed;
use crate::protocol::event::{Change, Damage, Event};

/// Under this key the tree says something about the place itself.
const HERE: &str = "";

/// What Bugle cut, could not keep or had to correct.
pub fn errors(event: &Event) -> Vec<Value> {
    event
        .damage
        .iter()
        .map(|damage| json!({ "type": kind(damage), "message": damage.what, "data": { "name": damage.path, "reason": damage.what } }))
        .collect()
}

fn kind(damage: &Damage) -> &'static str {
    match damage.change {
        Change::Cut => "value_too_long",
        Change::Corrected if damage.path == "timestamp" => "clock_drift",
        Change::Corrected => "invalid_attribute",
        Change::Dropped | Change::Repaired | Change::Filtered => "invalid_data",
    }
}

/// The tree, with the paths of the answer: `entries.0.data.values.…`, `context.…`. `null` where nothing was changed.
pub fn tree(changes: &[Changed], entries: &[Value]) -> Value {
    let mut root = Map::new();
    for changed in changes.iter().filter(|changed| !changed.damage.path.is_empty()) {
        put(&mut root, &place(&changed.damage.path, entries), note(&changed.damage));
    }
    if root.is_empty() { Value::Null } else { Value::Object(root) }
}

/// The steps to a place of the answer.
fn place(path: &str, entries: &[Value]) -> Vec<String> {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let kind = match first {
        "logentry" | "message" => "message",
        "debug_meta" => "debugmeta",
        "exception" | "stacktrace" | "threads" | "template" | "breadcrumbs" | "request" => first,
        _ => "",
    };
    let entry = entries.iter().position(|entry| entry["type"] == kind);
    let rest = rest.split('.').filter(|step| !step.is_empty()).map(|step| if step == "query_string" { "query" } else { step });
    let start = match (entry, first) {
        (Some(index), _) => vec!["entries".to_owned(), index.to_string(), "data".to_owned()],
        (None, "extra") => vec!["context".to_owned()],
        (None, "modules") => vec!["packages".to_owned()],
        (None, first) => vec![first.to_owned()],
    };
    start.into_iter().chain(rest.map(str::to_owned)).collect()
}

fn note(damage: &Damage) -> Value {
    match damage.change {
        Change::Cut => json!({ "rem": [["!limit", "s"]], "len": damage.was }),
        Change::Filtered => json!({ "rem": [["@bugle:filter", "s"]] }),
        Change::Dropped | Change::Repaired | Change::Corrected => json!({ "err": [[kind(damage), { "reason": damage.what }]] }),
    }
}

fn put(level: &mut Map<String, Value>, steps: &[String], note: Value) {
    let (step, below) = match steps.split_first() {
        Some((step, below)) => (step.as_str(), below),
        None => return drop(level.insert(HERE.to_owned(), note)),
    };
    if let Value::Object(next) = level.entry(step).or_insert_with(|| json!({})) {
        put(next, below, note);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::event::{changes, read};

    #[test]
    fn an_untouched_event_has_neither_errors_nor_a_tree() {
        let event = read(br#"{"message":"m"}"#).unwrap();
        assert_eq!((errors(&event), tree(&changes::of(&event), &[])), (vec![], Value::Null));
    }

    #[test]
    fn changes_stand_where_the_answer_has_the_values() {
        let sent = br#"{"level":[],"extra":{"k":"[Filtered]"},"request":{"query_string":"a=[Filtered]"},
            "exception":[{"type":"E","value":"a\u0000"}],"_meta":{"exception":{"values":{"0":{"type":{"":{"len":900}}}}}}}"#;
        let event = read(sent).unwrap();
        let tree = tree(&changes::of(&event), &super::super::entries::of(&event));
        assert_eq!(tree["level"][""]["err"][0][0], "invalid_data");
        assert_eq!(tree["context"]["k"][""]["rem"][0][0], "@bugle:filter");
        assert_eq!(tree["entries"]["0"]["data"]["values"]["0"]["type"][""], json!({ "rem": [["!limit", "s"]], "len": 900 }));
        assert_eq!(tree["entries"]["1"]["data"]["query"]["a"][""]["rem"][0][1], "s");
        let kinds: Vec<Value> = errors(&event).iter().map(|error| error["data"]["name"].clone()).collect();
        assert_eq!(kinds, ["exception.0.value", "level"]);
    }
}
