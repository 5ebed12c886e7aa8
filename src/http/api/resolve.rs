//! From an id out of a log or a mail to what it names.

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::auth::{Caller, Scope};
use super::error::ApiError;
use super::{events, issues, lookup};
use crate::http::Doors;
use crate::store::{event_reads, issue_reads, projects};

/// `GET organizations/{org}/eventids/{event_id}/`
pub async fn event_id(
    State(doors): State<Doors>,
    caller: Caller,
    Path((org, raw)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let viewer = caller.require(Scope::Events)?;
    lookup::organization(&org)?;
    let id = lookup::event_id(&raw)?;
    for (project, issue) in event_reads::locate(&doors.db, id).await? {
        if projects::find_visible_by_id(&doors.db, project, viewer).await?.is_none() {
            continue;
        }
        let (Some(event), Some(issue)) = (event_reads::find(&doors.db, project, id).await?, issue_reads::find(&doors.db, issue).await?)
        else {
            continue;
        };
        return Ok(Json(json!({
            "organizationSlug": lookup::ORGANIZATION, "projectSlug": issue.project_slug, "groupId": issue.id.to_string(),
            "eventId": id.to_string(), "event": events::show::shaped(&doors, &event, &issue).await?,
        })));
    }
    Err(ApiError::NotFound)
}

/// `GET organizations/{org}/shortids/{short_id}/`
pub async fn short_id(
    State(doors): State<Doors>,
    caller: Caller,
    Path((org, raw)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let viewer = caller.require(Scope::Events)?;
    lookup::organization(&org)?;
    if !raw.contains('-') {
        return Err(ApiError::NotFound);
    }
    let issue = lookup::issue(&doors, viewer, &raw).await?;
    let group = issues::shaped_many(&doors, std::slice::from_ref(&issue)).await?.pop();
    Ok(Json(json!({
        "organizationSlug": lookup::ORGANIZATION, "projectSlug": issue.project_slug, "groupId": issue.id.to_string(),
        "shortId": issue.short_id(), "group": group,
    })))
}
