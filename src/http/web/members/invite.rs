//! Inviting somebody, sending it again, taking it back.

use axum::extract::{Path, RawForm, State};
use axum::response::{IntoResponse, Response};

use crate::actions::invitations::{self, InviteError};
use crate::domain::ids::{ProjectId, UserId};
use crate::domain::user::Role;
use crate::http::Doors;
use crate::http::web::flash::{self, Note};
use crate::http::web::members::list::{Said, page, refused};
use crate::http::web::page_error::PageError;
use crate::http::web::projects::new::sentence;
use crate::http::web::signed_in::SignedIn;
use crate::store;

/// Invites. The answer is the page itself, with the link: it is a secret, so it is in no cookie and no address.
pub async fn send(State(doors): State<Doors>, me: SignedIn, RawForm(form): RawForm) -> Result<Response, PageError> {
    me.must_administer()?;
    let (mut email, mut role, mut slugs) = (String::new(), None, Vec::new());
    for (key, value) in url::form_urlencoded::parse(&form) {
        match &*key {
            "email" => email = value.replace('\0', ""),
            "role" => role = Role::parse(&value),
            "project" => slugs.push(value.replace('\0', "")),
            _ => {}
        }
    }
    let mut projects: Vec<ProjectId> = Vec::new();
    for slug in slugs {
        projects.push(store::projects::find_visible(&doors.db, &slug, &me.user).await?.ok_or(PageError::NotFound)?.id);
    }
    let role = role.unwrap_or(Role::Member);
    match invitations::invite(&doors.db, &doors.clock, &doors.config.url, &me.user, &email, role, &projects).await {
        Ok(link) => Ok(page(&doors, &me, Said { link, ..Said::default() }).await?.into_response()),
        Err(InviteError::Internal(error)) => Err(error.into()),
        Err(wrong) => refused(&doors, &me, Said { error: sentence(&wrong.to_string()), email, ..Said::default() }).await,
    }
}

/// Sends a new link in place of the old one.
pub async fn renew(State(doors): State<Doors>, me: SignedIn, Path(id): Path<i64>) -> Result<Response, PageError> {
    me.must_administer()?;
    match invitations::renew(&doors.db, &doors.clock, &doors.config.url, &me.user, UserId(id)).await {
        Ok(link) => Ok(page(&doors, &me, Said { link, ..Said::default() }).await?.into_response()),
        Err(InviteError::Internal(error)) => Err(error.into()),
        Err(wrong) => Ok(flash::redirect(&doors, "/members", Note::bad(sentence(&wrong.to_string())))),
    }
}

/// Takes it back.
pub async fn withdraw(State(doors): State<Doors>, me: SignedIn, Path(id): Path<i64>) -> Result<Response, PageError> {
    me.must_administer()?;
    let note = match invitations::withdraw(&doors.db, &me.user, UserId(id)).await {
        Ok(()) => Note::ok("The invitation is withdrawn; its link does not work any more."),
        Err(InviteError::Internal(error)) => return Err(error.into()),
        Err(wrong) => Note::bad(sentence(&wrong.to_string())),
    };
    Ok(flash::redirect(&doors, "/members", note))
}
