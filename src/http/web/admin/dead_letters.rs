//! Trying dead letters again, or dropping them.

use axum::Form;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;

use crate::actions::dead_letters::{self, Which};
use crate::http::Doors;
use crate::http::web::flash::{self, Note};
use crate::http::web::format;
use crate::http::web::page_error::PageError;
use crate::http::web::signed_in::SignedIn;
use crate::store;

/// One again.
pub async fn retry(State(doors): State<Doors>, me: SignedIn, Path(id): Path<i64>) -> Result<Response, PageError> {
    again(&doors, &me, Which::One(id)).await
}

/// All of a project again, or all.
pub async fn retry_all(State(doors): State<Doors>, me: SignedIn, Form(wanted): Form<Wanted>) -> Result<Response, PageError> {
    let which = wanted.which(&doors).await?;
    again(&doors, &me, which).await
}

/// Drops one.
pub async fn drop(State(doors): State<Doors>, me: SignedIn, Path(id): Path<i64>) -> Result<Response, PageError> {
    away(&doors, &me, Which::One(id)).await
}

/// Drops all of a project, or all.
pub async fn drop_all(State(doors): State<Doors>, me: SignedIn, Form(wanted): Form<Wanted>) -> Result<Response, PageError> {
    let which = wanted.which(&doors).await?;
    away(&doors, &me, which).await
}

/// Of which project; '' for all.
#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    project: String,
}

impl Wanted {
    /// A project that is not there has no letters to act on; it never means all.
    async fn which(&self, doors: &Doors) -> Result<Which, PageError> {
        if self.project.is_empty() {
            return Ok(Which::All);
        }
        let found = store::projects::find_by_slug(&doors.db, &self.project.replace('\0', "")).await?;
        found.map(|project| Which::Of(project.id)).ok_or(PageError::NotFound)
    }
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
