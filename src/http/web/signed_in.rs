//! Who is asking. A handler that takes [`SignedIn`] is only reached with a valid session.

use std::sync::atomic::Ordering;

use axum::extract::FromRequestParts;
use axum_extra::extract::CookieJar;
use http::Method;
use http::request::Parts;

use crate::actions;
use crate::domain::user::{Theme, User};
use crate::http::Doors;
use crate::http::web::flash::Note;
use crate::http::web::page_error::PageError;
use crate::http::web::{cookies, dress};

/// What the request itself says, whoever asks.
#[derive(Clone, Debug)]
pub struct Visit {
    /// From the cookie.
    pub theme: Theme,
    /// The note for this page.
    pub note: Option<Note>,
    /// Path and query of this page.
    pub path: String,
}

/// Somebody with a valid session.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// Key of the session.
    pub session: Vec<u8>,
    /// See [`Visit`].
    pub visit: Visit,
}

impl SignedIn {
    /// May see and change every project and the people; else a 403 that says who can.
    pub fn must_administer(&self) -> Result<(), PageError> {
        if self.user.role.may_administer() {
            return Ok(());
        }
        Err(PageError::Forbidden("Owners and admins of this instance can do this. Ask one of them.".to_owned()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        let jar = CookieJar::from_headers(&parts.headers);
        Ok(Self {
            theme: jar.get(cookies::THEME).map_or(Theme::Auto, |cookie| Theme::parse(cookie.value())),
            note: jar.get(cookies::NOTE).and_then(|cookie| Note::from_cookie(cookie.value())),
            path: parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        })
    }
}

impl FromRequestParts<Doors> for SignedIn {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, PageError> {
        let Ok(visit) = Visit::from_request_parts(parts, doors).await;
        let jar = CookieJar::from_headers(&parts.headers);
        let found = match jar.get(cookies::SESSION) {
            Some(cookie) => actions::sessions::resume(&doors.db, &doors.clock, cookie.value()).await?,
            None => None,
        };
        match found {
            Some(found) => {
                if let Some(dress::Extended(extended)) = parts.extensions.get() {
                    extended.fetch_or(found.extended, Ordering::Relaxed);
                }
                Ok(Self { user: found.user, session: found.token_hash, visit })
            }
            // A form cannot be sent again by following a link, so it leads back to the start.
            None if parts.method != Method::GET => Err(PageError::SignIn("/".to_owned())),
            None => Err(PageError::SignIn(visit.path)),
        }
    }
}
