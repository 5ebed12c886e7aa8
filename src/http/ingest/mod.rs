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
use axum::routing::{MethodRouter, get, post};
use serde_json::json;

use crate::domain::event_id::EventId;
use crate::http::Doors;
use crate::http::shared::operations;

use address::{Address, Takes};

mod accept;
mod address;
mod body;
mod budget;
mod cors;
mod counters;
mod enclose;
mod inspect;
mod limiter;
mod limits;
mod outage;
mod refusal;
mod silence;

pub use counters::IngestCounters;
pub use limits::keep_refused;

/// A transparent picture of one pixel.
const PIXEL: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x01D\x00;";

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
        .route("/api/{project_id}/store/", event_endpoint())
        .route("/api/{project_id}/store", event_endpoint())
        .route("/api/store/", endpoint(store_of_key))
        .route("/api/store", endpoint(store_of_key))
        .route("/api/tunnel/", endpoint(tunnel))
        .route("/api/tunnel", endpoint(tunnel))
        .route("/api/{project_id}/security/", endpoint(reports))
        .route("/api/{project_id}/security", endpoint(reports))
        .route("/api/{project_id}/csp-report/", endpoint(reports))
        .route("/api/{project_id}/csp-report", endpoint(reports))
        .route("/api/{project_id}/nel/", endpoint(reports))
        .route("/api/{project_id}/nel", endpoint(reports))
        .route("/api/{project_id}/minidump/", endpoint(minidump))
        .route("/api/{project_id}/minidump", endpoint(minidump))
        .route("/api/{project_id}/events/{event_id}/attachments/", endpoint(files))
        .route("/api/{project_id}/events/{event_id}/attachments", endpoint(files))
        .route("/api/{project_id}/cron/{slug}/", check_in_endpoint(check_in))
        .route("/api/{project_id}/cron/{slug}", check_in_endpoint(check_in))
        .route("/api/{project_id}/cron/{slug}/{key}/", check_in_endpoint(check_in_with_key))
        .route("/api/{project_id}/cron/{slug}/{key}", check_in_endpoint(check_in_with_key))
        .route("/api/relay/healthcheck/live/", probe_endpoint(alive))
        .route("/api/relay/healthcheck/live", probe_endpoint(alive))
        .route("/api/relay/healthcheck/ready/", probe_endpoint(ready))
        .route("/api/relay/healthcheck/ready", probe_endpoint(ready))
        .route_layer(map_response(cors::allow))
}

fn endpoint<H, T>(handler: H) -> MethodRouter<Doors>
where
    H: axum::handler::Handler<T, Doors>,
    T: 'static,
{
    post(handler).options(cors::preflight).fallback(method_not_allowed)
}

/// An event is posted, or is in the address of a picture.
fn event_endpoint() -> MethodRouter<Doors> {
    endpoint(store).get(store_by_query)
}

/// Jobs ask with whatever is at hand.
fn check_in_endpoint<H, T>(handler: H) -> MethodRouter<Doors>
where
    H: axum::handler::Handler<T, Doors> + Clone,
    T: 'static,
{
    endpoint(handler.clone()).get(handler)
}

fn probe_endpoint<H, T>(handler: H) -> MethodRouter<Doors>
where
    H: axum::handler::Handler<T, Doors>,
    T: 'static,
{
    get(handler)
}

/// A path that is not even text is refused like any other that names no project.
type ProjectPath = Result<Path<String>, PathRejection>;

async fn envelope(State(doors): State<Doors>, project: ProjectPath, request: Request) -> Response {
    receive(&doors, &named(project), Takes::Envelope, request).await
}

async fn store(State(doors): State<Doors>, project: ProjectPath, request: Request) -> Response {
    let takes = event_or_envelope(request.headers());
    receive(&doors, &named(project), takes, request).await
}

/// The project is that of the key.
async fn store_of_key(State(doors): State<Doors>, request: Request) -> Response {
    let takes = event_or_envelope(request.headers());
    receive(&doors, &None, takes, request).await
}

/// Project and key are those of the DSN in the envelope; its host means nothing, for nothing is sent on.
async fn tunnel(State(doors): State<Doors>, request: Request) -> Response {
    receive(&doors, &None, Takes::Envelope, request).await
}

/// What browsers report is answered without a body: they do not look at it.
async fn reports(State(doors): State<Doors>, project: ProjectPath, request: Request) -> Response {
    bodiless(receive(&doors, &named(project), Takes::Reports, request).await)
}

/// What crash handlers upload; the answer is the id of the event as text.
async fn minidump(State(doors): State<Doors>, project: ProjectPath, request: Request) -> Response {
    receive(&doors, &named(project), Takes::Minidump, request).await
}

/// Files for an event that came before or comes after.
async fn files(State(doors): State<Doors>, path: Result<Path<(String, String)>, PathRejection>, request: Request) -> Response {
    let (project, event) = path.map(|Path(path)| path).unwrap_or_default();
    receive(&doors, &Some(project), Takes::Files(EventId::parse(&event).ok()), request).await
}

/// Scripts older than `fetch` across sites send the event in the address of a picture.
async fn store_by_query(State(doors): State<Doors>, project: ProjectPath, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let pairs = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
    let event = pairs.filter(|(name, _)| name == "sentry_data").map(|(_, value)| value.into_owned()).next().unwrap_or_default();
    let request = Request::from_parts(parts, Body::from(event));
    picture(receive(&doors, &named(project), Takes::Event, request).await)
}

/// A job tells how it goes; the key is in the query or a header.
async fn check_in(State(doors): State<Doors>, path: Result<Path<(String, String)>, PathRejection>, request: Request) -> Response {
    let (project, slug) = path.map(|Path(path)| path).unwrap_or_default();
    take_check_in(&doors, Address { project: Some(&project), key: None, slug: Some(&slug), takes: Takes::CheckIn }, request).await
}

async fn check_in_with_key(
    State(doors): State<Doors>,
    path: Result<Path<(String, String, String)>, PathRejection>,
    request: Request,
) -> Response {
    let (project, slug, key) = path.map(|Path(path)| path).unwrap_or_default();
    take_check_in(&doors, Address { project: Some(&project), key: Some(&key), slug: Some(&slug), takes: Takes::CheckIn }, request).await
}

async fn take_check_in(doors: &Doors, address: Address<'_>, request: Request) -> Response {
    let (parts, mut body) = request.into_parts();
    let mut answer = bodiless(accept::accept(doors, &address, &parts, &mut body).await);
    if answer.status() == StatusCode::OK {
        *answer.status_mut() = StatusCode::ACCEPTED;
    }
    answer
}

/// What load balancers in front of Sentry's own server ask; `/healthz` and `/readyz` say more.
async fn alive() -> Response {
    axum::Json(json!({ "is_healthy": true })).into_response()
}

async fn ready(State(doors): State<Doors>) -> Response {
    let is_healthy = operations::readiness(&doors).await.is_ok();
    let status = if is_healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, axum::Json(json!({ "is_healthy": is_healthy }))).into_response()
}

fn named(project: ProjectPath) -> Option<String> {
    Some(project.map(|Path(project)| project).unwrap_or_default())
}

async fn receive(doors: &Doors, project: &Option<String>, takes: Takes, request: Request<Body>) -> Response {
    let (parts, mut body) = request.into_parts();
    let address = Address { project: project.as_deref(), key: None, slug: None, takes };
    accept::accept(doors, &address, &parts, &mut body).await
}

/// The answer to something that was kept, without what it says; refusals stay as they are.
fn bodiless(mut answer: Response) -> Response {
    if answer.status() == StatusCode::OK {
        *answer.body_mut() = Body::empty();
        answer.headers_mut().remove(header::CONTENT_TYPE);
        answer.headers_mut().remove(header::CONTENT_LENGTH);
    }
    answer
}

fn picture(answer: Response) -> Response {
    let mut answer = bodiless(answer);
    if answer.status() == StatusCode::OK {
        *answer.body_mut() = Body::from(PIXEL);
        answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("image/gif"));
    }
    answer
}

fn event_or_envelope(headers: &HeaderMap) -> Takes {
    if is_envelope(headers) { Takes::Envelope } else { Takes::Event }
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
