//! Every pitfall that the protocol notes list for the payload of an event (sections 7.1 to 7.3), by name: what is sent, and what has to
//! be understood and noted. Sections 5 and 7.6 to 7.8 have theirs beside the code that keeps them (`protocol/envelope`,
//! `pipeline/normalize`).

use serde_json::{Value, json};

use super::super::*;

/// What is sent, where in the stored event to look, what has to stand there, and the places that have a note.
type Pitfall = (&'static str, &'static [u8], &'static str, &'static str, &'static [&'static str]);

/// Section 7.1, one line a form.
const ODD_FORMS: &[Pitfall] = &[
    ("dashed ids", br#"{"event_id":"9EC79C33-EC99-42AB-8353-589FCB2E04DC"}"#, "/event_id", r#""9ec79c33ec9942ab8353589fcb2e04dc""#, &[]),
    ("no id", br#"{}"#, "/event_id", "null", &[]),
    ("an id that is none", br#"{"event_id":"42"}"#, "/event_id", "null", &["event_id"]),
    ("a time without zone", br#"{"timestamp":"2026-11-20T08:02:19"}"#, "/timestamp", r#""2026-11-20T08:02:19Z""#, &[]),
    ("a time of nanoseconds", br#"{"timestamp":"2026-11-20T08:02:19.123456789Z"}"#, "/timestamp", r#""2026-11-20T08:02:19.123456Z""#, &[]),
    ("a time with an offset", br#"{"timestamp":"2026-11-20T09:02:19+01:00"}"#, "/timestamp", r#""2026-11-20T08:02:19Z""#, &[]),
    ("a time as a float", br#"{"timestamp":1795161739.25}"#, "/timestamp", r#""2026-11-20T08:02:19.25Z""#, &[]),
    ("a time of no calendar", br#"{"timestamp":"tomorrow"}"#, "/timestamp", "null", &["timestamp"]),
    ("a level as raven's number", br#"{"level":40}"#, "/level", r#""error""#, &[]),
    ("the console's level", br#"{"level":"log"}"#, "/level", r#""info""#, &[]),
    ("warn", br#"{"level":"warn"}"#, "/level", r#""warning""#, &[]),
    ("critical", br#"{"level":"CRITICAL"}"#, "/level", r#""fatal""#, &[]),
    ("a level nobody knows", br#"{"level":"catastrophic"}"#, "/level", "null", &["level"]),
    ("message as a text", br#"{"message":"hi"}"#, "/logentry/formatted", r#""hi""#, &[]),
    ("message as an entry", br#"{"message":{"message":"hi %s","params":["x"],"formatted":null}}"#, "/logentry/formatted", r#""hi x""#, &[]),
    ("logentry", br#"{"logentry":{"message":"hi %s","params":["x"]}}"#, "/logentry/formatted", r#""hi x""#, &[]),
    (
        "logentry with named parameters",
        br#"{"logentry":{"message":"hi %(who)s","params":{"who":"x"}}}"#,
        "/logentry/formatted",
        r#""hi x""#,
        &[],
    ),
    ("logentry with empty parameters", br#"{"logentry":{"message":"100%","params":[]}}"#, "/logentry/formatted", r#""100%""#, &[]),
    (
        "raven's interface beside a message",
        br#"{"sentry.interfaces.Message":{"message":"hi %s","params":["x"]},"message":"hi x"}"#,
        "/logentry/message",
        r#""hi %s""#,
        &[],
    ),
    ("unknown fields of an entry", br#"{"logentry":{"message":"hi","template_id":7}}"#, "/logentry/template_id", r#"7"#, &[]),
    ("exceptions in values", br#"{"exception":{"values":[{"type":"E"}]}}"#, "/exceptions/0/type", r#""E""#, &[]),
    ("exceptions as a list", br#"{"exception":[null,{"type":"E"}]}"#, "/exceptions/0/type", r#""E""#, &[]),
    ("a bare exception object", br#"{"exception":{"type":"E","value":"v"}}"#, "/exceptions/0/value", r#""v""#, &[]),
    ("raven's exceptions", br#"{"sentry.interfaces.Exception":{"values":[{"type":"E"}]}}"#, "/exceptions/0/type", r#""E""#, &[]),
    (
        "both spellings, one of them empty",
        br#"{"exception":{"values":[{"type":"E"}]},"sentry.interfaces.Exception":{"values":[]}}"#,
        "/exceptions/0/type",
        r#""E""#,
        &[],
    ),
    ("an empty value", br#"{"exception":{"type":"E","value":""}}"#, "/exceptions/0/value", r#""""#, &[]),
    ("a value that is a number", br#"{"exception":{"type":"E","value":7}}"#, "/exceptions/0/value", r#""7""#, &[]),
    ("a value that is an object", br#"{"exception":{"type":"E","value":{"code":7}}}"#, "/exceptions/0/value", r#""{\"code\":7}""#, &[]),
    (
        "notes and colours in a value",
        br#"{"exception":{"type":"E","value":"a\nb \u001b[31mred"}}"#,
        "/exceptions/0/value",
        r#""a\nb \u001b[31mred""#,
        &[],
    ),
    (
        "an exception without a type",
        br#"{"exception":{"value":"v","mechanism":{"synthetic":true}}}"#,
        "/exceptions/0/mechanism/synthetic",
        r#"true"#,
        &[],
    ),
    ("a module that is null", br#"{"exception":{"type":"E","module":null}}"#, "/exceptions/0/module", "null", &[]),
    ("a stack trace that is null", br#"{"exception":{"type":"E","stacktrace":null}}"#, "/exceptions/0/stacktrace", "null", &[]),
    ("an empty stack trace", br#"{"exception":{"type":"E","stacktrace":{}}}"#, "/exceptions/0/stacktrace", "null", &[]),
    ("frames that are null", br#"{"exception":{"type":"E","stacktrace":{"frames":null}}}"#, "/exceptions/0/stacktrace", "null", &[]),
    (
        "null frames among others",
        br#"{"exception":{"type":"E","stacktrace":{"frames":[null,{"function":"f"},null]}}}"#,
        "/exceptions/0/stacktrace/frames/0/function",
        r#""f""#,
        &[],
    ),
    (
        "frames without lines",
        br#"{"stacktrace":{"frames":[{"function":"<unknown>","instruction_addr":"0x0","in_app":null,"pre_context":null}]}}"#,
        "/stacktrace/frames/0/function",
        r#""<unknown>""#,
        &[],
    ),
    ("locals as a list", br#"{"stacktrace":{"frames":[{"function":"f","vars":["a"]}]}}"#, "/stacktrace/frames/0/vars/0", r#""a""#, &[]),
    (
        "a frame that is none",
        br#"{"stacktrace":{"frames":[7,{"function":"f"}]}}"#,
        "/stacktrace/frames/0/function",
        r#""f""#,
        &["stacktrace.frames.0"],
    ),
    ("threads in values", br#"{"threads":{"values":[{"id":1,"crashed":true}]}}"#, "/threads/0/crashed", r#"true"#, &[]),
    ("threads as a list", br#"{"threads":[{"id":"main","current":"true"}]}"#, "/threads/0/current", r#"true"#, &[]),
    ("breadcrumbs as a list", br#"{"breadcrumbs":[{"message":"m","data":null}]}"#, "/breadcrumbs/0/message", r#""m""#, &[]),
    (
        "a breadcrumb's old type and float",
        br#"{"breadcrumbs":{"values":[{"ty":"http","timestamp":1795161739.25}]}}"#,
        "/breadcrumbs/0/timestamp",
        r#""2026-11-20T08:02:19.25Z""#,
        &[],
    ),
    ("tags as pairs", br#"{"tags":[["a",1],["b",null],null]}"#, "/tags", r#"[["a", "1"]]"#, &[]),
    ("tags as keys and values", br#"{"tags":[{"key":"a","value":true}]}"#, "/tags", r#"[["a", "True"]]"#, &[]),
    ("a tag that is no pair", br#"{"tags":[["a"],["b","1"]]}"#, "/tags", r#"[["b", "1"]]"#, &["tags.0"]),
    (
        "a user's id as a number",
        br#"{"user":{"id":42,"username":7,"plan":"pro"}}"#,
        "/user",
        r#"{"id": "42", "username": "7", "plan": "pro"}"#,
        &[],
    ),
    ("a fingerprint of many types", br#"{"fingerprint":["{{default}}",1,true]}"#, "/fingerprint", r#"["{{default}}", "1", "True"]"#, &[]),
    ("headers as pairs", br#"{"request":{"headers":[["Accept",["a","b"]]]}}"#, "/request/headers", r#"[["Accept", "a, b"]]"#, &[]),
    ("cookies as a text", br#"{"request":{"cookies":"a=1; b=2"}}"#, "/request/cookies", r#"[["a", "1"], ["b", "2"]]"#, &[]),
    ("cookies as pairs", br#"{"request":{"cookies":[["a","1"]]}}"#, "/request/cookies", r#"[["a", "1"]]"#, &[]),
    ("a query as a text", br#"{"request":{"query_string":"?a=1&b=%20"}}"#, "/request/query", r#"[["a", "1"], ["b", " "]]"#, &[]),
    ("a query as an object", br#"{"request":{"query_string":{"a":["1","2"]}}}"#, "/request/query", r#"[["a", "1, 2"]]"#, &[]),
    ("a body of any type", br#"{"request":{"data":[1,{"a":null}]}}"#, "/request/data", r#"[1, {"a": null}]"#, &[]),
    (
        "contexts that are no objects",
        br#"{"contexts":{"os":"Linux","none":null,"trace":{"trace_id":"x"}}}"#,
        "/contexts",
        r#"{"trace": {"trace_id": "x"}}"#,
        &["contexts.os"],
    ),
    ("extra that is null", br#"{"extra":null,"modules":null}"#, "/extra", "null", &[]),
    ("a release as a number", br#"{"release":42}"#, "/release", r#""42""#, &[]),
    ("blanks around a release", br#"{"release":"  1.0\n"}"#, "/release", r#""1.0""#, &[]),
    ("an empty environment", br#"{"environment":"  "}"#, "/environment", "null", &[]),
    ("integrations as objects", br#"{"sdk":{"name":"n","integrations":[{"name":"x"}]}}"#, "/sdk/integrations/0/name", r#""x""#, &[]),
    ("the client's own notes", br#"{"_meta":{"extra":{"":{"len":9}}}}"#, "/_meta/extra//len", r#"9"#, &[]),
    ("legacy fields", br#"{"project":"1","time_spent":3,"repos":{},"site":"shop"}"#, "/other/site", r#""shop""#, &[]),
    ("fields of tomorrow", br#"{"hologram":{"depth":[1,2]}}"#, "/other/hologram/depth/1", r#"2"#, &[]),
    ("names of our own fields", br#"{"damage":1,"grouping":{"version":9},"exceptions":[]}"#, "/other/grouping/version", r#"9"#, &[]),
    (
        "unknown fields of a frame",
        br#"{"stacktrace":{"frames":[{"function":"f","symbol_addr":"0x1"}]}}"#,
        "/stacktrace/frames/0/symbol_addr",
        r#""0x1""#,
        &[],
    ),
];

/// Section 7.2, one line a trap.
const JSON_TRAPS: &[Pitfall] = &[
    (
        "NUL in a value",
        br#"{"exception":{"values":[{"value":"a\u0000b"}]}}"#,
        "/exceptions/0/value",
        r#""a�b""#,
        &["exception.values.0.value"],
    ),
    ("NUL in a key", br#"{"extra":{"a\u0000":1}}"#, "/extra/a\u{fffd}", r#"1"#, &["extra.a\u{fffd}"]),
    ("lone surrogates", br#"{"message":"\udcff\ud800x"}"#, "/logentry/formatted", r#""��x""#, &["message"]),
    ("pairs of surrogates", br#"{"message":"\ud83d\ude00"}"#, "/logentry/formatted", r#""😀""#, &[]),
    ("a replacement character of the client's own", b"{\"message\":\"a\xef\xbf\xbdb\"}", "/logentry/formatted", r#""a�b""#, &[]),
    ("NaN and Infinity", br#"{"extra":{"a":NaN,"b":[-Infinity,1]}}"#, "/extra/b", r#"[null, 1]"#, &[""]),
    ("nan as a text", br#"{"extra":{"a":"nan","b":"inf"}}"#, "/extra/a", r#""nan""#, &[]),
    ("an integer of more than 64 bits", br#"{"extra":{"a":1208925819614629174706176}}"#, "/extra/a", r#"1208925819614629174706176"#, &[]),
    ("a float without end", br#"{"extra":{"a":1e400}}"#, "/extra/a", r#""1e400""#, &[""]),
    (
        "a line number without end",
        br#"{"stacktrace":{"frames":[{"function":"f","lineno":999999999999999999999999999999999999999}]}}"#,
        "/stacktrace/frames/0/lineno",
        "null",
        &["stacktrace.frames.0.lineno"],
    ),
    ("equal keys", br#"{"release":"1","release":"2"}"#, "/release", r#""2""#, &[]),
    ("bytes that are not UTF-8", b"{\"message\":\"a\xffb\"}", "/logentry/formatted", r#""a�b""#, &["message"]),
    ("a byte order mark and trailing NUL", b"\xef\xbb\xbf{\"message\":\"m\"}\0", "/logentry/formatted", r#""m""#, &[]),
    ("control characters in texts", b"{\"message\":\"a\tb\"}", "/logentry/formatted", r#""a\tb""#, &[""]),
];

fn check((name, sent, at, expected, noted): &Pitfall) {
    let event = read(sent).unwrap_or_else(|error| panic!("{name}: {error}"));
    let stored = super::super::super::to_stored(&event);
    assert!(!stored.contains(&0) && !String::from_utf8_lossy(&stored).contains("\\u0000"), "{name}: holds NUL");
    let stored: Value = serde_json::from_slice(&stored).unwrap();
    let expected: Value = serde_json::from_str(expected).unwrap();
    assert_eq!(stored.pointer(at).unwrap_or(&Value::Null), &expected, "{name}: {stored}");
    let paths: Vec<_> = event.damage.iter().map(|damage| damage.path.as_str()).collect();
    assert_eq!(paths, *noted, "{name}: {:?}", event.damage);
}

#[test]
fn every_odd_form_is_understood() {
    ODD_FORMS.iter().for_each(check);
}

#[test]
fn every_trap_of_json_is_survived_and_noted() {
    JSON_TRAPS.iter().for_each(check);
}

#[test]
fn what_is_nested_too_deeply_is_left_out_and_noted() {
    let deep = format!(r#"{{"message":"kept","extra":{{"a":{}1{},"b":2}}}}"#, "[".repeat(200), "]".repeat(200));
    let event = read(deep.as_bytes()).unwrap();
    assert_eq!((event.logentry.as_ref().map(LogEntry::text), event.extra["b"].as_i64()), (Some("kept"), Some(2)));
    assert_eq!((event.damage.len(), event.damage[0].change), (1, super::super::super::Change::Cut));
    assert!(event.damage[0].path.starts_with("extra.a.0.0"), "{:?}", event.damage);
}

#[test]
fn the_raised_exception_is_the_last_and_groups_keep_their_ids() {
    let sent = json!({"exception": {"values": [
        {"type": "Child", "mechanism": {"type": "chained", "exception_id": 1, "parent_id": 0, "source": "exceptions[0]"}},
        {"type": "Group", "mechanism": {"type": "generic", "exception_id": 0, "is_exception_group": true, "handled": false, "meta": {"errno": {"number": 2}}}},
    ]}});
    let text = sent.to_string();
    let event = read(text.as_bytes()).unwrap();
    let last = event.exceptions.last().unwrap();
    let mechanism = last.mechanism.as_ref().unwrap();
    assert_eq!((last.kind.as_deref(), mechanism.handled, mechanism.is_exception_group), (Some("Group"), Some(false), Some(true)));
    assert_eq!(mechanism.other["meta"]["errno"]["number"].as_i64(), Some(2));
    let child = event.exceptions[0].mechanism.as_ref().unwrap();
    assert_eq!((child.exception_id, child.parent_id, child.source.as_deref()), (Some(1), Some(0), Some("exceptions[0]")));
}

#[test]
fn a_thousand_faults_are_counted_and_some_of_them_listed() {
    let frames = vec![json!(7); 1_000];
    let text = json!({"stacktrace": {"frames": frames}}).to_string();
    let event = read(text.as_bytes()).unwrap();
    assert_eq!((event.damage.len(), event.damage_unlisted), (super::super::super::NOTES_MAX, Some(900)));
    assert_eq!(super::super::super::from_stored(&super::super::super::to_stored(&event)).unwrap(), event);
}
