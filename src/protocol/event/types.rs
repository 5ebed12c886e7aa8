//! The fields of an event, in canonical form.
#![expect(missing_docs, reason = "the names are those of the Sentry event protocol; only what they do not say is written here")]

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use crate::domain::event_id::EventId;
use crate::domain::fingerprint::Explanation;
use crate::domain::level::Level;

/// A JSON object that keeps the order of its keys.
pub type Object = Map<String, Value>;

/// One occurrence of an error or a message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Event {
    /// `None` only before the digest has filled it in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<EventId>,
    /// When it happened, by the client's clock, corrected for drift. `None`: not sent or unreadable.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<OffsetDateTime>,
    /// When it arrived. Filled in by normalization.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub received: Option<OffsetDateTime>,
    /// `None` until normalization, which makes it `error`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// `python`, `javascript`, `node`, … lower case; `other` if unknown.
    pub platform: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logger: Option<String>,
    /// Route, task or command: `/orders/{order_id}/pay/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub culprit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dist: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logentry: Option<LogEntry>,
    /// Oldest cause first, the raised exception last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<Exception>,
    /// A bare stack trace without an exception.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stacktrace: Option<Stacktrace>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub threads: Vec<Thread>,
    /// Template that failed (old Django SDKs): `filename`, `lineno`, `context_line`, ….
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<Object>,
    /// Oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub breadcrumbs: Vec<Breadcrumb>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<User>,
    /// In the order sent; each key once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<(String, String)>,
    /// By name; every value is an object.
    #[serde(skip_serializing_if = "Object::is_empty")]
    pub contexts: Object,
    #[serde(skip_serializing_if = "Object::is_empty")]
    pub extra: Object,
    /// Package to version.
    #[serde(skip_serializing_if = "Object::is_empty")]
    pub modules: Object,
    /// As the client sent it, values made strings. Never trimmed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fingerprint: Vec<String>,
    /// Legacy custom fingerprint of raven.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sdk: Option<Sdk>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub debug_meta: Option<Value>,
    /// The client's own notes on what it removed (`_meta`).
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    pub client_meta: Option<Value>,
    /// Fields that no stage knows, kept as they came.
    #[serde(skip_serializing_if = "Object::is_empty")]
    pub other: Object,
    /// What Bugle changed or could not read, for the page.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub damage: Vec<Damage>,
    /// Why it is in its issue, for the page. `None` before the digest has fingerprinted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grouping: Option<Grouping>,
}

/// How an event was grouped when it was stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Grouping {
    /// Version of the algorithm.
    pub version: i16,
    /// What decided.
    #[serde(flatten)]
    pub explanation: Explanation,
}

/// A log message; `message` is the template where the client sent one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogEntry {
    /// Template with `%s` or `{}`; equal to the whole text where there is no template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The text for people. Always set after reading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formatted: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub params: Option<Value>,
}

impl LogEntry {
    /// What a person should read.
    pub fn text(&self) -> &str {
        self.formatted.as_deref().or(self.message.as_deref()).unwrap_or_default()
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Exception {
    /// Class name; may be missing (JavaScript messages).
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mechanism: Option<Mechanism>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stacktrace: Option<Stacktrace>,
    /// Everything else, as sent.
    #[serde(flatten)]
    pub other: Object,
}

impl Exception {
    /// The frames, oldest call first; empty if there are none.
    pub fn frames(&self) -> &[Frame] {
        self.stacktrace.as_ref().map_or(&[], |stacktrace| &stacktrace.frames)
    }
}

/// How the exception reached the SDK.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mechanism {
    /// `django`, `logging`, `excepthook`, `chained`, ….
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handled: Option<bool>,
    /// The type says nothing about the error (a message, a signal).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub synthetic: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exception_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<i64>,
    /// `__cause__`, `__context__`, `exceptions[1]`, ….
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_exception_group: Option<bool>,
    /// `meta`, `data`, `help_link` and whatever else was sent.
    #[serde(flatten)]
    pub other: Object,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stacktrace {
    /// Oldest call first, the crash last.
    pub frames: Vec<Frame>,
    /// `registers`, `frames_omitted`, … as sent.
    #[serde(flatten)]
    pub other: Object,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Frame {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abs_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lineno: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub colno: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pre_context: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_line: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub post_context: Vec<String>,
    /// Whether it is the application's own code. After normalization it is never `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_app: Option<bool>,
    /// What the client had said, where normalization disagreed with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_in_app: Option<bool>,
    /// Locals: name to value.
    #[serde(skip_serializing_if = "Object::is_empty")]
    pub vars: Object,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instruction_addr: Option<String>,
    /// Everything else, as sent.
    #[serde(flatten)]
    pub other: Object,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Thread {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crashed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stacktrace: Option<Stacktrace>,
    #[serde(flatten)]
    pub other: Object,
}

/// What happened just before.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Breadcrumb {
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<OffsetDateTime>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(skip_serializing_if = "Object::is_empty")]
    pub data: Object,
    /// Everything else, as sent.
    #[serde(flatten)]
    pub other: Object,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Request {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Without the query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Decoded pairs where the query could be read as pairs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<(String, String)>,
    /// Names as sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cookies: Vec<(String, String)>,
    /// Body: text, or whatever JSON the SDK parsed it into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    #[serde(skip_serializing_if = "Object::is_empty")]
    pub env: Object,
    #[serde(flatten)]
    pub other: Object,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct User {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<String>,
    /// Whatever else the application said about the person.
    #[serde(flatten)]
    pub other: Object,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sdk {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// `packages`, `integrations`, `settings`, ….
    #[serde(flatten)]
    pub other: Object,
}

/// One thing that was changed or given up while an event was read: shown on its page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    /// Where, in dots: `exception.values.0.stacktrace`.
    pub path: String,
    /// What was done and why, for people: `cut to 8,192 characters (was 12,004)`.
    pub what: String,
}
