//! Trying dead letters again, or dropping them.

use axum::extract::{Path, State};
use axum::response::Response;

use crate::actions::dead_letters::{self, Which};
use crate::http::Doors;
use crate::http::web::flash::{self, Note};
use crate::http::web::format;
use crate::http::web::page_error::PageError;
use crate::http::web::signed_in::SignedIn;

/// One again.
pub async fn retry(State(doors): State<Doors>, me: SignedIn, Path(id): Path<i64>) -> Result<Response, PageError> {
    again(&doors, &me, Which::One(id)).await
}

/// All again.
pub async fn retry_all(State(doors): State<Doors>, me: SignedIn) -> Result<Response, PageError> {
    again(&doors, &me, Which::All).await
}

/// Drops one.
pub async fn drop(State(doors): State<Doors>, me: SignedIn, Path(id): Path<i64>) -> Result<Response, PageError> {
    away(&doors, &me, Which::One(id)).await
}

/// Drops all.
pub async fn drop_all(State(doors): State<Doors>, me: SignedIn) -> Result<Response, PageError> {
    away(&doors, &me, Which::All).await
}

async fn again(doors: &Doors, me: &SignedIn, which: Which) -> Result<Response, PageError> {
    me.must_administer()?;
    let count = found(which, dead_letters::retry(&doors.db, &doors.clock, which).await?)?;
    let text = format!("{} tried again. What fails again stays here, with its reason.", is_being(count));
    Ok(flash::redirect(doors, "/admin#dead", Note::ok(text)))
}

async fn away(doors: &Doors, me: &SignedIn, which: Which) -> Result<Response, PageError> {
    me.must_administer()?;
    let count = found(which, dead_letters::drop(&doors.db, which).await?)?;
    Ok(flash::redirect(doors, "/admin#dead", Note::ok(format!("{} dropped.", format::many(count, "dead letter was", "dead letters were")))))
}

fn found(which: Which, count: u64) -> Result<u64, PageError> {
    if count == 0 && matches!(which, Which::One(_)) { Err(PageError::NotFound) } else { Ok(count) }
}

fn is_being(count: u64) -> String {
    format::many(count, "dead letter is being", "dead letters are being")
}
