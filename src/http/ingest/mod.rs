//! What SDKs post to. Answers 200 only for what is durable; decides nothing about events.
//!
//! Deliberately absent: content types (senders lie or are silent about them; the path says what a body is, with one exception) and
//! everything that can be found out after the answer.

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use serde_json::json;

use crate::http::Doors;
use crate::protocol::receipt::BodyForm;

mod accept;
mod body;
mod budget;
mod cors;
mod counters;
mod inspect;
mod limiter;
mod limits;
mod outage;
mod refusal;
mod silence;

pub use counters::IngestCounters;
pub use limits::keep_refused;

/// What this door keeps between requests.
#[derive(Debug, Default)]
pub struct Ingest {
    /// For `/metrics`.
    pub counters: IngestCounters,
    /// What keys and projects may send.
    pub limiter: limiter::Limiter,
    budget: budget::Budget,
    outage: outage::Outage,
}

/// The routes of this door, each with and without the trailing slash: SDKs lose events over redirects.
pub fn routes() -> Router<Doors> {
    Router::new()
        .route("/api/{project_id}/envelope/", endpoint(envelope))
        .route("/api/{project_id}/envelope", endpoint(envelope))
        .route("/api/{project_id}/store/", endpoint(store))
        .route("/api/{project_id}/store", endpoint(store))
        .route_layer(map_response(cors::allow))
}

fn endpoint<H, T>(handler: H) -> MethodRouter<Doors>
where
    H: axum::handler::Handler<T, Doors>,
    T: 'static,
{
    post(handler).options(cors::preflight).fallback(method_not_allowed)
}

/// A path that is not even text is refused like any other that names no project.
type ProjectPath = Result<Path<String>, PathRejection>;

async fn envelope(State(doors): State<Doors>, project: ProjectPath, request: Request) -> Response {
    receive(&doors, project, BodyForm::Envelope, request).await
}

async fn store(State(doors): State<Doors>, project: ProjectPath, request: Request) -> Response {
    let form = if is_envelope(request.headers()) { BodyForm::Envelope } else { BodyForm::Store };
    receive(&doors, project, form, request).await
}

async fn receive(doors: &Doors, project: ProjectPath, form: BodyForm, request: Request<Body>) -> Response {
    let project = project.map(|Path(project)| project).unwrap_or_default();
    let (parts, mut body) = request.into_parts();
    accept::accept(doors, &project, form, &parts, &mut body).await
}

/// The one content type that means something: an envelope posted to the old address.
fn is_envelope(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.trim_start().to_ascii_lowercase().starts_with("application/x-sentry-envelope")
}

async fn method_not_allowed(State(doors): State<Doors>) -> Response {
    doors.ingest.counters.answered(StatusCode::METHOD_NOT_ALLOWED);
    let body = axum::Json(json!({ "detail": "method not allowed", "causes": ["events are posted"] }));
    let headers = [
        (header::ALLOW, HeaderValue::from_static("POST, OPTIONS")),
        (header::HeaderName::from_static("x-sentry-error"), HeaderValue::from_static("method not allowed")),
    ];
    (StatusCode::METHOD_NOT_ALLOWED, headers, body).into_response()
}
