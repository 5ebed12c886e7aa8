//! Who was affected, and the SDK that says so.

use super::super::{Notes, Place, Sdk, User};
use super::scalar;
use crate::protocol::json::Json;

/// `None` where nothing is known about the person.
pub(super) fn user<'a>(value: Json<'a>, at: Place<'_>, notes: &mut Notes) -> Option<User<'a>> {
    let mut user = User::default();
    for (key, value) in scalar::object(value, at, notes)? {
        let at = at.key(&key);
        match key.as_ref() {
            _ if value.is_null() => {}
            "id" => user.id = scalar::name(value, at, notes),
            "username" => user.username = scalar::name(value, at, notes),
            "email" => user.email = scalar::name(value, at, notes),
            "name" => user.name = scalar::name(value, at, notes),
            "ip_address" => user.ip_address = scalar::name(value, at, notes),
            _ => {
                user.other.push(key, value);
            }
        }
    }
    (user != User::default()).then_some(user)
}

/// `{name, version, …}` or a bare name.
pub(super) fn sdk<'a>(value: Json<'a>, at: Place<'_>, notes: &mut Notes) -> Option<Sdk<'a>> {
    let object = match value {
        Json::Text(name) => return Some(Sdk { name: Some(name), ..Sdk::default() }),
        other => scalar::object(other, at, notes)?,
    };
    let mut sdk = Sdk::default();
    for (key, value) in object {
        let at = at.key(&key);
        match key.as_ref() {
            _ if value.is_null() => {}
            "name" => sdk.name = scalar::name(value, at, notes),
            "version" => sdk.version = scalar::name(value, at, notes),
            _ => {
                sdk.other.push(key, value);
            }
        }
    }
    (sdk != Sdk::default()).then_some(sdk)
}
