//! Changing several issues of a project at once, as Sentry's clients ask for it: making them one, or discarding them.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::super::auth::{Caller, Scope};
use super::super::error::ApiError;
use super::super::lookup;
use super::super::params::Params;
use crate::actions::deletions::{self, Future};
use crate::actions::merges::{self, Refusal};
use crate::http::Doors;

/// `PUT projects/{org}/{project}/issues/?id=1&id=2` with `{"merge": 1}` or `{"discard": true}`.
pub async fn of_project(
    State(doors): State<Doors>,
    caller: Caller,
    Path((org, slug)): Path<(String, String)>,
    params: Params,
    body: Bytes,
) -> Result<Response, ApiError> {
    let user = caller.require(Scope::EventsChange)?;
    let project = lookup::project_of(&doors, user, &org, &slug).await?;
    if !user.role.may_work() {
        return Err(ApiError::Forbidden);
    }
    let asked: Value = serde_json::from_slice(&body).map_err(|_| ApiError::BadRequest("The body is not JSON.".to_owned()))?;
    let discards = asked["discard"] == Value::Bool(true);
    if !discards && asked["merge"] != Value::Bool(true) && asked["merge"].as_i64() != Some(1) {
        return Err(ApiError::BadRequest("Only {\"merge\": 1} and {\"discard\": true} are understood here.".to_owned()));
    }
    let ids = lookup::chosen_issues(&doors, project.id, &params).await?;
    if discards {
        caller.require(Scope::EventsDelete)?;
        deletions::delete(&doors.db, &doors.clock, user, &ids, Future::Discarded).await?;
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let merged = merges::merge(&doors.db, &doors.clock, user, &ids, None).await?;
    let children: Vec<String> = merged.gone.iter().map(ToString::to_string).collect();
    Ok(Json(json!({ "merge": { "parent": merged.into.id.to_string(), "children": children } })).into_response())
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::ReadOnly => Self::Forbidden,
            Refusal::Failed(error) => Self::from_cause(error),
            refused => Self::BadRequest(refused.to_string()),
        }
    }
}
