//! `/reset` and `/reset/{token}`: a new password by mail.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use axum_extra::extract::CookieJar;
use http::StatusCode;
use serde::Deserialize;

use crate::actions::resets;
use crate::actions::sessions::Client;
use crate::domain::user::Theme;
use crate::http::Doors;
use crate::http::web::client::ClientInfo;
use crate::http::web::flash::{self, Note};
use crate::http::web::login::host;
use crate::http::web::page_error::PageError;
use crate::http::web::signed_in::Visit;
use crate::http::web::{cookies, layout};

#[derive(Template)]
#[template(path = "pages/reset.html")]
struct RequestPage {
    theme: Theme,
    sends_mail: bool,
    host: String,
}

/// A page where a password is chosen: after a reset or an invitation.
#[derive(Template)]
#[template(path = "pages/choose_password.html")]
pub struct ChoosePage {
    /// Of the browser.
    pub theme: Theme,
    /// What to say on top.
    pub title: &'static str,
    /// One sentence below it.
    pub intro: String,
    /// Where the form goes.
    pub action: String,
    /// For password managers.
    pub email: String,
    /// Asked for as well where it is `Some`.
    pub name: Option<String>,
    /// What is wrong with the password.
    pub error: String,
    /// What the button says.
    pub verb: &'static str,
    /// Shown against phishing.
    pub host: String,
}

/// Asks for a link.
#[derive(Deserialize)]
pub struct RequestFields {
    #[serde(default)]
    email: String,
}

/// Chooses a password.
#[derive(Deserialize)]
pub struct ChooseFields {
    #[serde(default)]
    password: String,
}

/// Shows the form that asks for a link.
pub async fn get(State(doors): State<Doors>, visit: Visit) -> Result<Html<String>, PageError> {
    layout::html(&RequestPage { theme: visit.theme, sends_mail: doors.config.mail.smtp_url.is_some(), host: host(&doors) })
}

/// Mails a link where the address has access; the answer is the same where it has not.
pub async fn post(State(doors): State<Doors>, Form(fields): Form<RequestFields>) -> Result<Response, PageError> {
    resets::request(&doors.db, &doors.clock, &doors.config.url, &fields.email).await?;
    let note = format!("If this address has an account, a link is on its way. It works for {} hours.", resets::RESET_HOURS);
    Ok(flash::redirect(&doors, "/login", Note::ok(note)))
}

/// Shows the form of a link.
pub async fn link(State(doors): State<Doors>, visit: Visit, Path(token): Path<String>) -> Result<Response, PageError> {
    draw(&doors, &visit, &token, String::new()).await
}

/// Sets the password, and signs in.
pub async fn choose(
    State(doors): State<Doors>,
    client: ClientInfo,
    visit: Visit,
    Path(token): Path<String>,
    Form(fields): Form<ChooseFields>,
) -> Result<Response, PageError> {
    let from = Client { user_agent: &client.user_agent, address: &client.address };
    match resets::complete(&doors.db, &doors.clock, &token, &fields.password, &from).await? {
        Ok(Some(session)) => {
            let jar = CookieJar::new().add(cookies::session(&doors, session));
            Ok((jar, flash::redirect(&doors, "/", Note::ok("Your password is changed, and every other browser is signed out.")))
                .into_response())
        }
        Ok(None) => Ok(stale(&doors)),
        Err(weak) => draw(&doors, &visit, &token, weak.to_string()).await,
    }
}

async fn draw(doors: &Doors, visit: &Visit, token: &str, error: String) -> Result<Response, PageError> {
    let Some(user) = resets::find(&doors.db, &doors.clock, token).await? else { return Ok(stale(doors)) };
    let status = if error.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = ChoosePage {
        theme: visit.theme,
        title: "Choose a new password",
        intro: format!("For {}. Every other browser is signed out.", user.email),
        action: format!("/reset/{token}"),
        email: user.email,
        name: None,
        error,
        verb: "Change password",
        host: host(doors),
    };
    Ok((status, layout::html(&page)?).into_response())
}

fn stale(doors: &Doors) -> Response {
    let text = "That link was used already, or is too old. Ask for a new one under “Forgot the password?”.";
    flash::redirect(doors, "/login", Note::warn(text))
}
