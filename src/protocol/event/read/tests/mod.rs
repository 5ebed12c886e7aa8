//! Events as SDKs send them, whole and broken.

mod pitfalls;

use serde_json::{Value, json};
use time::macros::datetime;

use super::super::{Exception, Pairs};
use super::*;
use crate::domain::level::Level;

fn event(value: Value) -> Event<'static> {
    read(value.to_string().leak().as_bytes()).unwrap()
}

fn pairs(expected: &[(&'static str, &'static str)]) -> Pairs<'static> {
    expected.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
}

#[test]
fn the_smallest_event_is_empty() {
    assert_eq!(event(json!({})), Event::default());
    for body in ["", "[]", "7", "nonsense"] {
        assert!(read(body.as_bytes()).is_err(), "{body:?}");
    }
}

#[test]
fn a_wrong_type_costs_only_its_field() {
    let event = event(json!({
        "message": "kept", "level": {"a": 1}, "release": ["x"], "exception": 7, "tags": 3, "user": "bob", "request": true,
        "contexts": {"trace": 1, "os": {"name": "Linux"}, "none": null}, "breadcrumbs": false, "timestamp": "soon", "event_id": "nope",
    }));
    assert_eq!(event.logentry.as_ref().map(LogEntry::text), Some("kept"));
    assert_eq!(event.contexts.keys().collect::<Vec<_>>(), ["os"]);
    let mut paths: Vec<_> = event.damage.iter().map(|damage| damage.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(
        paths,
        ["breadcrumbs", "contexts.trace", "event_id", "exception", "level", "release", "request", "tags", "timestamp", "user"]
    );
}

#[test]
fn null_everywhere_is_an_empty_event() {
    let fields = [
        "event_id",
        "timestamp",
        "level",
        "message",
        "exception",
        "stacktrace",
        "tags",
        "user",
        "request",
        "contexts",
        "sdk",
        "_meta",
        "x",
    ];
    let nulls: serde_json::Map<_, _> = fields.iter().map(|field| ((*field).to_owned(), Value::Null)).collect();
    assert_eq!(event(Value::Object(nulls)), Event::default());
    let inner = event(json!({"exception": {"values": [null, {"type": null, "value": null, "stacktrace": {"frames": [null]}}]},
        "breadcrumbs": {"values": null}, "threads": [null], "tags": [["a", null], null], "request": {"url": null}, "user": {"id": null}}));
    assert_eq!(inner, Event { exceptions: vec![Exception::default()], ..Event::default() });
}

#[test]
fn levels_come_as_names_and_numbers() {
    for (raw, level) in [
        (json!("fatal"), Level::Fatal),
        (json!("critical"), Level::Fatal),
        (json!(40), Level::Error),
        (json!("30"), Level::Warning),
        (json!("log"), Level::Info),
    ] {
        assert_eq!(event(json!({"level": raw})).level, Some(level), "{raw}");
    }
}

#[test]
fn messages_come_in_four_forms() {
    for raw in [
        json!({"message": "Hello x"}),
        json!({"logentry": {"message": "Hello %s", "params": ["x"]}}),
        json!({"message": {"message": "Hello %s", "params": ["x"], "formatted": null}}),
        json!({"sentry.interfaces.Message": {"message": "Hello %s", "params": ["x"]}, "message": "Hello x"}),
        json!({"logentry": "Hello x"}),
    ] {
        assert_eq!(event(raw.clone()).logentry.as_ref().map(LogEntry::text), Some("Hello x"), "{raw}");
    }
}

#[test]
fn exceptions_come_in_four_forms() {
    let one = json!({"type": "E", "value": {"code": 7}});
    for raw in [
        json!({"exception": {"values": [one]}}),
        json!({"exception": [null, one]}),
        json!({"exception": one}),
        json!({"sentry.interfaces.Exception": {"values": [one], "exc_omitted": null}}),
    ] {
        let event = event(raw.clone());
        let found: Vec<_> = event.exceptions.iter().map(|e| (e.kind.as_deref(), e.value.as_deref())).collect();
        assert_eq!(found, [(Some("E"), Some("{\"code\":7}"))], "{raw}");
    }
}

#[test]
fn frames_survive_odd_fields() {
    let event = event(json!({"stacktrace": {"frames": [null, {}, 7, {"function": "f", "lineno": "3", "colno": -1, "vars": ["a", 1],
        "pre_context": null, "post_context": "x\ny", "in_app": null, "instruction_addr": 255, "symbol": "s", "client_in_app": true}], "registers": {"a": "0x0"}}}));
    let trace = event.stacktrace.unwrap();
    assert_eq!(trace.frames.len(), 1);
    let frame = &trace.frames[0];
    assert_eq!((frame.lineno, frame.colno, frame.in_app, frame.client_in_app), (Some(3), None, None, None));
    assert_eq!(serde_json::to_value(&frame.vars).unwrap(), json!({"0": "a", "1": 1}));
    assert_eq!((frame.post_context.len(), frame.instruction_addr.as_deref()), (2, Some("0xff")));
    assert!(frame.other.contains_key("symbol") && trace.other.contains_key("registers"));
    assert_eq!(event.damage.len(), 1);
}

#[test]
fn tags_come_in_three_forms_and_each_key_once() {
    for raw in [
        json!({"n": 3, "flag": true, "none": null, "empty": ""}),
        json!([["n", 1], ["flag", true], ["n", 3], ["none", null], null]),
        json!([{"key": "n", "value": "3"}, {"key": "flag", "value": true}]),
    ] {
        assert_eq!(event(json!({"tags": raw})).tags, pairs(&[("n", "3"), ("flag", "True")]), "{raw}");
    }
    let damaged = event(json!({"tags": {"deep": {"a": 1}, "kept": "x"}}));
    assert_eq!((damaged.tags, damaged.damage[0].path.as_str()), (pairs(&[("kept", "x")]), "tags.deep"));
}

#[test]
fn fingerprints_become_text() {
    let event = event(json!({"fingerprint": ["{{ default }}", 1, true, 2.0, 2.5, null, {"a": 1}]}));
    assert_eq!(event.fingerprint, ["{{ default }}", "1", "True", "2", "2.5"]);
    assert_eq!(super::read(br#"{"fingerprint": "one"}"#).unwrap().fingerprint, ["one"]);
}

#[test]
fn requests_come_as_pairs_and_texts() {
    let event = event(
        json!({"request": {"url": "http://x.example.test/p?a=1#f", "method": "post", "headers": [["accept", "a"], ["accept", ["b", "c"]]],
        "cookies": "a=1; b=2", "query_string": [["a", "1"], ["a", "2"]], "data": "raw=1", "env": null, "inferred_content_type": "x/y"}}),
    );
    let request = event.request.unwrap();
    assert_eq!((request.url.as_deref(), request.method.as_deref()), (Some("http://x.example.test/p"), Some("POST")));
    assert_eq!(request.headers, pairs(&[("accept", "a"), ("accept", "b, c")]));
    assert_eq!(request.cookies, pairs(&[("a", "1"), ("b", "2")]));
    assert_eq!(request.query, pairs(&[("a", "1"), ("a", "2")]));
    assert_eq!(request.other.keys().collect::<Vec<_>>(), ["inferred_content_type", "fragment"]);
    let from_url = super::read(br#"{"request": {"url": "/p?a=%20b%00"}}"#).unwrap().request.unwrap();
    assert_eq!((from_url.url.as_deref(), from_url.query), (Some("/p"), pairs(&[("a", " b\u{fffd}")])));
}

#[test]
fn breadcrumbs_keep_odd_data() {
    let event = event(
        json!({"breadcrumbs": [{"timestamp": "2026-11-20T08:00:00", "ty": "http", "level": "log", "message": {"a": 1}, "data": [1]}, null, "text"]}),
    );
    assert_eq!(event.breadcrumbs.len(), 2);
    let first = &event.breadcrumbs[0];
    assert_eq!(
        (first.timestamp, first.kind.as_deref(), first.level),
        (Some(datetime!(2026-11-20 08:00 UTC)), Some("http"), Some(Level::Info))
    );
    assert_eq!((first.message.as_deref(), serde_json::to_string(&first.data).unwrap().as_str()), (Some("{\"a\":1}"), "{\"value\":[1]}"));
    assert_eq!(event.breadcrumbs[1].message.as_deref(), Some("text"));
}

#[test]
fn unknown_fields_are_kept_in_order() {
    let event = event(json!({"zeta": {"keep": 1}, "message": "m", "alpha": [1, 2]}));
    assert_eq!(serde_json::to_string(&event.other).unwrap(), r#"{"zeta":{"keep":1},"alpha":[1,2]}"#);
}

#[test]
fn what_was_read_is_read_back_from_the_store() {
    let event = event(
        json!({"event_id": "9ec79c33ec9942ab8353589fcb2e04dc", "timestamp": 1795161739.25, "level": "error", "platform": "Python",
        "exception": [{"type": "E", "value": "v", "mechanism": {"type": "django", "handled": false, "meta": {"x": 1}},
            "stacktrace": {"frames": [{"function": "f", "vars": {"a": "1"}, "lock": {"type": 1}}]}, "raw_stacktrace": {"frames": []}}],
        "breadcrumbs": [{"message": "m", "event_id": "x"}], "user": {"id": 42, "plan": "pro"}, "tags": {"a": "b"}, "extra": {"k": [1, null]},
        "threads": [{"id": 1, "crashed": true, "state": "S"}], "sdk": {"name": "s", "version": "1"}, "unknown": 1, "release": []}),
    );
    let stored = super::super::to_stored(&event);
    assert_eq!(super::super::from_stored(&stored).unwrap(), event);
}

#[test]
fn hostile_events_are_read_without_a_crash() {
    let fields = [
        "exception",
        "stacktrace",
        "threads",
        "breadcrumbs",
        "request",
        "user",
        "tags",
        "contexts",
        "extra",
        "message",
        "fingerprint",
        "sdk",
        "other",
    ];
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let values =
        ["[[[[]]]]", "{\"values\":{\"values\":[{\"values\":[]}]}}", "\"\\u0000\"", "1e400", "-0", "[{}]", "{\"\":null}", deep.as_str()];
    for field in fields {
        for value in values {
            let sent = format!("{{\"{field}\":{value}}}");
            let event = read(sent.as_bytes()).unwrap();
            let stored = super::super::to_stored(&event);
            assert_eq!(super::super::from_stored(&stored).unwrap(), event, "{field}: {}", &value[..value.len().min(40)]);
        }
    }
}
