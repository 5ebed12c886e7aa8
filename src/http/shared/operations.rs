//! `/healthz`, `/readyz`, `/metrics`: for operators and their probes. None of them asks the database more than it must.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use subtle::ConstantTimeEq;

use super::metrics;
use crate::http::Doors;

/// Routes for operators and their probes.
pub fn routes() -> Router<Doors> {
    Router::new().route("/healthz", get(|| async { "ok\n" })).route("/readyz", get(ready)).route("/metrics", get(measured))
}

/// Whether an event that came now would be kept: the spool has room, and it is known who may send. Postgres may be away meanwhile.
async fn ready(State(doors): State<Doors>) -> Response {
    match readiness(&doors).await {
        Ok(word) => word.into_response(),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {reason}\n")).into_response(),
    }
}

/// In what way it is ready, or why it is not.
pub async fn readiness(doors: &Doors) -> Result<&'static str, String> {
    if !doors.keys.is_loaded() {
        doors.keys.refresh(&doors.db).await;
    }
    if !doors.keys.is_loaded() {
        return Err("the project keys could not be read yet: the database does not answer".to_owned());
    }
    match doors.spool.room() {
        Ok(()) if doors.opening.is_under_way() => Ok("ready for events, which are kept; pages follow once the database is there\n"),
        Ok(()) => Ok("ready\n"),
        Err(reason) => Err(reason.to_string()),
    }
}

async fn measured(State(doors): State<Doors>, headers: HeaderMap) -> Response {
    if let Some(token) = &doors.config.metrics_token
        && !carries(&headers, token)
    {
        let ask = [(header::WWW_AUTHENTICATE, "Bearer")];
        return (StatusCode::UNAUTHORIZED, ask, "send BUGLE_METRICS_TOKEN as a bearer token\n").into_response();
    }
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], metrics::render(&doors)).into_response()
}

fn carries(headers: &HeaderMap, token: &str) -> bool {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| value.split_once(' '));
    given.is_some_and(|(scheme, given)| scheme.eq_ignore_ascii_case("bearer") && given.trim().as_bytes().ct_eq(token.as_bytes()).into())
}
