//! The subset of Sentry's Web API that tools call, below `/api/0/`. With bearer tokens; reading, merging, splitting and deleting issues, and
//! feedback.
//!
//! One installation is one organization. Paths work with and without the slash at their end.
//!
//! Deliberately absent: cookies (a browser's session is no credential here), other writing, releases and chunk upload.

mod attachments;
mod auth;
mod error;
mod events;
mod feedback;
mod issues;
mod lookup;
mod monitors;
mod organizations;
mod page;
mod params;
mod projects;
mod resolve;
mod root;
mod sessions;
mod shape;

use axum::Router;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{MethodRouter, delete, get, post, put};

use crate::http::Doors;
use error::ApiError;

/// The routes of this door.
pub fn routes(doors: &Doors) -> Router<Doors> {
    let below = Router::new();
    let below = both(below, "organizations", organizations::list);
    let below = both(below, "organizations/{org}", organizations::show);
    let below = both(below, "organizations/{org}/projects", projects::list_of_organization);
    let below = both(below, "organizations/{org}/issues", issues::list::of_organization);
    let below = both(below, "organizations/{org}/issues/{issue}", issues::show::in_organization);
    let below = changed(
        below,
        "organizations/{org}/issues/{issue}",
        delete(issues::delete::in_organization).put(issues::delete::discard_in_organization),
    );
    let below = both(below, "organizations/{org}/issues/{issue}/events", events::list::of_issue_in_organization);
    let below = both(below, "organizations/{org}/issues/{issue}/events/{event}", events::show::of_issue_in_organization);
    let below = both(below, "organizations/{org}/eventids/{event}", resolve::event_id);
    let below = both(below, "organizations/{org}/shortids/{short_id}", resolve::short_id);
    let below = both(below, "organizations/{org}/monitors", monitors::list);
    let below = both(below, "organizations/{org}/monitors/{monitor}/checkins", monitors::check_ins);
    let below = both(below, "organizations/{org}/sessions", sessions::show);
    let below = both(below, "projects", projects::list);
    let below = both(below, "projects/{org}/{project}", projects::show);
    let below = both(below, "projects/{org}/{project}/keys", projects::keys);
    let below = both(below, "projects/{org}/{project}/issues", issues::list::of_project);
    let below = changed(below, "projects/{org}/{project}/issues", put(issues::merge::of_project).delete(issues::delete::of_project));
    let below = both(below, "projects/{org}/{project}/events", events::list::of_project);
    let below = both(below, "projects/{org}/{project}/events/{event}", events::show::of_project);
    let below = both(below, "projects/{org}/{project}/events/{event}/attachments", attachments::list);
    let below = both(below, "projects/{org}/{project}/events/{event}/attachments/{attachment}", attachments::show);
    let below = both(below, "projects/{org}/{project}/user-feedback", feedback::list);
    let below = written(below, "projects/{org}/{project}/user-feedback", feedback::submit);
    let below = both(below, "issues/{issue}", issues::show::anywhere);
    let below = changed(below, "issues/{issue}", delete(issues::delete::anywhere).put(issues::delete::discard));
    let below = both(below, "issues/{issue}/hashes", issues::hashes::list);
    let below = changed(below, "issues/{issue}/hashes", delete(issues::hashes::split));
    let below = both(below, "issues/{issue}/events", events::list::of_issue);
    let below = both(below, "issues/{issue}/events/{event}", events::show::of_issue);
    let below = below.fallback(unknown).method_not_allowed_fallback(wrong_method);
    Router::new().nest("/api/0", below).route("/api/0/", get(root::show)).layer(from_fn_with_state(doors.clone(), when_open))
}

/// Until the database is there, tools are asked to try again.
async fn when_open(State(doors): State<Doors>, request: Request, next: Next) -> Result<Response, ApiError> {
    if doors.opening.is_under_way() {
        return Err(ApiError::Away(anyhow::anyhow!("it is still being opened")));
    }
    Ok(next.run(request).await)
}

fn both<H, T>(router: Router<Doors>, path: &str, handler: H) -> Router<Doors>
where
    H: Handler<T, Doors> + Clone,
    T: 'static,
{
    router.route(&format!("/{path}"), get(handler.clone())).route(&format!("/{path}/"), get(handler))
}

/// What can be posted to beside being read.
fn written<H, T>(router: Router<Doors>, path: &str, handler: H) -> Router<Doors>
where
    H: Handler<T, Doors> + Clone,
    T: 'static,
{
    router.route(&format!("/{path}"), post(handler.clone())).route(&format!("/{path}/"), post(handler))
}

/// What can be changed beside being read.
fn changed(router: Router<Doors>, path: &str, by: MethodRouter<Doors>) -> Router<Doors> {
    router.route(&format!("/{path}"), by.clone()).route(&format!("/{path}/"), by)
}

async fn unknown() -> ApiError {
    ApiError::NotFound
}

async fn wrong_method(method: Method) -> ApiError {
    ApiError::MethodNotAllowed(method)
}
