//! Issues and their events.

pub mod act;
pub mod address;
pub mod attachments;
pub mod badge;
pub mod buckets;
pub mod delete;
pub mod events;
pub mod find;
pub mod list;
pub mod merge;
pub mod merged;
pub mod number;
pub mod show;
pub mod tags;
pub mod why;

use axum::Router;
use axum::routing::{get, post};

use crate::http::Doors;

/// The routes of the issue pages.
pub fn routes() -> Router<Doors> {
    Router::new()
        .route("/{project}/issues", get(list::of_project))
        .route("/issues", get(list::of_all))
        .route("/issues/bulk", post(act::bulk))
        .route("/issues/delete", get(delete::get).post(delete::post))
        .route("/issues/undo/{at}", post(act::undo))
        .route("/issues/{id}", get(show::issue))
        .route("/issues/{id}/events", get(events::get))
        .route("/issues/{id}/events/{event}", get(show::event))
        .route("/issues/{id}/events/{event}/attachments/{attachment}", get(attachments::get))
        .route("/issues/{id}/events/{event}/attachments/{attachment}/view", get(attachments::view))
        .route("/issues/{id}/events/{event}/why", get(why::get))
        .route("/issues/{id}/tags", get(tags::get))
        .route("/issues/{id}/merge", post(merge::with))
        .route("/issues/{id}/merged", get(merged::get))
        .route("/issues/{id}/split", post(merged::split))
        .route("/issues/{id}/{verb}", post(act::one))
        .route("/events/{event}", get(show::locate))
}
