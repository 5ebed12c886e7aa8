//! The form in which an event is stored: JSON under the protocol's own names, absent and empty fields left out. Written and read by hand,
//! because this is done for every event: see `docs/performance.md`.

use std::ops::{Deref, DerefMut, Range};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{
    Breadcrumb, Change, Damage, Event, Exception, Frame, FrameRuling, Grouping, Json, LogEntry, Mechanism, Object, Request, Sdk,
    StackRuling, Stacktrace, Text, Thread, User,
};
use crate::domain::event_id::EventId;
use crate::domain::level::Level;
use crate::protocol::json::{Number, write};

/// What was stored is not an event.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoredError {
    /// Not even JSON.
    #[error("the stored event is not JSON")]
    NotJson,
    /// Something in it is not what its place says.
    #[error("the stored event holds something else where there should be {0}")]
    Expected(&'static str),
}

/// Under this key frames have their local variables.
const LOCALS: &str = ",\"vars\":";

/// Where an event is written to, and where in it the local variables of frames stand: they are compressed apart from everything else.
#[derive(Debug, Default)]
pub(super) struct Out {
    pub(super) json: Vec<u8>,
    pub(super) locals: Vec<Range<usize>>,
}

impl Deref for Out {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.json
    }
}

impl DerefMut for Out {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.json
    }
}

/// Something that stands in a stored event.
pub(super) trait Stored<'a>: Sized {
    /// Whether it is left out where it is a field.
    fn is_absent(&self) -> bool {
        false
    }

    /// Appends it as JSON.
    fn write(&self, out: &mut Out);

    /// Takes it out of what was parsed.
    fn read(json: Json<'a>) -> Result<Self, StoredError>;
}

/// Writes the fields of an object that are not absent.
pub(super) struct Fields<'o> {
    out: &'o mut Out,
    is_first: bool,
}

impl<'o> Fields<'o> {
    /// Opens the object.
    pub(super) fn open(out: &'o mut Out) -> Self {
        out.push(b'{');
        Self { out, is_first: true }
    }

    /// A field; `key` is the key in its quotes, with a comma before and a colon after it.
    pub(super) fn add<'a>(&mut self, key: &'static str, value: &impl Stored<'a>) {
        if !value.is_absent() {
            self.out.extend_from_slice(&key.as_bytes()[usize::from(self.is_first)..]);
            self.is_first = false;
            let start = self.out.len();
            value.write(self.out);
            if key == LOCALS {
                let end = self.out.len();
                self.out.locals.push(start..end);
            }
        }
    }

    /// All fields of an object.
    pub(super) fn add_all(&mut self, fields: &Object<'_>) {
        for (key, value) in fields.iter() {
            if !self.is_first {
                self.out.push(b',');
            }
            self.is_first = false;
            write::text(key, self.out);
            self.out.push(b':');
            write::value(value, self.out);
        }
    }

    /// Closes the object.
    pub(super) fn close(self) {
        self.out.push(b'}');
    }
}

/// Says under which keys the fields of a type are stored; what has no field of its own goes to the one named last.
macro_rules! stored {
    ($name:ident { $($field:ident: $key:literal),* $(,)? } $(and $rest:ident)?) => {
        impl<'a> $crate::protocol::event::stored::Stored<'a> for $name<'a> {
            fn write(&self, out: &mut Out) {
                let mut fields = $crate::protocol::event::stored::Fields::open(out);
                $(fields.add(concat!(",\"", $key, "\":"), &self.$field);)*
                $(fields.add_all(&self.$rest);)?
                fields.close();
            }

            fn read(json: Json<'a>) -> Result<Self, StoredError> {
                let Json::Object(fields) = json else { return Err(StoredError::Expected("an object")) };
                let mut read = Self::default();
                for (key, value) in fields {
                    match key.as_ref() {
                        $($key => read.$field = $crate::protocol::event::stored::Stored::read(value)?,)*
                        _ => { $(read.$rest.push(key, value);)? }
                    }
                }
                Ok(read)
            }
        }

        impl serde::Serialize for $name<'_> {
            /// For answers of the Web API, which are few.
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut out = $crate::protocol::event::stored::Out::default();
                $crate::protocol::event::stored::Stored::write(self, &mut out);
                serde_json::from_slice::<serde_json::Value>(&out.json).map_err(serde::ser::Error::custom)?.serialize(serializer)
            }
        }
    };
}
stored!(Event {
    event_id: "event_id",
    timestamp: "timestamp",
    received: "received",
    level: "level",
    platform: "platform",
    logger: "logger",
    transaction: "transaction",
    culprit: "culprit",
    server_name: "server_name",
    release: "release",
    dist: "dist",
    environment: "environment",
    logentry: "logentry",
    exceptions: "exceptions",
    stacktrace: "stacktrace",
    threads: "threads",
    template: "template",
    breadcrumbs: "breadcrumbs",
    request: "request",
    user: "user",
    tags: "tags",
    contexts: "contexts",
    extra: "extra",
    modules: "modules",
    fingerprint: "fingerprint",
    checksum: "checksum",
    sdk: "sdk",
    debug_meta: "debug_meta",
    client_meta: "_meta",
    other: "other",
    damage: "damage",
    damage_unlisted: "damage_unlisted",
    grouping: "grouping"
});
stored!(LogEntry { message: "message", formatted: "formatted", params: "params" } and other);
stored!(Exception { kind: "type", value: "value", module: "module", thread_id: "thread_id", mechanism: "mechanism", stacktrace: "stacktrace" } and other);
stored!(Mechanism { kind: "type", handled: "handled", synthetic: "synthetic", exception_id: "exception_id", parent_id: "parent_id", source: "source", is_exception_group: "is_exception_group" } and other);
stored!(Stacktrace { frames: "frames", ruling: "ruling" } and other);
stored!(Frame { function: "function", module: "module", filename: "filename", abs_path: "abs_path", lineno: "lineno", colno: "colno", pre_context: "pre_context", context_line: "context_line", post_context: "post_context", in_app: "in_app", client_in_app: "client_in_app", vars: "vars", package: "package", platform: "platform", instruction_addr: "instruction_addr", ruling: "ruling" } and other);
stored!(Thread { id: "id", name: "name", crashed: "crashed", current: "current", stacktrace: "stacktrace" } and other);
stored!(Breadcrumb { timestamp: "timestamp", kind: "type", category: "category", level: "level", message: "message", data: "data" } and other);
stored!(Request { method: "method", url: "url", query: "query", headers: "headers", cookies: "cookies", data: "data", env: "env" } and other);
stored!(User { id: "id", username: "username", email: "email", name: "name", ip_address: "ip_address" } and other);
stored!(Sdk { name: "name", version: "version" } and other);

impl<'a> Stored<'a> for Json<'a> {
    fn write(&self, out: &mut Out) {
        write::value(self, out);
    }

    fn read(json: Json<'a>) -> Result<Self, StoredError> {
        Ok(json)
    }
}

impl<'a> Stored<'a> for Object<'a> {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }

    fn write(&self, out: &mut Out) {
        write::object(self, out);
    }

    fn read(json: Json<'a>) -> Result<Self, StoredError> {
        if let Json::Object(object) = json { Ok(object) } else { Err(StoredError::Expected("an object")) }
    }
}

impl<'a> Stored<'a> for Text<'a> {
    fn write(&self, out: &mut Out) {
        write::text(self, out);
    }

    fn read(json: Json<'a>) -> Result<Self, StoredError> {
        if let Json::Text(text) = json { Ok(text) } else { Err(StoredError::Expected("a text")) }
    }
}

impl<'a> Stored<'a> for String {
    fn write(&self, out: &mut Out) {
        write::text(self, out);
    }

    fn read(json: Json<'a>) -> Result<Self, StoredError> {
        Text::read(json).map(Text::into_owned)
    }
}

impl<'a> Stored<'a> for bool {
    fn write(&self, out: &mut Out) {
        out.extend_from_slice(if *self { b"true" } else { b"false" });
    }

    fn read(json: Json<'a>) -> Result<Self, StoredError> {
        if let Json::Bool(flag) = json { Ok(flag) } else { Err(StoredError::Expected("true or false")) }
    }
}

impl<'a> Stored<'a> for i64 {
    fn write(&self, out: &mut Out) {
        out.extend_from_slice(Number::from(*self).as_str().as_bytes());
    }

    fn read(json: Json<'a>) -> Result<Self, StoredError> {
        json.as_i64().ok_or(StoredError::Expected("a whole number"))
    }
}

impl<'a> Stored<'a> for OffsetDateTime {
    fn write(&self, out: &mut Out) {
        out.push(b'"');
        let start = out.len();
        if self.format_into(&mut out.json, &Rfc3339).is_err() {
            // Normalization leaves no time that cannot be written; what is not normalized is only kept as a dead letter.
            out.truncate(start - 1);
            return out.extend_from_slice(b"null");
        }
        out.push(b'"');
    }

    fn read(json: Json<'a>) -> Result<Self, StoredError> {
        let time = json.as_str().and_then(|text| Self::parse(text, &Rfc3339).ok());
        time.ok_or(StoredError::Expected("a time"))
    }
}

impl<'a> Stored<'a> for Level {
    fn write(&self, out: &mut Out) {
        write::text(self.name(), out);
    }

    fn read(json: Json<'a>) -> Result<Self, StoredError> {
        json.as_str().and_then(Self::parse).ok_or(StoredError::Expected("a level"))
    }
}

impl<'a> Stored<'a> for EventId {
    fn write(&self, out: &mut Out) {
        out.push(b'"');
        out.extend_from_slice(self.0.simple().encode_lower(&mut [0; 32]).as_bytes());
        out.push(b'"');
    }

    fn read(json: Json<'a>) -> Result<Self, StoredError> {
        json.as_str().and_then(|text| Self::parse(text).ok()).ok_or(StoredError::Expected("an event id"))
    }
}

impl<'a> Stored<'a> for (Text<'a>, Text<'a>) {
    fn write(&self, out: &mut Out) {
        out.push(b'[');
        write::text(&self.0, out);
        out.push(b',');
        write::text(&self.1, out);
        out.push(b']');
    }

    fn read(json: Json<'a>) -> Result<Self, StoredError> {
        match json {
            Json::Array(pair) => match <[Json<'a>; 2]>::try_from(pair) {
                Ok([Json::Text(name), Json::Text(value)]) => Ok((name, value)),
                _ => Err(StoredError::Expected("a pair of texts")),
            },
            _ => Err(StoredError::Expected("a pair of texts")),
        }
    }
}

impl<'a, T: Stored<'a>> Stored<'a> for Option<T> {
    fn is_absent(&self) -> bool {
        self.is_none()
    }

    fn write(&self, out: &mut Out) {
        match self {
            Some(value) => value.write(out),
            None => out.extend_from_slice(b"null"),
        }
    }

    fn read(json: Json<'a>) -> Result<Self, StoredError> {
        if json.is_null() { Ok(None) } else { T::read(json).map(Some) }
    }
}

impl<'a, T: Stored<'a>> Stored<'a> for Vec<T> {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }

    fn write(&self, out: &mut Out) {
        out.push(b'[');
        for (place, item) in self.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            item.write(out);
        }
        out.push(b']');
    }

    fn read(json: Json<'a>) -> Result<Self, StoredError> {
        let Json::Array(list) = json else { return Err(StoredError::Expected("a list")) };
        list.into_iter().map(T::read).collect()
    }
}

impl<'a> Stored<'a> for Damage {
    fn write(&self, out: &mut Out) {
        let mut fields = Fields::open(out);
        fields.add(",\"path\":", &self.path);
        fields.add(",\"change\":", &Text::Borrowed(self.change.name()));
        fields.add(",\"was\":", &self.was);
        fields.add(",\"what\":", &self.what);
        fields.close();
    }

    /// Events of older versions do not say what kind of change it was.
    fn read(json: Json<'a>) -> Result<Self, StoredError> {
        let mut read = Self::default();
        for (key, value) in Object::read(json)? {
            match key.as_ref() {
                "path" => read.path = String::read(value)?,
                "change" => read.change = value.as_str().and_then(Change::parse).unwrap_or_default(),
                "was" => read.was = Option::read(value)?,
                "what" => read.what = String::read(value)?,
                _ => {}
            }
        }
        Ok(read)
    }
}

impl<'a> Stored<'a> for Grouping {
    fn write(&self, out: &mut Out) {
        let mut fields = Fields::open(out);
        fields.add(",\"version\":", &i64::from(self.version));
        fields.add(",\"rung\":", &self.explanation.rung);
        fields.add(",\"parts\":", &self.explanation.parts);
        fields.add(",\"ignored\":", &self.explanation.ignored);
        if let Some(rule) = &self.explanation.rule {
            fields.add(",\"rule_line\":", &(rule.line as i64));
            fields.add(",\"rule\":", &rule.text);
        }
        fields.close();
    }

    fn read(json: Json<'a>) -> Result<Self, StoredError> {
        let mut read = Self::default();
        for (key, value) in Object::read(json)? {
            match key.as_ref() {
                "version" => read.version = i16::try_from(i64::read(value)?).map_err(|_| StoredError::Expected("a version"))?,
                "rung" => read.explanation.rung = String::read(value)?,
                "parts" => read.explanation.parts = Vec::read(value)?,
                "ignored" => read.explanation.ignored = Vec::read(value)?,
                "rule_line" => {
                    let line = usize::try_from(i64::read(value)?).map_err(|_| StoredError::Expected("a line"))?;
                    read.explanation.rule.get_or_insert_default().line = line;
                }
                "rule" => read.explanation.rule.get_or_insert_default().text = String::read(value)?,
                _ => {}
            }
        }
        Ok(read)
    }
}

impl<'a> Stored<'a> for Box<FrameRuling> {
    fn write(&self, out: &mut Out) {
        let mut fields = Fields::open(out);
        fields.add(",\"was_in_app\":", &self.was_in_app);
        fields.add(",\"in_app_line\":", &self.in_app_line);
        fields.add(",\"group\":", &self.group);
        fields.add(",\"group_line\":", &self.group_line);
        fields.close();
    }

    /// What is no object was sent by a client before rules existed.
    fn read(json: Json<'a>) -> Result<Self, StoredError> {
        let mut read = Self::default();
        let Json::Object(fields) = json else { return Ok(read) };
        for (key, value) in fields {
            match key.as_ref() {
                "was_in_app" => read.was_in_app = Option::read(value)?,
                "in_app_line" => read.in_app_line = Option::read(value)?,
                "group" => read.group = Option::read(value)?,
                "group_line" => read.group_line = Option::read(value)?,
                _ => {}
            }
        }
        Ok(read)
    }
}

impl<'a> Stored<'a> for StackRuling {
    fn write(&self, out: &mut Out) {
        let mut fields = Fields::open(out);
        fields.add(",\"max_frames\":", &self.max_frames);
        fields.add(",\"min_frames\":", &self.min_frames);
        fields.close();
    }

    fn read(json: Json<'a>) -> Result<Self, StoredError> {
        let mut read = Self::default();
        let Json::Object(fields) = json else { return Ok(read) };
        for (key, value) in fields {
            match key.as_ref() {
                "max_frames" => read.max_frames = Option::read(value)?,
                "min_frames" => read.min_frames = Option::read(value)?,
                _ => {}
            }
        }
        Ok(read)
    }
}
