//! Projects and their keys.

use std::collections::HashSet;

use axum::Json;
use axum::extract::{OriginalUri, Path, State};
use axum::response::Response;
use serde_json::{Value, json};

use super::auth::{Caller, Scope};
use super::error::ApiError;
use super::page::{Ask, Page};
use super::params::Params;
use super::{lookup, shape};
use crate::domain::ids::ProjectId;
use crate::domain::project::{self, Project};
use crate::domain::user::User;
use crate::http::Doors;
use crate::store;
use crate::store::keys::KeyRow;

/// `GET projects/`
pub async fn list(State(doors): State<Doors>, caller: Caller, OriginalUri(uri): OriginalUri, params: Params) -> Result<Response, ApiError> {
    let viewer = caller.require(Scope::Projects)?;
    let ask = Ask::read(&params)?;
    let all = all_visible(&doors, viewer).await?;
    let hits = i64::try_from(all.len()).ok();
    let (items, neighbours) = ask.cut(all)?;
    Ok(Page { items, neighbours, hits }.answer(&format!("{}{}", doors.config.url, uri.path()), &params, &ask))
}

/// `GET organizations/{org}/projects/`
pub async fn list_of_organization(
    doors: State<Doors>,
    caller: Caller,
    Path(org): Path<String>,
    uri: OriginalUri,
    params: Params,
) -> Result<Response, ApiError> {
    caller.require(Scope::Projects)?;
    lookup::organization(&org)?;
    list(doors, caller, uri, params).await
}

/// `GET projects/{org}/{project}/`
pub async fn show(State(doors): State<Doors>, caller: Caller, Path((org, slug)): Path<(String, String)>) -> Result<Json<Value>, ApiError> {
    let viewer = caller.require(Scope::Projects)?;
    let project = lookup::project_of(&doors, viewer, &org, &slug).await?;
    let memberships = memberships(&doors, viewer).await?;
    Ok(Json(shaped(&project, &memberships)))
}

/// `GET projects/{org}/{project}/keys/`
pub async fn keys(
    State(doors): State<Doors>,
    caller: Caller,
    Path((org, slug)): Path<(String, String)>,
    OriginalUri(uri): OriginalUri,
    params: Params,
) -> Result<Response, ApiError> {
    let viewer = caller.require(Scope::Projects)?;
    let project = lookup::project_of(&doors, viewer, &org, &slug).await?;
    let ask = Ask::read(&params)?;
    let keys = store::keys::list(&doors.db, project.id).await?;
    let hits = i64::try_from(keys.len()).ok();
    let (keys, neighbours) = ask.cut(keys)?;
    let items = keys.iter().map(|key| shaped_key(key, &project, &doors.config.url)).collect();
    Ok(Page { items, neighbours, hits }.answer(&format!("{}{}", doors.config.url, uri.path()), &params, &ask))
}

/// Every project the viewer sees, by name.
pub async fn all_visible(doors: &Doors, viewer: &User) -> Result<Vec<Value>, ApiError> {
    let projects = store::projects::list_visible(&doors.db, viewer).await?;
    let memberships = memberships(doors, viewer).await?;
    Ok(projects.iter().map(|project| shaped(project, &memberships)).collect())
}

async fn memberships(doors: &Doors, viewer: &User) -> Result<HashSet<ProjectId>, ApiError> {
    Ok(store::members::list_projects(&doors.db, viewer.id).await?.into_iter().collect())
}

fn shaped(project: &Project, memberships: &HashSet<ProjectId>) -> Value {
    json!({
        "id": project.id.to_string(), "slug": project.slug, "name": project.name, "platform": shape::text_or_null(Some(&project.platform)),
        "dateCreated": shape::timestamp(project.created_at), "firstEvent": shape::timestamp_or_null(project.first_event_at),
        "isMember": memberships.contains(&project.id), "hasAccess": true, "isBookmarked": false, "isPublic": false, "isInternal": false,
        "status": "active", "features": [], "team": null, "teams": [], "color": null, "avatar": shape::letter_avatar(),
        "organization": { "id": lookup::ORGANIZATION_ID, "slug": lookup::ORGANIZATION, "name": "Bugle" },
    })
}

/// The project inside another object.
pub fn reference(id: ProjectId, slug: &str, name: &str, platform: &str) -> Value {
    json!({ "id": id.to_string(), "slug": slug, "name": name, "platform": shape::text_or_null(Some(platform)) })
}

/// Keys have no secret half: SDKs stopped using it in 2018. `secret` repeats the public DSN for tools that insist.
fn shaped_key(key: &KeyRow, project: &Project, base_url: &str) -> Value {
    let dsn = project::dsn(base_url, &key.public_key, project.id.0);
    let endpoint = |name: &str| format!("{base_url}/api/{}/{name}/?sentry_key={}", project.id, key.public_key);
    json!({
        "id": key.public_key, "name": key.label, "label": key.label, "public": key.public_key, "secret": null,
        "projectId": project.id.0, "isActive": key.disabled_at.is_none(), "dateCreated": shape::timestamp(key.created_at), "rateLimit": null,
        "dsn": {
            "public": dsn, "secret": dsn, "csp": endpoint("csp-report"), "security": endpoint("security"),
            "minidump": endpoint("minidump"), "cdn": null, "unreal": null,
        },
    })
}
