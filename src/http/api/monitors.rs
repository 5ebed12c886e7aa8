//! `GET organizations/{org}/monitors/` and `…/monitors/{slug}/checkins/`: jobs and their runs, in Sentry's shape.

use axum::extract::{OriginalUri, Path, State};
use axum::response::Response;
use serde_json::{Value, json};

use super::auth::{Caller, Scope};
use super::error::ApiError;
use super::page::{Ask, Page};
use super::params::Params;
use super::{lookup, projects, shape};
use crate::domain::project::Project;
use crate::http::Doors;
use crate::store;
use crate::store::monitors::{self, Monitor, Run};

/// Runs of a monitor that can be paged through, the newest first.
const RUNS_MAX: i64 = 1_000;

/// `GET organizations/{org}/monitors/`
pub async fn list(
    State(doors): State<Doors>,
    caller: Caller,
    Path(org): Path<String>,
    OriginalUri(uri): OriginalUri,
    params: Params,
) -> Result<Response, ApiError> {
    let viewer = caller.require(Scope::Projects)?;
    lookup::organization(&org)?;
    let chosen = lookup::chosen_projects(&doors, viewer, &params).await?;
    let visible = store::projects::list_visible(&doors.db, viewer).await?;
    let ask = Ask::read(&params)?;
    let all = monitors::list(&doors.db, &chosen).await?;
    let hits = i64::try_from(all.len()).ok();
    let (found, neighbours) = ask.cut(all)?;
    let mut items = Vec::new();
    for monitor in &found {
        let last = monitors::runs(&doors.db, monitor.project_id, &monitor.slug, 1).await?;
        items.push(shaped(monitor, visible.iter().find(|project| project.id == monitor.project_id), last.first()));
    }
    Ok(Page { items, neighbours, hits }.answer(&format!("{}{}", doors.config.url, uri.path()), &params, &ask))
}

/// `GET organizations/{org}/monitors/{slug}/checkins/`. Where several projects have a monitor of this name, `project=` says which.
pub async fn check_ins(
    State(doors): State<Doors>,
    caller: Caller,
    Path((org, slug)): Path<(String, String)>,
    OriginalUri(uri): OriginalUri,
    params: Params,
) -> Result<Response, ApiError> {
    let viewer = caller.require(Scope::Projects)?;
    lookup::organization(&org)?;
    let chosen = lookup::chosen_projects(&doors, viewer, &params).await?;
    let known = monitors::list(&doors.db, &chosen).await?;
    let monitor = known.into_iter().find(|monitor| monitor.slug == slug).ok_or(ApiError::NotFound)?;
    let ask = Ask::read(&params)?;
    let runs = monitors::runs(&doors.db, monitor.project_id, &monitor.slug, RUNS_MAX).await?;
    let hits = i64::try_from(runs.len()).ok();
    let (runs, neighbours) = ask.cut(runs)?;
    let items = runs.iter().map(|run| shaped_run(run, &monitor)).collect();
    Ok(Page { items, neighbours, hits }.answer(&format!("{}{}", doors.config.url, uri.path()), &params, &ask))
}

fn shaped(monitor: &Monitor, project: Option<&Project>, last: Option<&Run>) -> Value {
    let environments = last.map(|run| {
        json!([{ "name": environment(run), "status": run.status, "lastCheckIn": shape::timestamp(run.updated_at), "nextCheckIn": null,
                 "isMuted": false, "dateCreated": shape::timestamp(monitor.created_at) }])
    });
    json!({
        "id": format!("{}-{}", monitor.project_id, monitor.slug), "slug": monitor.slug, "name": monitor.slug, "status": "active",
        "isMuted": false, "type": "cron_job", "config": config(&monitor.config), "dateCreated": shape::timestamp(monitor.created_at),
        "environments": environments.unwrap_or_else(|| json!([])), "owner": null,
        "project": project.map(|project| projects::reference(project.id, &project.slug, &project.name, &project.platform)),
    })
}

/// Sentry answers the schedule flat where SDKs send it nested.
fn config(sent: &Value) -> Value {
    let schedule = &sent["schedule"];
    let flat = if schedule["type"] == "interval" { json!([schedule["value"], schedule["unit"]]) } else { schedule["value"].clone() };
    json!({
        "schedule_type": schedule["type"], "schedule": flat, "timezone": sent["timezone"], "checkin_margin": sent["checkin_margin"],
        "max_runtime": sent["max_runtime"], "failure_issue_threshold": sent["failure_issue_threshold"],
        "recovery_threshold": sent["recovery_threshold"], "alert_rule_id": null,
    })
}

fn shaped_run(run: &Run, monitor: &Monitor) -> Value {
    json!({
        "id": run.check_in_id.to_string(), "environment": environment(run), "status": run.status, "duration": run.duration_ms,
        "dateCreated": shape::timestamp(run.started_at), "dateAdded": shape::timestamp(run.started_at),
        "dateUpdated": shape::timestamp(run.updated_at), "expectedTime": null, "attachmentId": null, "monitorConfig": config(&monitor.config),
        "release": run.release, "groups": [], "traceId": run.trace_id,
    })
}

/// Sentry calls runs without an environment `production`.
fn environment(run: &Run) -> &str {
    if run.environment.is_empty() { "production" } else { &run.environment }
}
