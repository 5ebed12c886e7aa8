//! Breadcrumbs.

use super::super::{Breadcrumb, Notes, Object, Place};
use super::{scalar, time};
use crate::protocol::json::Json;

/// `{values: […]}` or a list; nulls are left out.
pub(super) fn list<'a>(value: Json<'a>, at: Place<'_>, notes: &mut Notes) -> Vec<Breadcrumb<'a>> {
    let values = scalar::values(value, at, notes);
    scalar::each(values, at.key("values"), |value, at| breadcrumb(value, at, notes))
}

fn breadcrumb<'a>(value: Json<'a>, at: Place<'_>, notes: &mut Notes) -> Option<Breadcrumb<'a>> {
    let object = match value {
        Json::Text(message) => return Some(Breadcrumb { message: Some(message), ..Breadcrumb::default() }),
        other => scalar::object(other, at, notes)?,
    };
    let mut breadcrumb = Breadcrumb::default();
    for (key, value) in object {
        let at = at.key(&key);
        match key.as_ref() {
            _ if value.is_null() => {}
            "timestamp" => breadcrumb.timestamp = time(&value, at, notes),
            "type" => breadcrumb.kind = scalar::name(value, at, notes),
            // The name of `type` in old SDKs.
            "ty" => breadcrumb.kind = breadcrumb.kind.take().or_else(|| scalar::name(value, at, notes)),
            "category" => breadcrumb.category = scalar::name(value, at, notes),
            "level" => breadcrumb.level = scalar::level(&value, at, notes),
            "message" => breadcrumb.message = scalar::text_or_json(value),
            "data" => breadcrumb.data = data(value),
            _ => {
                breadcrumb.other.push(key, value);
            }
        }
    }
    Some(breadcrumb)
}

/// Console breadcrumbs sometimes have a bare list or text.
fn data(value: Json<'_>) -> Object<'_> {
    match value {
        Json::Object(data) => data,
        other => Object::from_iter([("value".into(), other)]),
    }
}
