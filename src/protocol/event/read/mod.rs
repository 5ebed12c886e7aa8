//! Lenient reading (protocol notes, section 7.1): every form in the wild becomes the canonical one; what has a wrong type costs only
//! itself and leaves a note.

mod breadcrumb;
mod exception;
mod log_entry;
mod people;
mod repaired;
mod request;
mod scalar;
mod stacktrace;
mod tags;
mod thread;

use super::{Event, LogEntry, Notes, Object, Place, Stacktrace, Text};
use crate::domain::event_id::EventId;
use crate::protocol::json::{self, Json, JsonError, Repairs};
use crate::protocol::timestamp;

/// The payload is no event at all.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event is a JSON object: {0}")]
pub struct ReadError(#[from] JsonError);

/// Reads the payload of an event item or of `/store/`.
pub fn read(bytes: &[u8]) -> Result<Event<'_>, ReadError> {
    let (mut reading, mut repairs) = (Reading::default(), Repairs::default());
    let fields = json::parse_object_telling(bytes, &mut repairs)?;
    if repairs != Repairs::default() {
        repaired::note(&fields, repairs, &mut reading.notes);
    }
    for (key, value) in fields {
        if !value.is_null() {
            reading.field(key, value);
        }
    }
    Ok(reading.finish())
}

/// An event half read. Message and exceptions can come in several fields at once and are joined at the end.
#[derive(Default)]
struct Reading<'a> {
    event: Event<'a>,
    notes: Notes,
    message: Option<Text<'a>>,
    legacy_stacktrace: Option<Stacktrace<'a>>,
}

impl<'a> Reading<'a> {
    fn field(&mut self, key: Text<'a>, value: Json<'a>) {
        let at = Place::root(&key);
        let (event, notes) = (&mut self.event, &mut self.notes);
        match key.as_ref() {
            "event_id" => event.event_id = event_id(&value, at, notes),
            "timestamp" => event.timestamp = time(&value, at, notes),
            "level" => event.level = scalar::level(&value, at, notes),
            "platform" => event.platform = lower_case(scalar::name(value, at, notes).unwrap_or_default()),
            "logger" => event.logger = scalar::name(value, at, notes),
            "transaction" => event.transaction = scalar::name(value, at, notes),
            "culprit" => event.culprit = scalar::name(value, at, notes),
            "server_name" => event.server_name = scalar::name(value, at, notes),
            "release" => event.release = scalar::name(value, at, notes),
            "dist" => event.dist = scalar::name(value, at, notes),
            "environment" => event.environment = scalar::name(value, at, notes),
            "checksum" => event.checksum = scalar::name(value, at, notes),
            "message" | "logentry" | "sentry.interfaces.Message" => self.message(value, &key),
            "exception" | "sentry.interfaces.Exception" => fill(&mut event.exceptions, exception::list(value, at, notes)),
            "stacktrace" => event.stacktrace = stacktrace::stacktrace(value, at, notes),
            "sentry.interfaces.Stacktrace" => self.legacy_stacktrace = stacktrace::stacktrace(value, at, notes),
            "threads" => event.threads = thread::list(value, at, notes),
            "template" | "sentry.interfaces.Template" => event.template = scalar::object(value, at, notes),
            "breadcrumbs" | "sentry.interfaces.Breadcrumbs" => fill(&mut event.breadcrumbs, breadcrumb::list(value, at, notes)),
            "request" | "sentry.interfaces.Http" => event.request = request::request(value, at, notes),
            "user" | "sentry.interfaces.User" => event.user = people::user(value, at, notes),
            "tags" => event.tags = tags::tags(value, at, notes),
            "contexts" | "sentry.interfaces.Contexts" => event.contexts = contexts(value, at, notes),
            "extra" => event.extra = scalar::object(value, at, notes).unwrap_or_default(),
            "modules" => event.modules = scalar::object(value, at, notes).unwrap_or_default(),
            "fingerprint" => event.fingerprint = scalar::fingerprint(value, at, notes),
            "sdk" | "client_sdk" => event.sdk = people::sdk(value, at, notes),
            "debug_meta" => event.debug_meta = Some(value),
            "_meta" => event.client_meta = Some(value),
            _ => {
                event.other.push(key, value);
            }
        }
    }

    /// `message` can be the template, the whole text beside a `logentry`, or a `logentry` itself.
    fn message(&mut self, value: Json<'a>, key: &str) {
        match value {
            Json::Object(object) => self.event.logentry = Some(log_entry::log_entry(object, Place::root(key), &mut self.notes)),
            text if key == "message" => self.message = scalar::text(text, Place::root(key), &mut self.notes),
            text => self.message = self.message.take().or_else(|| scalar::text(text, Place::root(key), &mut self.notes)),
        }
    }

    fn finish(self) -> Event<'a> {
        let Self { mut event, notes, message, legacy_stacktrace } = self;
        event.logentry = log_entry::joined(event.logentry, message);
        event.stacktrace = event.stacktrace.or(legacy_stacktrace);
        notes.close(&mut event);
        event
    }
}

/// Of two spellings of one field the one counts that says something.
fn fill<T>(list: &mut Vec<T>, found: Vec<T>) {
    if !found.is_empty() {
        *list = found;
    }
}

fn event_id(value: &Json<'_>, at: Place<'_>, notes: &mut Notes) -> Option<EventId> {
    let id = value.as_str().and_then(|text| EventId::parse(text).ok());
    if id.is_none() {
        notes.drop(at, "not an event id; another one was given");
    }
    id
}

fn time(value: &Json<'_>, at: Place<'_>, notes: &mut Notes) -> Option<time::OffsetDateTime> {
    let time = timestamp::read(value);
    if time.is_none() {
        notes.drop(at, format!("not a time ({}); dropped", scalar::shown(value)));
    }
    time
}

fn lower_case(text: Text<'_>) -> Text<'_> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) { text.to_ascii_lowercase().into() } else { text }
}

/// Every context is an object; others are dropped.
fn contexts<'a>(value: Json<'a>, at: Place<'_>, notes: &mut Notes) -> Object<'a> {
    let mut contexts = Object::new();
    for (name, context) in scalar::object(value, at, notes).unwrap_or_default() {
        match context {
            Json::Object(_) => {
                contexts.push(name, context);
            }
            Json::Null => {}
            other => notes.drop(at.key(&name), format!("expected an object, found {}; dropped", scalar::shown(&other))),
        }
    }
    contexts
}

impl<'a> From<Text<'a>> for LogEntry<'a> {
    fn from(text: Text<'a>) -> Self {
        Self { message: Some(text.clone()), formatted: Some(text), ..Self::default() }
    }
}

#[cfg(test)]
mod tests;
