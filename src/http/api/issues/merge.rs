//! Making issues one, as Sentry's clients ask for it.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::super::auth::{Caller, Scope};
use super::super::error::ApiError;
use super::super::lookup;
use super::super::params::Params;
use crate::actions::merges::{self, Refusal};
use crate::domain::ids::IssueId;
use crate::http::Doors;
use crate::store::issue_reads;

/// `PUT projects/{org}/{project}/issues/?id=1&id=2` with `{"merge": 1}`.
pub async fn of_project(
    State(doors): State<Doors>,
    caller: Caller,
    Path((org, slug)): Path<(String, String)>,
    params: Params,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let user = caller.require(Scope::EventsChange)?;
    let project = lookup::project_of(&doors, user, &org, &slug).await?;
    if !user.role.may_work() {
        return Err(ApiError::Forbidden);
    }
    let asked: Value = serde_json::from_slice(&body).map_err(|_| ApiError::BadRequest("The body is not JSON.".to_owned()))?;
    if !matches!(&asked["merge"], Value::Bool(true)) && asked["merge"].as_i64() != Some(1) {
        return Err(ApiError::BadRequest("Only {\"merge\": 1} is understood here.".to_owned()));
    }
    let mut ids = Vec::new();
    for raw in params.all("id") {
        let id = raw.parse().map(IssueId).map_err(|_| ApiError::BadRequest(format!("Invalid id: {raw}")))?;
        let issue = issue_reads::find(&doors.db, id).await?.filter(|issue| issue.project_id == project.id);
        ids.push(issue.ok_or(ApiError::NotFound)?.id);
    }
    let merged = merges::merge(&doors.db, &doors.clock, user, &ids, None).await?;
    let children: Vec<String> = merged.gone.iter().map(ToString::to_string).collect();
    Ok(Json(json!({ "merge": { "parent": merged.into.id.to_string(), "children": children } })))
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
