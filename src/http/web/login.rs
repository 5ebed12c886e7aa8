//! `/login` and `/logout`. *Am I in?*

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;
use http::StatusCode;
use serde::Deserialize;
use time::Duration;

use crate::actions;
use crate::actions::sessions::Client;
use crate::actions::sign_in::{Attempt, sign_in};
use crate::domain::user::Theme;
use crate::http::Doors;
use crate::http::web::client::ClientInfo;
use crate::http::web::flash::Note;
use crate::http::web::page_error::PageError;
use crate::http::web::signed_in::{SignedIn, Visit};
use crate::http::web::{cookies, format, layout, next};
use crate::store;

#[derive(Template)]
#[template(path = "pages/login.html")]
struct Page {
    theme: Theme,
    note: Option<Note>,
    error: String,
    email: String,
    next: String,
    host: String,
    no_user_yet: bool,
}

/// Where to go afterwards.
#[derive(Deserialize)]
pub struct Wanted {
    next: Option<String>,
}

/// The form.
#[derive(Deserialize)]
pub struct Fields {
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
    next: Option<String>,
}

/// Shows the form, or goes on where somebody is signed in already.
pub async fn get(
    State(doors): State<Doors>,
    me: Result<SignedIn, PageError>,
    visit: Visit,
    Query(wanted): Query<Wanted>,
) -> Result<Response, PageError> {
    if me.is_ok() {
        return Ok(Redirect::to(next::or_home(wanted.next.as_deref())).into_response());
    }
    Ok(form(&doors, visit, wanted.next.as_deref(), String::new(), String::new()).await?.into_response())
}

/// Signs in.
pub async fn post(
    State(doors): State<Doors>,
    client: ClientInfo,
    visit: Visit,
    jar: CookieJar,
    Form(fields): Form<Fields>,
) -> Result<Response, PageError> {
    let old_token = jar.get(cookies::SESSION).map(|cookie| cookie.value().to_owned());
    let from = Client { user_agent: &client.user_agent, address: &client.address };
    let attempt = sign_in(&doors.db, &doors.clock, &fields.email, &fields.password, old_token.as_deref(), &from).await?;
    let (status, error) = match attempt {
        Attempt::Welcome { token, user } => {
            let jar = CookieJar::new().add(cookies::session(&doors, token)).add(cookies::theme(&doors, user.theme));
            return Ok((jar, Redirect::to(next::or_home(fields.next.as_deref()))).into_response());
        }
        Attempt::Refused { tries_left } => (StatusCode::UNPROCESSABLE_ENTITY, refused(tries_left)),
        Attempt::Wait { length } => (StatusCode::TOO_MANY_REQUESTS, wait(length)),
    };
    let page = form(&doors, visit, fields.next.as_deref(), fields.email, error).await?;
    Ok((status, page).into_response())
}

/// Signs out this browser.
pub async fn logout(State(doors): State<Doors>, me: SignedIn) -> Result<Response, PageError> {
    actions::sessions::end(&doors.db, &me.session).await?;
    let jar = CookieJar::new().add(cookies::gone(&doors, cookies::SESSION));
    Ok((jar, Redirect::to("/login")).into_response())
}

async fn form(doors: &Doors, visit: Visit, next: Option<&str>, email: String, error: String) -> Result<Html<String>, PageError> {
    let no_user_yet = !store::users::any(&doors.db).await?;
    let next = next.filter(|path| next::is_own_path(path)).unwrap_or_default().to_owned();
    layout::html(&Page { theme: visit.theme, note: visit.note, error, email, next, host: host(doors), no_user_yet })
}

/// The public address without its scheme: shown against phishing.
pub fn host(doors: &Doors) -> String {
    doors.config.url.split_once("://").map_or(doors.config.url.as_str(), |(_, host)| host).to_owned()
}

fn refused(tries_left: usize) -> String {
    match tries_left {
        0 => "That email and password do not match. The next try has to wait a while.".to_owned(),
        1 => "That email and password do not match. 1 try left.".to_owned(),
        left => format!("That email and password do not match. {left} tries left."),
    }
}

/// How long the next try has to wait.
pub fn wait(length: Duration) -> String {
    // Rounded up, so that the promise holds.
    let length = if length > Duration::MINUTE { length + Duration::seconds(59) } else { length };
    format!("Too many tries. Wait {} and try again.", format::span(length))
}
