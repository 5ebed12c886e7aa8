//! Name and theme.

use axum::Form;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;
use serde::Deserialize;

use crate::actions::users;
use crate::domain::user::Theme;
use crate::http::Doors;
use crate::http::web::flash::{self, Note};
use crate::http::web::page_error::PageError;
use crate::http::web::signed_in::SignedIn;
use crate::http::web::{cookies, next};

/// The form of the page.
#[derive(Deserialize)]
pub struct Profile {
    #[serde(default)]
    name: String,
    #[serde(default)]
    theme: String,
}

/// The buttons of the account menu.
#[derive(Deserialize)]
pub struct Choice {
    #[serde(default)]
    theme: String,
    next: Option<String>,
}

/// Saves name and theme.
pub async fn save(State(doors): State<Doors>, me: SignedIn, Form(fields): Form<Profile>) -> Result<Response, PageError> {
    let theme = Theme::parse(&fields.theme);
    users::change_profile(&doors.db, &me.user, &fields.name, theme).await?;
    let jar = CookieJar::new().add(cookies::theme(&doors, theme));
    Ok((jar, flash::redirect(&doors, "/account", Note::ok("Saved."))).into_response())
}

/// Changes the theme and stays on the page.
pub async fn theme(State(doors): State<Doors>, me: SignedIn, Form(choice): Form<Choice>) -> Result<Response, PageError> {
    let theme = Theme::parse(&choice.theme);
    users::change_theme(&doors.db, me.user.id, theme).await?;
    let jar = CookieJar::new().add(cookies::theme(&doors, theme));
    Ok((jar, Redirect::to(next::or_home(choice.next.as_deref()))).into_response())
}
