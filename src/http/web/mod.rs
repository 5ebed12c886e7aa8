//! The pages. Each has a file with its handler and page struct, and a template of the same name under `templates/pages/`.
//!
//! Deliberately absent: writes (they go through `actions`) and anything a page could not do without JavaScript.

pub mod account;
pub mod admin;
pub mod alerts;
pub mod assets;
pub mod charts;
pub mod client;
pub mod cookies;
pub mod dress;
pub mod feedback;
pub mod flash;
pub mod format;
pub mod help;
pub mod invite;
pub mod issues;
pub mod layout;
pub mod login;
pub mod mail_action;
pub mod mails;
pub mod members;
pub mod next;
pub mod page_error;
pub mod project_access;
pub mod projects;
pub mod reset;
pub mod setup;
pub mod signed_in;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use http::{StatusCode, Uri};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::csrf::CsrfLayer;

use crate::http::Doors;
use crate::http::web::page_error::PageError;

/// Largest form, in bytes.
const FORM_BYTES_MAX: usize = 256 * 1024;

/// The routes of this door. The layers see each request from the bottom line up.
pub fn routes(doors: &Doors) -> Router<Doors> {
    Router::new()
        .merge(assets::routes())
        .merge(projects::routes())
        .merge(account::routes())
        .merge(admin::routes())
        .merge(members::routes())
        .route("/login", get(login::get).post(login::post))
        .route("/logout", post(login::logout))
        .route("/setup", get(setup::get).post(setup::post))
        .route("/reset", get(reset::get).post(reset::post))
        .route("/reset/{token}", get(reset::link).post(reset::choose))
        .route("/invite/{token}", get(invite::get).post(invite::post))
        .merge(issues::routes())
        .merge(feedback::routes())
        .merge(alerts::routes())
        .merge(mails::routes())
        .route("/a/{token}/{action}", get(mail_action::get).post(mail_action::post))
        .route("/help", get(help::get))
        .fallback(unknown)
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(CatchPanicLayer::custom(broken))
        .layer(csrf(doors))
        .layer(from_fn_with_state(doors.clone(), when_open))
        .layer(from_fn_with_state(doors.clone(), dress::layer))
        .layer(CompressionLayer::new())
}

/// Until the database is there, every page is the one that says so and tries again; it needs the style sheet.
async fn when_open(State(doors): State<Doors>, request: Request, next: Next) -> Response {
    if doors.opening.is_under_way() && !request.uri().path().starts_with(assets::PREFIX) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    next.run(request).await
}

/// Refuses forms other sites send. Our own public address is trusted by name, for proxies that rewrite `Host`.
fn csrf(doors: &Doors) -> CsrfLayer {
    let origin = url::Url::parse(&doors.config.url).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    CsrfLayer::new().add_trusted_origin(&origin).unwrap_or_else(|_| CsrfLayer::new())
}

/// An address nobody has: a page for people, a word for tools.
async fn unknown(uri: Uri) -> Response {
    if uri.path().starts_with("/api/") {
        return (StatusCode::NOT_FOUND, axum::Json(serde_json::json!({ "detail": "The requested resource does not exist" })))
            .into_response();
    }
    PageError::NotFound.into_response()
}

fn broken(panic: Box<dyn std::any::Any + Send>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    PageError::Internal(format!("a handler panicked: {}", text.unwrap_or("without a text"))).into_response()
}
