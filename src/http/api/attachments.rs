//! Files of an event, in Sentry's shape.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use uuid::Uuid;

use super::auth::{Caller, Scope};
use super::error::ApiError;
use super::page::{Ask, Page};
use super::params::Params;
use super::{lookup, shape};
use crate::http::Doors;
use crate::http::shared::download;
use crate::store::attachments::{self, Attachment};

/// `GET projects/{org}/{project}/events/{event_id}/attachments/`
pub async fn list(
    State(doors): State<Doors>,
    caller: Caller,
    Path((org, slug, raw)): Path<(String, String, String)>,
    params: Params,
) -> Result<Response, ApiError> {
    let viewer = caller.require(Scope::Events)?;
    let project = lookup::project_of(&doors, viewer, &org, &slug).await?;
    let ask = Ask::read(&params)?;
    let files = attachments::list(&doors.db, project.id, lookup::event_id(&raw)?).await?;
    let (files, neighbours) = ask.cut(files)?;
    let items = files.iter().map(shaped).collect();
    let address = format!("{}/api/0/projects/{}/{}/events/{raw}/attachments/", doors.config.url, lookup::ORGANIZATION, project.slug);
    Ok(Page { items, neighbours, hits: None }.answer(&address, &params, &ask))
}

/// `GET projects/{org}/{project}/events/{event_id}/attachments/{id}/`: what is known of it, or with `?download` its bytes.
pub async fn show(
    State(doors): State<Doors>,
    caller: Caller,
    Path((org, slug, raw, file)): Path<(String, String, String, String)>,
    params: Params,
) -> Result<Response, ApiError> {
    let viewer = caller.require(Scope::Events)?;
    let project = lookup::project_of(&doors, viewer, &org, &slug).await?;
    let id = Uuid::try_parse(&file).map_err(|_| ApiError::NotFound)?;
    let found = attachments::find(&doors.db, project.id, lookup::event_id(&raw)?, id).await?.ok_or(ApiError::NotFound)?;
    if params.get("download").is_none() {
        return Ok(Json(shaped(&found)).into_response());
    }
    download::file(&doors.db, project.id, found).await.map_err(ApiError::from_cause)?.ok_or(ApiError::NotFound)
}

fn shaped(file: &Attachment) -> Value {
    let sha256: String = file.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({
        "id": file.attachment_id.simple().to_string(), "event_id": file.event_id.to_string(), "type": file.kind, "name": file.name,
        "mimetype": mime_type(file), "dateCreated": shape::timestamp(file.received_at), "size": file.byte_count,
        "headers": { "Content-Type": mime_type(file) }, "sha1": null, "sha256": sha256,
    })
}

/// What Bugle saw, else what the sender says, as data and never as the type of an answer.
fn mime_type(file: &Attachment) -> &str {
    match (file.media_type.as_str(), file.content_type.as_str()) {
        ("", "") => "application/octet-stream",
        ("" | "text/plain", sent) if !sent.is_empty() => sent,
        (seen, _) => seen,
    }
}
