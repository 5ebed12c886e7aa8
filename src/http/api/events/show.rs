//! One event with everything in it.

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::super::auth::{Caller, Scope};
use super::super::error::ApiError;
use super::super::{lookup, shape};
use super::{basics, entries, meta, open};
use crate::http::Doors;
use crate::protocol::event::{Event, changes};
use crate::store::event_pages;
use crate::store::event_reads::{self, Stored};
use crate::store::issue_reads::{self, Issue};

/// `GET projects/{org}/{project}/events/{event_id}/`
pub async fn of_project(
    State(doors): State<Doors>,
    caller: Caller,
    Path((org, slug, raw)): Path<(String, String, String)>,
) -> Result<Json<Value>, ApiError> {
    let viewer = caller.require(Scope::Events)?;
    let project = lookup::project_of(&doors, viewer, &org, &slug).await?;
    let stored = event_reads::find(&doors.db, project.id, lookup::event_id(&raw)?).await?.ok_or(ApiError::NotFound)?;
    let issue = issue_reads::find(&doors.db, stored.summary.issue_id).await?.ok_or(ApiError::NotFound)?;
    Ok(Json(shaped(&doors, &stored, &issue).await?))
}

/// `GET issues/{issue}/events/{event_id}/`, where the id may be `latest`, `oldest` or `recommended`.
pub async fn of_issue(
    State(doors): State<Doors>,
    caller: Caller,
    Path((issue, raw)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let viewer = caller.require(Scope::Events)?;
    let issue = lookup::issue(&doors, viewer, &issue).await?;
    let id = lookup::event_of_issue(&doors, &issue, &raw).await?;
    let stored = event_reads::find(&doors.db, issue.project_id, id).await?;
    let stored = stored.filter(|stored| stored.summary.issue_id == issue.id).ok_or(ApiError::NotFound)?;
    Ok(Json(shaped(&doors, &stored, &issue).await?))
}

/// `GET organizations/{org}/issues/{issue}/events/{event_id}/`
pub async fn of_issue_in_organization(
    doors: State<Doors>,
    caller: Caller,
    Path((org, issue, raw)): Path<(String, String, String)>,
) -> Result<Json<Value>, ApiError> {
    caller.require(Scope::Events)?;
    lookup::organization(&org)?;
    of_issue(doors, caller, Path((issue, raw))).await
}

/// The event with its neighbours in the issue.
pub async fn shaped(doors: &Doors, stored: &Stored, issue: &Issue) -> Result<Value, ApiError> {
    let event = open(doors, stored).await?;
    let (older, newer) = event_reads::neighbours(&doors.db, stored.project_id, stored.summary.issue_id, event_pages::place(stored)).await?;
    let mut shown = full(stored, &event);
    shown["previousEventID"] = json!(older.map(|id| id.to_string()));
    shown["nextEventID"] = json!(newer.map(|id| id.to_string()));
    shown["projectSlug"] = json!(issue.project_slug);
    if shown["culprit"].is_null() {
        shown["culprit"] = json!(issue.culprit);
    }
    Ok(shown)
}

/// The event without its surroundings.
pub fn full(stored: &Stored, event: &Event) -> Value {
    let mut shown = basics(stored, event);
    let entries = entries::of(event);
    let tree = meta::tree(&changes::of(event), &entries);
    let more = json!({
        "entries": entries, "contexts": event.contexts, "context": event.extra, "packages": event.modules,
        "sdk": event.sdk.as_ref().map(|sdk| json!({ "name": sdk.name, "version": sdk.version })),
        "release": shape::release(stored.summary.release.as_deref()), "dist": event.dist, "environment": stored.summary.environment,
        "metadata": metadata(event), "errors": meta::errors(event), "_meta": tree,
        "fingerprints": [hex(&stored.hash)], "size": stored.payload.len(), "userReport": null,
    });
    if let (Value::Object(shown), Value::Object(more)) = (&mut shown, more) {
        shown.extend(more);
    }
    shown
}

fn metadata(event: &Event) -> Value {
    match event.exceptions.last() {
        Some(exception) => json!({ "type": exception.kind, "value": exception.value }),
        None => json!({ "title": super::message(event) }),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
