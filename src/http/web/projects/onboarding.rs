//! `/{project}/setup`. *How do I get my first event?* Waits for it, and turns into it when it arrives.

use askama::Template;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::StatusCode;
use time::{Duration, OffsetDateTime};

use crate::domain::ids::IssueId;
use crate::domain::project::{PLATFORMS, dsn, platform_name};
use crate::http::Doors;
use crate::http::web::flash::{self, Note};
use crate::http::web::layout::{self, Shell, Tab};
use crate::http::web::page_error::PageError;
use crate::http::web::project_access::ProjectAccess;
use crate::http::web::projects::test_event;
use crate::store;

#[derive(Template)]
#[template(path = "pages/projects/onboarding.html")]
struct Page {
    shell: Shell,
    slug: String,
    dsn: String,
    tunnel_url: String,
    /// Empty where no key is enabled.
    reports_url: String,
    platform: String,
    platform_name: String,
    others: Vec<(&'static str, &'static str)>,
    waiting_since: OffsetDateTime,
    first: Option<First>,
    refusals: Vec<String>,
    probe_url: String,
}

/// What arrived first.
struct First {
    issue: Option<IssueId>,
    at: OffsetDateTime,
}

/// Shows the page.
pub async fn get(State(doors): State<Doors>, access: ProjectAccess) -> Result<Html<String>, PageError> {
    let project = &access.project;
    let shell = Shell::for_project(&doors, &access, Tab::Other).await?;
    let key = store::keys::find_first_enabled(&doors.db, project.id).await?;
    let platform = if project.platform.is_empty() { "other" } else { project.platform.as_str() };
    let first = match project.first_event_at {
        Some(at) => Some(First { issue: store::projects::find_first_issue(&doors.db, project.id).await?, at }),
        None => None,
    };
    let refused = store::project_overview::refusals(&doors.db, project.id, shell.now - Duration::HOUR).await?;
    layout::html(&Page {
        slug: project.slug.clone(),
        tunnel_url: format!("{}/api/tunnel/", doors.config.url),
        reports_url: key.as_deref().map(|key| reports_url(&doors.config.url, project.id.0, key)).unwrap_or_default(),
        dsn: key.map(|key| dsn(&doors.config.url, &key, project.id.0)).unwrap_or_default(),
        platform: platform.to_owned(),
        platform_name: Some(platform_name(platform)).filter(|name| !name.is_empty()).unwrap_or("your SDK").to_owned(),
        others: PLATFORMS.iter().filter(|(key, _)| *key != platform).copied().collect(),
        waiting_since: project.created_at,
        first,
        refusals: refused.into_iter().map(|(outcome, reason, count)| refusal(&outcome, &reason, count)).collect(),
        probe_url: format!("{}/healthz", doors.config.url),
        shell,
    })
}

/// Where the waiting page looks every 3 seconds: on to the first issue, or back to waiting.
pub async fn first(State(doors): State<Doors>, access: ProjectAccess) -> Result<Response, PageError> {
    let project = &access.project;
    Ok(match store::projects::find_first_issue(&doors.db, project.id).await? {
        Some(issue) => flash::redirect(&doors, &format!("/issues/{issue}"), Note::ok("Your first event is here. This is its page.")),
        None => Redirect::to(&format!("/{}/setup", project.slug)).into_response(),
    })
}

/// What the script of the waiting page asks: 200 once there is an issue, 204 before.
pub async fn arrived(State(doors): State<Doors>, access: ProjectAccess) -> Result<StatusCode, PageError> {
    let arrived = store::projects::find_first_issue(&doors.db, access.project.id).await?.is_some();
    Ok(if arrived { StatusCode::OK } else { StatusCode::NO_CONTENT })
}

/// Sends a test event.
pub async fn send_test(State(doors): State<Doors>, access: ProjectAccess) -> Result<Response, PageError> {
    access.must_work()?;
    test_event::send(&doors, &access.project).await?;
    let note = Note::ok("A test event is on its way. It takes the same way as those of your app.");
    Ok(flash::redirect(&doors, &format!("/{}/setup", access.project.slug), note))
}

/// Where a content security policy sends its reports.
fn reports_url(base: &str, project: i64, key: &str) -> String {
    format!("{base}/api/{project}/security/?sentry_key={key}")
}

fn refusal(outcome: &str, reason: &str, count: i64) -> String {
    match reason {
        "" => format!("{outcome}: {count}"),
        reason => format!("{outcome} ({reason}): {count}"),
    }
}
