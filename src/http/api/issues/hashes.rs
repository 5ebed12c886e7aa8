//! Hashes of an issue, and splitting them off, in Sentry's shape.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::super::auth::{Caller, Scope};
use super::super::error::ApiError;
use super::super::lookup;
use super::super::params::Params;
use crate::actions::splits::{self, Opener};
use crate::domain::fingerprint::Hash;
use crate::http::Doors;
use crate::http::shared::counted;
use crate::store::event_reads;
use crate::store::merges::split;

/// `GET issues/{issue}/hashes/`
pub async fn list(State(doors): State<Doors>, caller: Caller, Path(raw): Path<String>) -> Result<Json<Value>, ApiError> {
    let viewer = caller.require(Scope::Events)?;
    let issue = lookup::issue(&doors, viewer, &raw).await?;
    let hashes = split::list_hashes(&doors.db, issue.project_id, issue.id).await?;
    let latest = event_reads::latest(&doors.db, issue.project_id, issue.id).await?.map(|id| json!({ "eventID": id.to_string() }));
    let shaped = |hash: &split::LeadingHash| {
        let id: String = hash.hash.iter().map(|byte| format!("{byte:02x}")).collect();
        json!({ "id": id, "latestEvent": latest, "mergedBySeer": false })
    };
    Ok(Json(hashes.iter().map(shaped).collect()))
}

/// `DELETE issues/{issue}/hashes/?id=…&id=…`: splits them off.
pub async fn split(State(doors): State<Doors>, caller: Caller, Path(raw): Path<String>, params: Params) -> Result<StatusCode, ApiError> {
    let user = caller.require(Scope::EventsChange)?;
    let issue = lookup::issue(&doors, user, &raw).await?;
    let hashes: Vec<Hash> = params.all("id").filter_map(parse).collect();
    let opener = Opener { library: &doors.library, read: counted::read };
    splits::split(&doors.db, &doors.clock, &opener, user, issue.id, &hashes).await?;
    Ok(StatusCode::ACCEPTED)
}

fn parse(raw: &str) -> Option<Hash> {
    u128::from_str_radix(raw, 16).ok().filter(|_| raw.len() == 32).map(u128::to_be_bytes)
}
