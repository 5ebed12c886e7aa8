//! `/setup?token=…`: the first owner. Only for the holder of the link, and only while there is no user; otherwise 404.

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;
use http::StatusCode;
use serde::Deserialize;

use crate::actions::sessions::Client;
use crate::actions::setup::{self, Owner, SetupError};
use crate::domain::user::Theme;
use crate::http::Doors;
use crate::http::web::client::ClientInfo;
use crate::http::web::page_error::PageError;
use crate::http::web::projects::new::sentence;
use crate::http::web::signed_in::Visit;
use crate::http::web::{cookies, layout};

#[derive(Template)]
#[template(path = "pages/setup.html")]
struct Page<'a> {
    theme: Theme,
    token: &'a str,
    name: &'a str,
    email: &'a str,
    email_error: String,
    password_error: String,
    base_url: &'a str,
    sends_mail: bool,
}

/// The link.
#[derive(Deserialize)]
pub struct Link {
    #[serde(default)]
    token: String,
}

/// The form.
#[derive(Deserialize)]
pub struct Fields {
    #[serde(default)]
    token: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
}

/// Shows the form.
pub async fn get(State(doors): State<Doors>, visit: Visit, Query(link): Query<Link>) -> Result<Response, PageError> {
    if !setup::is_open(&doors.db, &doors.clock, &link.token).await? {
        return Err(PageError::NotFound);
    }
    draw(&doors, &visit, &Fields { token: link.token, name: String::new(), email: String::new(), password: String::new() }, None)
}

/// Creates the owner, signs in, and goes on to the first project.
pub async fn post(State(doors): State<Doors>, client: ClientInfo, visit: Visit, Form(fields): Form<Fields>) -> Result<Response, PageError> {
    let from = Client { user_agent: &client.user_agent, address: &client.address };
    let owner = Owner { name: &fields.name.replace('\0', ""), email: &fields.email.replace('\0', ""), password: &fields.password };
    match setup::complete(&doors.db, &doors.clock, &fields.token, &owner, &from).await {
        Ok(token) => {
            let jar = CookieJar::new().add(cookies::session(&doors, token));
            Ok((jar, Redirect::to("/projects/new")).into_response())
        }
        Err(SetupError::Closed) => Err(PageError::NotFound),
        Err(SetupError::Internal(error)) => Err(error.into()),
        Err(refused) => {
            // Only the holder of the link may learn that the form is there.
            if !setup::is_open(&doors.db, &doors.clock, &fields.token).await? {
                return Err(PageError::NotFound);
            }
            draw(&doors, &visit, &fields, Some(&refused))
        }
    }
}

fn draw(doors: &Doors, visit: &Visit, fields: &Fields, refused: Option<&SetupError>) -> Result<Response, PageError> {
    let page = Page {
        theme: visit.theme,
        token: &fields.token,
        name: &fields.name,
        email: &fields.email,
        email_error: refused.filter(|e| matches!(e, SetupError::Email(_))).map(|e| sentence(&e.to_string())).unwrap_or_default(),
        password_error: refused.filter(|e| matches!(e, SetupError::Password(_))).map(|e| sentence(&e.to_string())).unwrap_or_default(),
        base_url: &doors.config.url,
        sends_mail: doors.config.mail.smtp_url.is_some(),
    };
    let status = if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok((status, layout::html(&page)?).into_response())
}
