//! The one organization an installation is.

use axum::Json;
use axum::extract::{OriginalUri, Path, State};
use axum::response::Response;
use serde_json::{Value, json};

use super::auth::{Caller, Scope};
use super::error::ApiError;
use super::lookup;
use super::page::{Ask, Page};
use super::params::Params;
use super::{projects, shape};
use crate::http::Doors;
use crate::store;

/// `GET organizations/`
pub async fn list(State(doors): State<Doors>, caller: Caller, OriginalUri(uri): OriginalUri, params: Params) -> Result<Response, ApiError> {
    caller.require(Scope::Organizations)?;
    let ask = Ask::read(&params)?;
    let (items, neighbours) = ask.cut(vec![organization(&doors).await?])?;
    let address = format!("{}{}", doors.config.url, uri.path());
    Ok(Page { items, neighbours, hits: Some(1) }.answer(&address, &params, &ask))
}

/// `GET organizations/{org}/`
pub async fn show(State(doors): State<Doors>, caller: Caller, Path(org): Path<String>) -> Result<Json<Value>, ApiError> {
    let viewer = caller.require(Scope::Organizations)?;
    lookup::organization(&org)?;
    let mut shown = organization(&doors).await?;
    shown["projects"] = projects::all_visible(&doors, viewer).await?.into();
    shown["teams"] = json!([]);
    shown["access"] = json!(caller.scopes());
    shown["role"] = json!(viewer.role.name());
    Ok(Json(shown))
}

async fn organization(doors: &Doors) -> Result<Value, ApiError> {
    let created_at = store::users::first_created_at(&doors.db).await?.unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    Ok(json!({
        "id": lookup::ORGANIZATION_ID, "slug": lookup::ORGANIZATION, "name": "Bugle", "dateCreated": shape::timestamp(created_at),
        "isEarlyAdopter": false, "require2FA": false, "requireEmailVerification": false, "features": [],
        "status": { "id": "active", "name": "active" }, "avatar": shape::letter_avatar(),
        "links": { "organizationUrl": doors.config.url, "regionUrl": doors.config.url },
    }))
}
