//! The subset of Sentry's Web API that tools call.

use axum::Router;

use crate::http::Doors;

/// The routes of this door.
pub fn routes() -> Router<Doors> {
    Router::new()
}
