//! One issue.

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::super::auth::{Caller, Scope};
use super::super::error::ApiError;
use super::super::{lookup, shape};
use super::shaped_many;
use crate::http::Doors;

/// `GET issues/{issue}/`
pub async fn anywhere(State(doors): State<Doors>, caller: Caller, Path(raw): Path<String>) -> Result<Json<Value>, ApiError> {
    show(&doors, &caller, &raw).await
}

/// `GET organizations/{org}/issues/{issue}/`
pub async fn in_organization(
    State(doors): State<Doors>,
    caller: Caller,
    Path((org, raw)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    caller.require(Scope::Events)?;
    lookup::organization(&org)?;
    show(&doors, &caller, &raw).await
}

async fn show(doors: &Doors, caller: &Caller, raw: &str) -> Result<Json<Value>, ApiError> {
    let viewer = caller.require(Scope::Events)?;
    let issue = lookup::issue(doors, viewer, raw).await?;
    let mut shown = shaped_many(doors, std::slice::from_ref(&issue)).await?.pop().ok_or(ApiError::NotFound)?;
    shown["firstRelease"] = shape::release(issue.first_release.as_deref());
    shown["lastRelease"] = shape::release(issue.last_release.as_deref());
    for list in ["participants", "seenBy", "activity", "tags", "pluginActions", "pluginIssues", "pluginContexts"] {
        shown[list] = json!([]);
    }
    shown["userReportCount"] = json!(0);
    Ok(Json(shown))
}
