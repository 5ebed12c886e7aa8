//! What SDKs post to.

use axum::Router;

use crate::http::Doors;

/// The routes of this door.
pub fn routes() -> Router<Doors> {
    Router::new()
}
