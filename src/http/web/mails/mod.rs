//! `/admin/mail`: what was sent, what waits, what failed, and what would have gone out.

use axum::Router;
use axum::routing::{get, post};

use crate::http::Doors;

pub mod list;
pub mod show;

/// The pages about mail.
pub fn routes() -> Router<Doors> {
    Router::new()
        .route("/admin/mail", get(list::get))
        .route("/admin/mail/test", post(list::test))
        .route("/admin/mail/{id}", get(show::get))
        .route("/admin/mail/{id}/retry", post(show::retry))
}
