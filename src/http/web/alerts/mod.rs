//! What tells whom, what it did, and why.

use axum::Router;
use axum::routing::{get, post};

use crate::domain::alert::Kind;
use crate::http::Doors;

pub mod edit;
pub mod list;
pub mod sent;

/// The pages about alerts.
pub fn routes() -> Router<Doors> {
    Router::new()
        .route("/{project}/alerts", get(list::get))
        .route("/alerts/{id}", get(edit::get).post(edit::post))
        .route("/alerts/{id}/pause", post(edit::pause))
        .route("/alerts/sent/{id}", get(sent::get))
}

/// What a kind of alert is called in a sentence.
pub fn kind_words(kind: Kind) -> &'static str {
    match kind {
        Kind::New => "New issue",
        Kind::Regressed => "Came back",
        Kind::Spiking => "Spike",
        Kind::Escalated => "Spike, ten times worse",
    }
}
