//! `/admin`. *Is Bugle itself well?*

mod dead_letters;
mod health;

use axum::Router;
use axum::routing::{get, post};

use crate::http::Doors;

/// The routes. `/admin/mail` is a page of its own, in `mails`.
pub fn routes() -> Router<Doors> {
    Router::new()
        .route("/admin", get(health::get))
        .route("/admin/dead-letters/retry", post(dead_letters::retry_all))
        .route("/admin/dead-letters/drop", post(dead_letters::drop_all))
        .route("/admin/dead-letters/{id}/retry", post(dead_letters::retry))
        .route("/admin/dead-letters/{id}/drop", post(dead_letters::drop))
}
