//! The pages about projects: list, new, onboarding, settings.

pub mod discards;
pub mod filters;
pub mod grouping;
pub mod limits;
pub mod list;
pub mod new;
pub mod onboarding;
pub mod outcomes;
pub mod scrubbing;
pub mod settings;
pub mod test_event;

use axum::Router;
use axum::routing::{get, post};

use crate::http::Doors;

/// The sections of the first page of the settings: anchor and name.
pub const SECTIONS: &[(&str, &str)] =
    &[("general", "General"), ("keys", "Keys"), ("limits", "Limits"), ("members", "Members"), ("retention", "Retention")];
/// The other pages of the settings: path and name.
pub const PAGES: &[(&str, &str)] =
    &[("grouping", "Grouping"), ("scrubbing", "Scrubbing"), ("filters", "Filters"), ("discards", "Discarded"), ("outcomes", "Outcomes")];

/// Their routes.
pub fn routes() -> Router<Doors> {
    Router::new()
        .route("/", get(list::home))
        .route("/projects", get(list::get))
        .route("/projects/new", get(new::get).post(new::post))
        .route("/{project}", get(list::project_home))
        .route("/{project}/setup", get(onboarding::get))
        .route("/{project}/setup/first", get(onboarding::first))
        .route("/{project}/setup/arrived", get(onboarding::arrived))
        .route("/{project}/setup/test", post(onboarding::send_test))
        .route("/{project}/settings", get(settings::get).post(settings::save_general))
        .route("/{project}/settings/outcomes", get(outcomes::get))
        .route("/{project}/settings/filters", get(filters::get).post(filters::save))
        .route("/{project}/settings/discards", get(discards::get))
        .route("/{project}/settings/discards/{discard}/accept", post(discards::accept))
        .route("/{project}/settings/scrubbing", get(scrubbing::get).post(scrubbing::save))
        .route("/{project}/settings/grouping", get(grouping::get).post(grouping::post))
        .route("/{project}/settings/retention", post(settings::save_retention))
        .route("/{project}/settings/limits", post(limits::save))
        .route("/{project}/settings/keys", post(settings::create_key))
        .route("/{project}/settings/keys/{key}/limits", post(limits::save_key))
        .route("/{project}/settings/keys/{key}", post(settings::turn_key))
        .route("/{project}/settings/members", post(settings::add_member))
        .route("/{project}/settings/members/{user}/remove", post(settings::remove_member))
}
