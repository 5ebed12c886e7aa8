//! One's own API tokens.

use axum::extract::{Path, RawForm, State};
use axum::response::{IntoResponse, Response};

use crate::actions::tokens::{self, CreateError};
use crate::domain::ids::TokenId;
use crate::http::Doors;
use crate::http::web::account::show::{Said, page, refused};
use crate::http::web::flash::{self, Note};
use crate::http::web::page_error::PageError;
use crate::http::web::signed_in::SignedIn;

/// Makes a token and shows it, this once: the answer is the page itself, so that the secret is in no cookie and no address.
pub async fn create(State(doors): State<Doors>, me: SignedIn, RawForm(form): RawForm) -> Result<Response, PageError> {
    let (mut name, mut scopes) = (String::new(), Vec::new());
    for (key, value) in url::form_urlencoded::parse(&form) {
        match &*key {
            "name" => name = value.replace('\0', ""),
            "scope" => scopes.push(value.into_owned()),
            _ => {}
        }
    }
    match tokens::create(&doors.db, &doors.clock, me.user.id, &name, &scopes).await {
        Ok(new_token) => Ok(page(&doors, &me, Said { new_token, ..Said::default() }).await?.into_response()),
        Err(CreateError::Internal(error)) => Err(error.into()),
        Err(wrong @ CreateError::Invalid(_)) => refused(&doors, &me, Said { token_error: wrong.to_string(), ..Said::default() }).await,
    }
}

/// Revokes one.
pub async fn revoke(State(doors): State<Doors>, me: SignedIn, Path(id): Path<i64>) -> Result<Response, PageError> {
    if !tokens::revoke(&doors.db, me.user.id, TokenId(id)).await? {
        return Err(PageError::NotFound);
    }
    Ok(flash::redirect(&doors, "/account#tokens", Note::ok("The token is revoked. What uses it is refused from now on.")))
}
