//! Exceptions and how they reached the SDK.

use super::super::{Exception, Mechanism, Notes, Object, Place, Text};
use super::{scalar, stacktrace};
use crate::protocol::json::Json;

/// `{values: […]}`, a list, or a single exception; nulls are left out.
pub(super) fn list<'a>(value: Json<'a>, at: Place<'_>, notes: &mut Notes) -> Vec<Exception<'a>> {
    let values = scalar::values(value, at, notes);
    scalar::each(values, at.key("values"), |value, at| exception(value, at, notes))
}

fn exception<'a>(value: Json<'a>, at: Place<'_>, notes: &mut Notes) -> Option<Exception<'a>> {
    let object = match value {
        Json::Object(object) if object.is_empty() => return None,
        Json::Object(object) => object,
        Json::Text(value) => return Some(Exception { value: Some(value), ..Exception::default() }),
        other => scalar::object(other, at, notes)?,
    };
    let mut exception = Exception::default();
    for (key, value) in object {
        let at = at.key(&key);
        match key.as_ref() {
            "type" => exception.kind = scalar::name(value, at, notes),
            "value" => exception.value = scalar::text_or_json(value),
            "module" => exception.module = scalar::name(value, at, notes),
            "thread_id" => exception.thread_id = Some(value).filter(|value| !value.is_null()),
            "mechanism" => exception.mechanism = mechanism(value, at, notes),
            "stacktrace" => exception.stacktrace = stacktrace::stacktrace(value, at, notes),
            _ if value.is_null() => {}
            _ => {
                exception.other.push(key, value);
            }
        }
    }
    Some(exception)
}

fn mechanism<'a>(value: Json<'a>, at: Place<'_>, notes: &mut Notes) -> Option<Mechanism<'a>> {
    let object = match value {
        Json::Text(kind) => return Some(Mechanism { kind: Some(kind), ..Mechanism::default() }),
        other => scalar::object(other, at, notes)?,
    };
    let mut mechanism = Mechanism::default();
    for (key, value) in object {
        let at = at.key(&key);
        match key.as_ref() {
            "type" => mechanism.kind = scalar::name(value, at, notes),
            "handled" => mechanism.handled = scalar::boolean(value, at, notes),
            "synthetic" => mechanism.synthetic = scalar::boolean(value, at, notes),
            "exception_id" => mechanism.exception_id = scalar::integer(value, at, notes),
            "parent_id" => mechanism.parent_id = scalar::integer(value, at, notes),
            "source" => mechanism.source = scalar::name(value, at, notes),
            "is_exception_group" => mechanism.is_exception_group = scalar::boolean(value, at, notes),
            _ => keep(&mut mechanism.other, key, value),
        }
    }
    Some(mechanism)
}

fn keep<'a>(other: &mut Object<'a>, key: Text<'a>, value: Json<'a>) {
    if !value.is_null() {
        other.push(key, value);
    }
}
