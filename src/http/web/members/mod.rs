//! `/members`. *Who can see what?*

mod invite;
mod list;
mod person;

use axum::Router;
use axum::routing::{get, post};

use crate::http::Doors;

/// The routes.
pub fn routes() -> Router<Doors> {
    Router::new()
        .route("/members", get(list::get))
        .route("/members/invite", post(invite::send))
        .route("/members/{id}/renew", post(invite::renew))
        .route("/members/{id}/withdraw", post(invite::withdraw))
        .route("/members/{id}/role", post(person::change_role))
        .route("/members/{id}/disable", post(person::disable))
        .route("/members/{id}/enable", post(person::enable))
}
