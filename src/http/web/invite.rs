//! `/invite/{token}`: accepting an invitation.

use axum::Form;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use http::StatusCode;
use serde::Deserialize;

use crate::actions::invitations;
use crate::actions::sessions::Client;
use crate::http::Doors;
use crate::http::web::client::ClientInfo;
use crate::http::web::flash::{self, Note};
use crate::http::web::login::host;
use crate::http::web::page_error::PageError;
use crate::http::web::reset::ChoosePage;
use crate::http::web::signed_in::Visit;
use crate::http::web::{cookies, layout};

/// The form.
#[derive(Deserialize)]
pub struct Fields {
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
}

/// Shows the form.
pub async fn get(State(doors): State<Doors>, visit: Visit, Path(token): Path<String>) -> Result<Response, PageError> {
    draw(&doors, &visit, &token, String::new(), String::new()).await
}

/// Joins, and signs in.
pub async fn post(
    State(doors): State<Doors>,
    client: ClientInfo,
    visit: Visit,
    Path(token): Path<String>,
    Form(fields): Form<Fields>,
) -> Result<Response, PageError> {
    let from = Client { user_agent: &client.user_agent, address: &client.address };
    let name = fields.name.replace('\0', "");
    match invitations::accept(&doors.db, &doors.clock, &token, &name, &fields.password, &from).await? {
        Ok(Some(session)) => {
            let jar = CookieJar::new().add(cookies::session(&doors, session));
            Ok((jar, flash::redirect(&doors, "/projects", Note::ok("Welcome to Bugle."))).into_response())
        }
        Ok(None) => Ok(stale(&doors)),
        Err(weak) => draw(&doors, &visit, &token, name, weak.to_string()).await,
    }
}

async fn draw(doors: &Doors, visit: &Visit, token: &str, name: String, error: String) -> Result<Response, PageError> {
    let Some(invited) = invitations::find(&doors.db, &doors.clock, token).await? else { return Ok(stale(doors)) };
    let status = if error.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = ChoosePage {
        theme: visit.theme,
        title: "Join Bugle",
        intro: format!("You were invited as {}. Choose a password, and you are in.", invited.email),
        action: format!("/invite/{token}"),
        email: invited.email,
        name: Some(name),
        error,
        verb: "Join",
        host: host(doors),
    };
    Ok((status, layout::html(&page)?).into_response())
}

fn stale(doors: &Doors) -> Response {
    let text = "That invitation was used already, withdrawn, or is too old. Ask who invited you for a new one.";
    flash::redirect(doors, "/login", Note::warn(text))
}
