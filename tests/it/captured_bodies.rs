//! What captured SDK bodies become: decoded, taken apart, read, normalized and scrubbed. No request of a real client may surprise us.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use bugle::pipeline::normalize::{self, Arrival};
use bugle::pipeline::scrub;
use bugle::protocol::category::Category;
use bugle::protocol::client_report;
use bugle::protocol::envelope::{self, Envelope};
use bugle::protocol::event::{self, Event, Exception};
use bugle::protocol::json::Json;
use bugle::protocol::{encoding, store_body};
use serde_json::Value;
use time::OffsetDateTime;
use time::macros::datetime;

const LIMIT: usize = 1 << 20;
/// A little after the fixtures were captured.
const NOW: OffsetDateTime = datetime!(2026-11-20 09:00 UTC);

/// A folder of `tests/fixtures`.
pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// The bytes of a fixture.
pub fn body(path: impl AsRef<Path>) -> Vec<u8> {
    fs::read(path.as_ref()).unwrap_or_else(|error| panic!("{}: {error}", path.as_ref().display()))
}

/// What is known of the fixtures of a folder.
pub fn index(name: &str) -> Vec<Value> {
    serde_json::from_slice(&body(folder(name).join("index.json"))).expect("the index is a list")
}

/// Names of all captured bodies of a client, sorted.
pub fn captured(client: &str) -> Vec<String> {
    let mut files: Vec<String> = index("envelopes")
        .iter()
        .filter_map(|entry| entry["file"].as_str())
        .filter(|file| file.starts_with(client))
        .map(str::to_owned)
        .collect();
    files.sort_unstable();
    assert!(!files.is_empty(), "no fixtures of {client}");
    files
}

fn processed(payload: &[u8], sent_at: Option<OffsetDateTime>) -> Event<'_> {
    let mut event = event::read(payload).expect("a captured event is readable");
    let arrival = Arrival { received_at: NOW, sent_at, client_ip: Some("192.0.2.1".into()), user_agent: None };
    normalize::event(&mut event, &arrival);
    scrub::event(&mut event, &scrub::Rules::DEFAULT);
    event
}

/// All events of a captured body, processed.
fn events(file: &str) -> Vec<Event<'static>> {
    // Events are slices of the body they came in.
    let body: &'static [u8] = body(folder("envelopes").join(file)).leak();
    if file.ends_with(".json") {
        return vec![processed(store_body::open(body, LIMIT).expect("a store body").into_owned().leak(), None)];
    }
    let Ok(envelope) = envelope::parse(body) else { return Vec::new() };
    envelope.items.iter().filter(|item| item.kind == "event").map(|item| processed(item.payload, None)).collect()
}

#[test]
fn captured_bodies_are_understood() {
    for client in ["js-browser", "js-node", "python-1", "python-2", "raven", "rust", "sentry-cli", "spec"] {
        let mut view = String::new();
        for file in captured(client) {
            writeln!(view, "== {file}").expect("a string takes everything");
            show_body(&file, &mut view);
        }
        insta::assert_snapshot!(client, view);
    }
}

fn show_body(file: &str, view: &mut String) {
    if file.ends_with(".envelope") {
        match envelope::parse(&body(folder("envelopes").join(file))) {
            Ok(envelope) => show_envelope(&envelope, view),
            Err(error) => view.push_str(&format!("refused: {error}\n")),
        }
    }
    for event in events(file) {
        show_event(&event, view);
    }
}

fn show_envelope(envelope: &Envelope<'_>, view: &mut String) {
    let header = &envelope.header;
    let id = header.event_id.map_or("-".to_owned(), |id| id.to_string());
    let dsn = header.dsn.as_ref().map_or("-".to_owned(), |dsn| format!("{} of {}", dsn.public_key, dsn.project_id));
    view.push_str(&format!("id {id}, sent {}, sdk {}, dsn {dsn}\n", shown(header.sent_at), header.sdk.as_deref().unwrap_or("-")));
    for item in &envelope.items {
        view.push_str(&format!("item {} as {}, {} bytes\n", item.kind, Category::of(item).name(), item.payload.len()));
        if item.kind == "client_report" {
            for discard in client_report::read(item.payload).expect("a captured report is readable") {
                view.push_str(&format!("  threw away {} of {}: {}\n", discard.quantity, discard.category.name(), discard.reason));
            }
        }
    }
}

fn show_event(event: &Event<'_>, view: &mut String) {
    let id = event.event_id.map_or("-".to_owned(), |id| id.to_string());
    let level = event.level.map_or("-", |level| level.name());
    view.push_str(&format!("event {id}, {level}, {}, {}\n", event.platform, shown(event.timestamp)));
    let names = [
        ("transaction", &event.transaction),
        ("culprit", &event.culprit),
        ("logger", &event.logger),
        ("release", &event.release),
        ("dist", &event.dist),
    ];
    for (name, value) in names.into_iter().chain([("environment", &event.environment), ("server", &event.server_name)]) {
        if let Some(value) = value {
            view.push_str(&format!("  {name}: {value}\n"));
        }
    }
    if let Some(entry) = &event.logentry {
        let params = entry.params.as_ref().map_or(String::new(), |params| format!(" with {params}"));
        view.push_str(&format!(
            "  message: {:?} of {:?}{}\n",
            cut(entry.text()),
            cut(entry.message.as_deref().unwrap_or_default()),
            cut(&params)
        ));
    }
    event.exceptions.iter().for_each(|exception| show_exception(exception, view));
    show_surroundings(event, view);
    for damage in &event.damage {
        view.push_str(&format!("  damage at {}: {}\n", damage.path, damage.what));
    }
}

fn show_exception(exception: &Exception, view: &mut String) {
    let (frames, in_app) = (exception.frames().len(), exception.frames().iter().filter(|frame| frame.in_app == Some(true)).count());
    let mechanism = exception.mechanism.as_ref().map_or("-".to_owned(), |mechanism| {
        format!(
            "{} handled {:?} id {:?} parent {:?}",
            mechanism.kind.as_deref().unwrap_or("-"),
            mechanism.handled,
            mechanism.exception_id,
            mechanism.parent_id
        )
    });
    let (kind, value) = (exception.kind.as_deref().unwrap_or("-"), cut(exception.value.as_deref().unwrap_or("-")));
    view.push_str(&format!("  {kind}: {value:?} ({mechanism}), {frames} frames, {in_app} in app\n"));
    if let Some(frame) = exception.frames().iter().rev().find(|frame| frame.in_app == Some(true)) {
        let vars = serde_json::to_string(&frame.vars).expect("locals are JSON");
        view.push_str(&format!(
            "    {} in {}:{} {:?} {}\n",
            frame.function.as_deref().unwrap_or("-"),
            frame.filename.as_deref().unwrap_or("-"),
            frame.lineno.unwrap_or_default(),
            cut(frame.context_line.as_deref().unwrap_or("-").trim()),
            cut(&vars)
        ));
    }
}

fn show_surroundings(event: &Event, view: &mut String) {
    if let Some(request) = &event.request {
        let data = request.data.as_ref().map_or("-".to_owned(), Json::to_string);
        view.push_str(&format!("  request: {} {}\n", request.method.as_deref().unwrap_or("-"), request.url.as_deref().unwrap_or("-")));
        view.push_str(&format!("    query {:?}, cookies {:?}, data {}\n", request.query, request.cookies, cut(&data)));
        view.push_str(&format!("    headers {:?}\n", request.headers));
    }
    if let Some(user) = &event.user {
        view.push_str(&format!("  user: {}\n", serde_json::to_string(user).expect("a user is JSON")));
    }
    let tags: Vec<String> = event.tags.iter().map(|(key, value)| format!("{key}={}", cut(value))).collect();
    view.push_str(&format!("  tags: {}\n", tags.join(", ")));
    let keys = |object: &event::Object<'_>| object.keys().collect::<Vec<_>>().join(" ");
    view.push_str(&format!("  contexts: {}; extra: {}; other: {}\n", keys(&event.contexts), keys(&event.extra), keys(&event.other)));
    let counts = (event.breadcrumbs.len(), event.modules.len(), event.threads.len());
    view.push_str(&format!(
        "  {} breadcrumbs, {} modules, {} threads, fingerprint {:?}\n",
        counts.0, counts.1, counts.2, event.fingerprint
    ));
}

fn shown(at: Option<OffsetDateTime>) -> String {
    at.map_or("-".to_owned(), |at| at.to_string())
}

fn cut(text: &str) -> String {
    if text.chars().count() > 160 {
        format!("{}… {} characters", text.chars().take(160).collect::<String>(), text.chars().count())
    } else {
        text.to_owned()
    }
}

/// The planted secrets, in whatever quoting.
const SECRETS: &[&str] = &[
    "hunter2",
    "tok-secret-",
    "sess-secret-",
    "header-secret-",
    "key-secret-",
    "body-secret-",
    "qs-secret",
    "token=secret",
    "token=abc",
    "Bearer secret",
    "sk_live_should",
    "4111111111111111",
    "sntrys_",
];

#[test]
fn no_planted_secret_survives() {
    let mut planted = 0;
    for file in captured("") {
        let raw = String::from_utf8_lossy(&body(folder("envelopes").join(&file))).into_owned();
        planted += SECRETS.iter().filter(|secret| raw.contains(**secret)).count();
        for event in events(&file) {
            let stored = serde_json::to_string(&event).expect("an event is JSON");
            for secret in SECRETS {
                assert!(!stored.contains(secret), "{secret} survives in {file}: …{}…", around(&stored, secret));
            }
        }
    }
    assert!(planted > 30, "the fixtures hold only {planted} secrets");
}

#[test]
fn the_environment_that_sentry_cli_uploads_loses_its_token() {
    let event = &events("sentry-cli-3.8.0-send-event-message.event.envelope")[0];
    assert_eq!(event.extra["environ"]["SENTRY_AUTH_TOKEN"], Value::from(scrub::FILTERED));
}

fn around(text: &str, secret: &str) -> String {
    let at = text.find(secret).unwrap_or_default();
    let start = (0..=at.saturating_sub(80)).rev().find(|start| text.is_char_boundary(*start)).unwrap_or_default();
    text[start..].chars().take(160).collect()
}

#[test]
fn nothing_that_is_stored_holds_nul_or_changes_when_read_back() {
    for file in captured("") {
        for event in events(&file) {
            let stored = event::to_stored(&event);
            assert!(!holds_nul(&serde_json::from_slice(&stored).expect("just written")), "{file}");
            assert_eq!(event::from_stored(&stored).ok(), Some(event), "{file}");
        }
    }
}

fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(list) => list.iter().any(holds_nul),
        Value::Object(object) => object.iter().any(|(key, value)| key.contains('\0') || holds_nul(value)),
        _ => false,
    }
}

#[test]
fn grammar_cases_do_what_they_expect() {
    let cases: Vec<_> = index("envelopes").into_iter().filter(|entry| entry["client"] == "specification").collect();
    assert!(cases.len() >= 15);
    for case in cases {
        let (file, expect) = (case["file"].as_str().expect("a file"), case["expect"].as_str().expect("an expectation"));
        if file.ends_with(".envelope") {
            let body = body(folder("envelopes").join(file));
            let accepted = envelope::parse(&body);
            assert_eq!(accepted.is_ok(), expect.starts_with("200"), "{file}: {expect}");
            let Ok(accepted) = accepted else { continue };
            let stored = accepted.items.iter().filter(|item| item.kind == "event").count();
            let announced = usize::from(!expect.contains("nothing stored") && !expect.contains("two empty attachments"));
            assert_eq!(stored, announced, "{file}: {expect}");
        } else {
            assert_eq!(events(file).len(), 1, "{file}: {expect}");
        }
    }
}

#[test]
fn grammar_cases_keep_their_details() {
    let parsed = |file: &str, check: &dyn Fn(&Envelope<'_>)| {
        let body = body(folder("envelopes").join(file));
        check(&envelope::parse(&body).expect("a legal envelope"));
    };
    parsed("spec-two-empty-attachments.envelope", &|envelope| {
        assert!(envelope.items.len() == 2 && envelope.items.iter().all(|item| item.payload.is_empty()))
    });
    parsed("spec-binary-attachment-with-newlines.envelope", &|envelope| assert_eq!(envelope.items[0].payload, b"\xef\xbb\xbfHello\r\n"));
    parsed("spec-unknown-item-then-event.envelope", &|envelope| assert_eq!(envelope.items[0].payload, b"{\"a\":\n \"b\"} "));
    parsed("spec-id-mismatch.envelope", &|envelope| {
        assert_eq!(envelope.header.event_id.map(|id| id.to_string()).as_deref(), Some("00000000000000000000000000000001"));
    });
    parsed("spec-dsn-in-header.envelope", &|envelope| assert!(envelope.header.dsn.is_some()));
    parsed("spec-empty-header.envelope", &|envelope| assert_eq!(envelope.header.event_id, None));
}

#[test]
fn one_body_is_the_same_in_every_encoding() {
    let cases = index("encodings");
    assert!(cases.len() >= 7);
    for case in cases {
        let (file, plain) = (case["file"].as_str().expect("a file"), case["decoded"].as_str().expect("the plain file"));
        let (encoded, plain) = (body(folder("encodings").join(file)), body(folder("encodings").join(plain)));
        let decoded =
            encoding::decode(case["content_encoding"].as_str().unwrap_or_default(), &encoded, LIMIT).expect("a captured encoding");
        let opened = if file.starts_with("store") { store_body::open(&decoded, LIMIT).expect("a store body") } else { decoded };
        assert_eq!(opened, plain, "{file}");
    }
}
