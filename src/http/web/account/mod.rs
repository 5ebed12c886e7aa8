//! `/account`: profile, password, API tokens, sessions. *What is mine?*

pub mod password;
pub mod profile;
pub mod sessions;
mod show;
pub mod tokens;

use axum::Router;
use axum::routing::{get, post};

use crate::http::Doors;

/// The routes.
pub fn routes() -> Router<Doors> {
    Router::new()
        .route("/account", get(show::get))
        .route("/account/profile", post(profile::save))
        .route("/account/theme", post(profile::theme))
        .route("/account/password", post(password::change))
        .route("/account/tokens", post(tokens::create))
        .route("/account/tokens/{id}/revoke", post(tokens::revoke))
        .route("/account/sessions/end", post(sessions::end_others))
}
