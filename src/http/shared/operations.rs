//! `/healthz`, `/readyz`, `/metrics`.

use axum::Router;
use axum::routing::get;

use crate::http::Doors;

/// Routes for operators and their probes.
pub fn routes() -> Router<Doors> {
    Router::new().route("/healthz", get(|| async { "ok\n" }))
}
