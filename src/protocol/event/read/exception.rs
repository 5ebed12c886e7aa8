//! Exceptions and how they reached the SDK.

use serde_json::Value;

use super::super::{Exception, Mechanism, Notes, Object, Place};
use super::{scalar, stacktrace};

/// `{values: […]}`, a list, or a single exception; nulls are left out.
pub(super) fn list(value: Value, at: Place<'_>, notes: &mut Notes) -> Vec<Exception> {
    let values = scalar::values(value, at, notes);
    values.into_iter().enumerate().filter_map(|(index, value)| exception(value, at.index(index), notes)).collect()
}

fn exception(value: Value, at: Place<'_>, notes: &mut Notes) -> Option<Exception> {
    let object = match value {
        Value::Object(object) if object.is_empty() => return None,
        Value::Object(object) => object,
        Value::String(value) => return Some(Exception { value: Some(value), ..Exception::default() }),
        other => scalar::object(other, at, notes)?,
    };
    let mut exception = Exception::default();
    for (key, value) in object {
        let at = at.key(&key);
        match key.as_str() {
            "type" => exception.kind = scalar::name(value, at, notes),
            "value" => exception.value = scalar::text_or_json(value),
            "module" => exception.module = scalar::name(value, at, notes),
            "thread_id" => exception.thread_id = Some(value).filter(|value| !value.is_null()),
            "mechanism" => exception.mechanism = mechanism(value, at, notes),
            "stacktrace" => exception.stacktrace = stacktrace::stacktrace(value, at, notes),
            _ if value.is_null() => {}
            _ => {
                exception.other.insert(key, value);
            }
        }
    }
    Some(exception)
}

fn mechanism(value: Value, at: Place<'_>, notes: &mut Notes) -> Option<Mechanism> {
    let object = match value {
        Value::String(kind) => return Some(Mechanism { kind: Some(kind), ..Mechanism::default() }),
        other => scalar::object(other, at, notes)?,
    };
    let mut mechanism = Mechanism::default();
    for (key, value) in object {
        let at = at.key(&key);
        match key.as_str() {
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

fn keep(other: &mut Object, key: String, value: Value) {
    if !value.is_null() {
        other.insert(key, value);
    }
}
