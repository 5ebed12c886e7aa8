//! The pages.

use axum::Router;

use crate::http::Doors;

pub mod charts;

/// The routes of this door.
pub fn routes() -> Router<Doors> {
    Router::new()
}
