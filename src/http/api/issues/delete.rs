//! Deleting issues, with or without their future, as Sentry's clients ask for it.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::Value;

use super::super::auth::{Caller, Scope};
use super::super::error::ApiError;
use super::super::lookup;
use super::super::params::Params;
use crate::actions::deletions::{self, Future, Refusal};
use crate::domain::user::User;
use crate::http::Doors;

/// `DELETE issues/{issue}/`
pub async fn anywhere(State(doors): State<Doors>, caller: Caller, Path(raw): Path<String>) -> Result<StatusCode, ApiError> {
    let user = deleter(&caller)?;
    delete_one(&doors, user, &raw, Future::Accepted).await?;
    Ok(StatusCode::ACCEPTED)
}

/// `DELETE organizations/{org}/issues/{issue}/`
pub async fn in_organization(
    State(doors): State<Doors>,
    caller: Caller,
    Path((org, raw)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let user = deleter(&caller)?;
    lookup::organization(&org)?;
    delete_one(&doors, user, &raw, Future::Accepted).await?;
    Ok(StatusCode::ACCEPTED)
}

/// `PUT issues/{issue}/` with `{"discard": true}`
pub async fn discard(State(doors): State<Doors>, caller: Caller, Path(raw): Path<String>, body: Bytes) -> Result<StatusCode, ApiError> {
    let user = deleter(&caller)?;
    must_discard(&body)?;
    delete_one(&doors, user, &raw, Future::Discarded).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `PUT organizations/{org}/issues/{issue}/` with `{"discard": true}`
pub async fn discard_in_organization(
    State(doors): State<Doors>,
    caller: Caller,
    Path((org, raw)): Path<(String, String)>,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    let user = deleter(&caller)?;
    lookup::organization(&org)?;
    must_discard(&body)?;
    delete_one(&doors, user, &raw, Future::Discarded).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE projects/{org}/{project}/issues/?id=1&id=2`
pub async fn of_project(
    State(doors): State<Doors>,
    caller: Caller,
    Path((org, slug)): Path<(String, String)>,
    params: Params,
) -> Result<StatusCode, ApiError> {
    let user = deleter(&caller)?;
    let project = lookup::project_of(&doors, user, &org, &slug).await?;
    let ids = lookup::chosen_issues(&doors, project.id, &params).await?;
    deletions::delete(&doors.db, &doors.clock, user, &ids, Future::Accepted).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Somebody who may, by token and by role: before the body is looked at.
fn deleter(caller: &Caller) -> Result<&User, ApiError> {
    let user = caller.require(Scope::EventsDelete)?;
    if user.role.may_work() { Ok(user) } else { Err(ApiError::Forbidden) }
}

async fn delete_one(doors: &Doors, user: &User, raw: &str, future: Future) -> Result<(), ApiError> {
    let issue = lookup::issue(doors, user, raw).await?;
    deletions::delete(&doors.db, &doors.clock, user, &[issue.id], future).await?;
    Ok(())
}

fn must_discard(body: &[u8]) -> Result<(), ApiError> {
    let asked: Value = serde_json::from_slice(body).map_err(|_| ApiError::BadRequest("The body is not JSON.".to_owned()))?;
    if asked["discard"] == Value::Bool(true) {
        return Ok(());
    }
    Err(ApiError::BadRequest("Only {\"discard\": true} is understood here.".to_owned()))
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::ReadOnly => Self::Forbidden,
            Refusal::Nothing => Self::NotFound,
            Refusal::Failed(error) => Self::from_cause(error),
            refused => Self::BadRequest(refused.to_string()),
        }
    }
}
