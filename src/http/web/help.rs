//! `/help`: keys and search on one page.

use askama::Template;
use axum::extract::State;
use axum::response::Html;

use crate::http::Doors;
use crate::http::web::layout::{self, Shell, Tab};
use crate::http::web::page_error::PageError;
use crate::http::web::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "pages/help.html")]
struct Page {
    shell: Shell,
}

/// Shows the page.
pub async fn get(State(doors): State<Doors>, me: SignedIn) -> Result<Html<String>, PageError> {
    layout::html(&Page { shell: Shell::load(&doors, &me, Tab::Other).await? })
}
