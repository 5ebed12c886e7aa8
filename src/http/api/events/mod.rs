//! Events, in Sentry's shape.

mod entries;
pub mod list;
mod meta;
pub mod show;

use anyhow::Context;
use serde_json::{Value, json};

use super::error::ApiError;
use super::shape;
use crate::http::Doors;
use crate::protocol::event::{Event, User};
use crate::protocol::security_report::Kind;
use crate::store::event_reads::{Stored, Summary};
use crate::store::payload::library::OpenError;

/// Opens a stored event.
async fn open(doors: &Doors, stored: &Stored) -> Result<Event<'static>, ApiError> {
    let json =
        doors.library.open(&doors.db, stored.project_id, stored.dictionary_id, &stored.payload).await.map_err(|problem| match problem {
            OpenError::Database(error) => ApiError::from_cause(error),
            other => ApiError::Unreadable(format!("event {}: {other}", stored.summary.event_id)),
        })?;
    let event = crate::protocol::event::from_stored(&json);
    Ok(event.with_context(|| format!("reading stored event {}", stored.summary.event_id))?)
}

/// What lists and single events both say.
fn basics(stored: &Stored, event: &Event) -> Value {
    let summary = &stored.summary;
    json!({
        "id": summary.event_id.to_string(), "eventID": summary.event_id.to_string(), "groupID": summary.issue_id.to_string(),
        "projectID": stored.project_id.to_string(), "event.type": kind(event), "type": kind(event),
        "title": summary.title, "message": message(event), "location": Value::Null, "culprit": summary.transaction,
        "platform": shape::text_or_null(Some(&event.platform)),
        "dateCreated": shape::timestamp(summary.occurred_at), "dateReceived": shape::timestamp(summary.received_at),
        "user": event.user.as_ref().map_or(Value::Null, user), "tags": tags(event, summary),
    })
}

fn kind(event: &Event) -> &'static str {
    match Kind::in_event(&event.other) {
        Some((kind, _)) => kind.key(),
        None if event.exceptions.is_empty() => "default",
        None => "error",
    }
}

/// The text of the log entry, as Sentry has it: empty for exceptions.
fn message<'a>(event: &'a Event<'a>) -> &'a str {
    event.logentry.as_ref().map(|entry| entry.text()).unwrap_or_default()
}

fn user(user: &User) -> Value {
    json!({
        "id": user.id, "username": user.username, "email": user.email, "name": user.name, "ip_address": user.ip_address, "data": user.other,
    })
}

/// Those of the client, and the fields that can be searched like tags; by name.
fn tags(event: &Event, summary: &Summary) -> Vec<Value> {
    let fields = [
        ("environment", summary.environment.as_deref()),
        ("level", Some(summary.level.name())),
        ("logger", event.logger.as_deref()),
        ("release", summary.release.as_deref()),
        ("server_name", event.server_name.as_deref()),
        ("transaction", summary.transaction.as_deref()),
    ];
    let sent = event.tags.iter().map(|(key, value)| (key.as_ref(), value.as_ref()));
    let missing = fields.into_iter().filter(|(key, _)| !event.tags.iter().any(|(sent, _)| sent == key));
    let mut tags: Vec<(&str, &str)> =
        sent.chain(missing.filter_map(|(key, value)| Some((key, value.filter(|value| !value.is_empty())?)))).collect();
    tags.sort_unstable();
    tags.into_iter().map(|(key, value)| json!({ "key": key, "value": value })).collect()
}
