//! Threads, of which at most one crashed.

use serde_json::Value;

use super::super::{Notes, Place, Thread};
use super::{scalar, stacktrace};

/// `{values: […]}` or a list; nulls are left out.
pub(super) fn list(value: Value, at: Place<'_>, notes: &mut Notes) -> Vec<Thread> {
    let values = scalar::values(value, at, notes);
    values.into_iter().enumerate().filter_map(|(index, value)| thread(value, at.index(index), notes)).collect()
}

fn thread(value: Value, at: Place<'_>, notes: &mut Notes) -> Option<Thread> {
    let mut thread = Thread::default();
    for (key, value) in scalar::object(value, at, notes)? {
        let at = at.key(&key);
        match key.as_str() {
            _ if value.is_null() => {}
            "id" => thread.id = Some(value),
            "name" => thread.name = scalar::name(value, at, notes),
            "crashed" => thread.crashed = scalar::boolean(value, at, notes),
            "current" => thread.current = scalar::boolean(value, at, notes),
            "stacktrace" => thread.stacktrace = stacktrace::stacktrace(value, at, notes),
            _ => {
                thread.other.insert(key, value);
            }
        }
    }
    Some(thread)
}
