//! What people say, in Sentry's shape; and saying it.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::auth::{Caller, Scope};
use super::error::ApiError;
use super::page::{Ask, Cursor, Neighbours, Page};
use super::params::Params;
use super::{lookup, shape};
use crate::domain::event_id::EventId;
use crate::domain::ids::ProjectId;
use crate::http::Doors;
use crate::protocol::receipt::{BodyForm, Receipt};
use crate::store::feedback::reads::{self, Feedback, Place, Which};
use crate::store::{event_reads, moment};

/// Longest report that can be posted, in bytes.
const BODY_BYTES_MAX: usize = 64 << 10;

/// `GET projects/{org}/{project}/user-feedback/`; `status=unresolved` leaves out what is handled.
pub async fn list(
    State(doors): State<Doors>,
    caller: Caller,
    Path((org, slug)): Path<(String, String)>,
    params: Params,
) -> Result<Response, ApiError> {
    let viewer = caller.require(Scope::Events)?;
    let project = lookup::project_of(&doors, viewer, &org, &slug).await?;
    let ask = Ask::read(&params)?;
    let which = if params.filled("status") == Some("unresolved") { Which::Open } else { Which::All };
    let after = ask.cursor.as_ref().map(|cursor| place(cursor).ok_or_else(|| ApiError::BadRequest("Invalid cursor parameter.".into())));
    let limit = i64::try_from(ask.limit + 1).unwrap_or(i64::MAX);
    let mut found = reads::list(&doors.db, project.id, which, after.transpose()?, limit).await?;
    let has_next = found.len() > ask.limit;
    found.truncate(ask.limit);
    let next = found.last().filter(|_| has_next).map(|last| Cursor {
        value: (last.received_at.unix_timestamp_nanos() / 1_000).to_string(),
        item: last.feedback_id.to_string(),
        backwards: false,
    });
    let items = found.iter().map(shaped).collect();
    let address = format!("{}/api/0/projects/{}/{}/user-feedback/", doors.config.url, lookup::ORGANIZATION, project.slug);
    Ok(Page { items, neighbours: Neighbours { previous: None, next }, hits: None }.answer(&address, &params, &ask))
}

fn place(cursor: &Cursor) -> Option<Place> {
    Some((moment::of_micros(cursor.value.parse().ok()?)?, EventId::parse(&cursor.item).ok()?))
}

fn shaped(said: &Feedback) -> Value {
    json!({
        "id": said.feedback_id.to_string(), "eventID": said.event_id.map(|id| id.to_string()), "name": said.name, "email": said.email,
        "comments": said.message, "dateCreated": shape::timestamp(said.received_at), "user": null,
        "event": said.event_id.map(|id| json!({ "id": id.to_string(), "eventID": id.to_string() })),
        "issue": said.issue_id.map(|id| json!({ "id": id.to_string() })), "url": said.url,
        "environment": said.environment, "release": said.release, "dateHandled": shape::timestamp_or_null(said.handled_at),
    })
}

/// What is posted.
#[derive(Deserialize)]
struct Said {
    event_id: String,
    name: String,
    email: String,
    comments: String,
}

/// `POST projects/{org}/{project}/user-feedback/`: `{event_id, name, email, comments}`, about an event that is there or will be. Takes the way
/// of all that is sent: through the spool, scrubbed, counted; so it is listed a moment later.
pub async fn submit(
    State(doors): State<Doors>,
    caller: Caller,
    Path((org, slug)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let viewer = caller.require(Scope::Feedback)?;
    if !viewer.role.may_work() {
        return Err(ApiError::Forbidden);
    }
    let project = lookup::project_of(&doors, viewer, &org, &slug).await?;
    if body.len() > BODY_BYTES_MAX {
        return Err(ApiError::BadRequest(format!("The report is longer than {BODY_BYTES_MAX} bytes.")));
    }
    let needed = "event_id, name, email and comments are needed, as texts.";
    let said: Said = serde_json::from_slice(&body).map_err(|_| ApiError::BadRequest(needed.to_owned()))?;
    let event_id = EventId::parse(&said.event_id).map_err(|_| ApiError::BadRequest("event_id is not the id of an event.".to_owned()))?;
    if said.comments.trim().is_empty() {
        return Err(ApiError::BadRequest(needed.to_owned()));
    }
    keep(&doors, project.id, event_id, &said).await?;
    let issue_id = event_reads::find(&doors.db, project.id, event_id).await?.map(|stored| stored.summary.issue_id.to_string());
    Ok(Json(json!({
        "eventID": event_id.to_string(), "name": said.name, "email": said.email, "comments": said.comments,
        "dateCreated": shape::timestamp(doors.clock.now()), "user": null, "event": { "id": event_id.to_string(), "eventID": event_id.to_string() },
        "issue": issue_id.map(|id| json!({ "id": id })),
    }))
    .into_response())
}

async fn keep(doors: &Doors, project_id: ProjectId, event_id: EventId, said: &Said) -> Result<(), ApiError> {
    let report = json!({ "event_id": event_id, "name": said.name, "email": said.email, "comments": said.comments });
    let body = format!("{}\n{{\"type\":\"user_report\"}}\n{report}\n", json!({ "event_id": event_id }));
    let receipt = Receipt {
        project_id,
        received_at: doors.clock.now(),
        form: BodyForm::Envelope,
        encoding: String::new(),
        event_id,
        client_ip: None,
        user_agent: None,
        sdk: None,
    };
    let meta = serde_json::to_vec(&receipt).map_err(|error| ApiError::Internal(error.into()))?;
    let kept = doors.spool.append(project_id.lane(), &meta, body.into_bytes().into()).await;
    kept.map(|_| ()).map_err(|error| ApiError::Away(anyhow::anyhow!("the spool does not take a report: {error}")))
}
