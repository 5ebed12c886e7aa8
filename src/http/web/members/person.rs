//! Role and access of somebody.

use axum::Form;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;

use crate::actions::users::{self, ChangeOtherError};
use crate::domain::ids::UserId;
use crate::domain::user::Role;
use crate::http::Doors;
use crate::http::web::flash::{self, Note};
use crate::http::web::page_error::PageError;
use crate::http::web::signed_in::SignedIn;

/// The role.
#[derive(Deserialize)]
pub struct Fields {
    #[serde(default)]
    role: String,
}

/// Changes the role.
pub async fn change_role(
    State(doors): State<Doors>,
    me: SignedIn,
    Path(id): Path<i64>,
    Form(fields): Form<Fields>,
) -> Result<Response, PageError> {
    me.must_administer()?;
    let role = Role::parse(&fields.role).ok_or_else(|| PageError::BadRequest("There is no such role.".to_owned()))?;
    let done = users::change_role(&doors.db, &me.user, UserId(id), role).await;
    back(&doors, done, &format!("The role is {} now.", role.label()))
}

/// Takes access away.
pub async fn disable(State(doors): State<Doors>, me: SignedIn, Path(id): Path<i64>) -> Result<Response, PageError> {
    me.must_administer()?;
    let done = users::disable(&doors.db, &doors.clock, &me.user, UserId(id)).await;
    back(&doors, done, "They are signed out everywhere, and get no more mail.")
}

/// Gives it back.
pub async fn enable(State(doors): State<Doors>, me: SignedIn, Path(id): Path<i64>) -> Result<Response, PageError> {
    me.must_administer()?;
    let done = users::enable(&doors.db, &me.user, UserId(id)).await;
    back(&doors, done, "They can sign in again.")
}

fn back(doors: &Doors, done: Result<(), ChangeOtherError>, text: &str) -> Result<Response, PageError> {
    let note = match done {
        Ok(()) => Note::ok(text),
        Err(ChangeOtherError::Internal(error)) => return Err(error.into()),
        Err(ChangeOtherError::Gone) => return Err(PageError::NotFound),
        Err(refused) => Note::bad(refused.to_string()),
    };
    Ok(flash::redirect(doors, "/members", note))
}
