//! Signing out elsewhere.

use axum::extract::State;
use axum::response::Response;

use crate::actions::sessions;
use crate::http::Doors;
use crate::http::web::flash::{self, Note};
use crate::http::web::page_error::PageError;
use crate::http::web::signed_in::SignedIn;

/// Ends every session but this one.
pub async fn end_others(State(doors): State<Doors>, me: SignedIn) -> Result<Response, PageError> {
    let note = match sessions::end_others(&doors.db, me.user.id, &me.session).await? {
        0 => "You are signed in nowhere else.".to_owned(),
        1 => "1 other browser is signed out.".to_owned(),
        ended => format!("{ended} other browsers are signed out."),
    };
    Ok(flash::redirect(&doors, "/account#sessions", Note::ok(note)))
}
