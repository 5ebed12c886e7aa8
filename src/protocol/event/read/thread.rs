//! Threads, of which at most one crashed.

use super::super::{Notes, Place, Thread};
use super::{scalar, stacktrace};
use crate::protocol::json::Json;

/// `{values: […]}` or a list; nulls are left out.
pub(super) fn list<'a>(value: Json<'a>, at: Place<'_>, notes: &mut Notes) -> Vec<Thread<'a>> {
    let values = scalar::values(value, at, notes);
    scalar::each(values, at.key("values"), |value, at| thread(value, at, notes))
}

fn thread<'a>(value: Json<'a>, at: Place<'_>, notes: &mut Notes) -> Option<Thread<'a>> {
    let mut thread = Thread::default();
    for (key, value) in scalar::object(value, at, notes)? {
        let at = at.key(&key);
        match key.as_ref() {
            _ if value.is_null() => {}
            "id" => thread.id = Some(value),
            "name" => thread.name = scalar::name(value, at, notes),
            "crashed" => thread.crashed = scalar::boolean(value, at, notes),
            "current" => thread.current = scalar::boolean(value, at, notes),
            "stacktrace" => thread.stacktrace = stacktrace::stacktrace(value, at, notes),
            _ => {
                thread.other.push(key, value);
            }
        }
    }
    Some(thread)
}
