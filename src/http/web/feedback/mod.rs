//! What people say about a project: the list, and what is done with a report.

pub mod act;
pub mod list;
pub mod report;

use axum::Router;
use axum::routing::{get, post};

use crate::http::Doors;

/// The routes of these pages.
pub fn routes() -> Router<Doors> {
    Router::new()
        .route("/{project}/feedback", get(list::get))
        .route("/{project}/feedback/{feedback}/attachments/{attachment}", get(act::download))
        .route("/{project}/feedback/{feedback}/attachments/{attachment}/view", get(act::view))
        .route("/{project}/feedback/{feedback}/{verb}", post(act::post))
}
