//! `/projects/new`.

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use serde::Deserialize;

use crate::actions::projects::{self, CreateProjectError};
use crate::domain::project::PLATFORMS;
use crate::http::Doors;
use crate::http::web::layout::{self, Shell, Tab};
use crate::http::web::page_error::PageError;
use crate::http::web::signed_in::SignedIn;
use crate::store;

#[derive(Template)]
#[template(path = "pages/projects/new.html")]
struct Page {
    shell: Shell,
    platforms: &'static [(&'static str, &'static str)],
    platform: String,
    name: String,
    error: String,
    first: bool,
}

/// The form.
#[derive(Deserialize)]
pub struct Fields {
    #[serde(default)]
    name: String,
    #[serde(default)]
    platform: String,
}

/// Shows the form.
pub async fn get(State(doors): State<Doors>, me: SignedIn) -> Result<Response, PageError> {
    me.must_administer()?;
    draw(&doors, &me, Fields { name: String::new(), platform: "django".to_owned() }, String::new()).await
}

/// Makes the project and goes on to its setup.
pub async fn post(State(doors): State<Doors>, me: SignedIn, Form(fields): Form<Fields>) -> Result<Response, PageError> {
    me.must_administer()?;
    match projects::create(&doors.db, &doors.clock, &fields.name, None, &fields.platform, Some(me.user.id)).await {
        Ok(new) => Ok(Redirect::to(&format!("/{}/setup", new.project.slug)).into_response()),
        Err(CreateProjectError::Internal(error)) => Err(error.into()),
        Err(refused) => draw(&doors, &me, fields, sentence(&refused.to_string())).await,
    }
}

async fn draw(doors: &Doors, me: &SignedIn, fields: Fields, error: String) -> Result<Response, PageError> {
    let shell = Shell::load(doors, me, Tab::Projects).await?;
    let first = store::projects::list_visible(&doors.db, &me.user).await?.is_empty();
    let status = if error.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = Page { shell, platforms: PLATFORMS, platform: fields.platform, name: fields.name, error, first };
    Ok((status, layout::html(&page)?).into_response())
}

/// The text of an error as a sentence.
pub fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", chars.as_str().trim_end_matches('.'))
}
