//! Who was affected, and the SDK that says so.

use serde_json::Value;

use super::super::{Notes, Place, Sdk, User};
use super::scalar;

/// `None` where nothing is known about the person.
pub(super) fn user(value: Value, at: Place<'_>, notes: &mut Notes) -> Option<User> {
    let mut user = User::default();
    for (key, value) in scalar::object(value, at, notes)? {
        let at = at.key(&key);
        match key.as_str() {
            _ if value.is_null() => {}
            "id" => user.id = scalar::name(value, at, notes),
            "username" => user.username = scalar::name(value, at, notes),
            "email" => user.email = scalar::name(value, at, notes),
            "name" => user.name = scalar::name(value, at, notes),
            "ip_address" => user.ip_address = scalar::name(value, at, notes),
            _ => {
                user.other.insert(key, value);
            }
        }
    }
    (user != User::default()).then_some(user)
}

/// `{name, version, …}` or a bare name.
pub(super) fn sdk(value: Value, at: Place<'_>, notes: &mut Notes) -> Option<Sdk> {
    let object = match value {
        Value::String(name) => return Some(Sdk { name: Some(name), ..Sdk::default() }),
        other => scalar::object(other, at, notes)?,
    };
    let mut sdk = Sdk::default();
    for (key, value) in object {
        let at = at.key(&key);
        match key.as_str() {
            _ if value.is_null() => {}
            "name" => sdk.name = scalar::name(value, at, notes),
            "version" => sdk.version = scalar::name(value, at, notes),
            _ => {
                sdk.other.insert(key, value);
            }
        }
    }
    (sdk != Sdk::default()).then_some(sdk)
}
