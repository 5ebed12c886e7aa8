//! One's own password.

use axum::Form;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;

use crate::actions::users::{self, ChangePasswordError};
use crate::http::Doors;
use crate::http::web::account::show::{Said, page, refused};
use crate::http::web::flash::{self, Note};
use crate::http::web::login;
use crate::http::web::page_error::PageError;
use crate::http::web::signed_in::SignedIn;

/// The form.
#[derive(Deserialize)]
pub struct Fields {
    #[serde(default)]
    current: String,
    #[serde(default)]
    new: String,
}

/// Changes it and signs out everywhere else.
pub async fn change(State(doors): State<Doors>, me: SignedIn, Form(fields): Form<Fields>) -> Result<Response, PageError> {
    match users::change_password(&doors.db, &doors.clock, &me.user, &fields.current, &fields.new, &me.session).await {
        Ok(()) => Ok(flash::redirect(&doors, "/account", Note::ok("Your password is changed, and every other browser is signed out."))),
        Err(ChangePasswordError::Internal(error)) => Err(error.into()),
        Err(wrong @ ChangePasswordError::Current) => {
            refused(&doors, &me, Said { current_error: wrong.to_string(), ..Said::default() }).await
        }
        Err(ChangePasswordError::Wait { length }) => {
            let said = Said { current_error: login::wait(length), ..Said::default() };
            Ok((StatusCode::TOO_MANY_REQUESTS, page(&doors, &me, said).await?).into_response())
        }
        Err(wrong @ ChangePasswordError::New(_)) => refused(&doors, &me, Said { new_error: wrong.to_string(), ..Said::default() }).await,
    }
}
