//! Who is calling: the bearer token of a person, and what it may do.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::error::ApiError;
use crate::actions;
use crate::domain::token;
use crate::domain::user::User;
use crate::http::Doors;
use crate::store::tokens::{self, Bearer};

/// Longest token that is looked up, in bytes.
const TOKEN_LEN_MAX: usize = 1_000;

/// What a request needs to be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Organizations.
    Organizations,
    /// Projects and their keys.
    Projects,
    /// Issues and events.
    Events,
    /// Changing issues.
    EventsChange,
    /// Deleting issues.
    EventsDelete,
    /// Saying something about events.
    Feedback,
}

impl Scope {
    /// The scopes of a token that include it.
    fn granted_by(self) -> &'static [&'static str] {
        match self {
            Self::Organizations => &["org:read"],
            Self::Projects => &["project:read", "project:write"],
            Self::Events => &["event:read", "event:write", "event:admin"],
            Self::EventsChange => &["event:write", "event:admin"],
            Self::EventsDelete => &["event:admin"],
            Self::Feedback => &["event:write", "event:admin", "project:write"],
        }
    }
}

/// The owner of a valid token.
pub struct Caller(Bearer);

impl Caller {
    /// Refuses tokens without the scope.
    pub fn require(&self, scope: Scope) -> Result<&User, ApiError> {
        let granted = self.0.scopes.iter().any(|held| scope.granted_by().contains(&held.as_str()));
        if granted { Ok(&self.0.user) } else { Err(ApiError::Forbidden) }
    }

    /// Who it is, whatever the token may do.
    pub fn user(&self) -> &User {
        &self.0.user
    }

    /// What the token may do.
    pub fn scopes(&self) -> &[String] {
        &self.0.scopes
    }
}

impl FromRequestParts<Doors> for Caller {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, ApiError> {
        identify(&parts.headers, doors).await?.ok_or(ApiError::Unauthorized)
    }
}

/// The caller, or nobody where no credentials were sent.
pub struct MaybeCaller(pub Option<Caller>);

impl FromRequestParts<Doors> for MaybeCaller {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, ApiError> {
        identify(&parts.headers, doors).await.map(Self)
    }
}

/// `None` without credentials; wrong ones are an error.
async fn identify(headers: &HeaderMap, doors: &Doors) -> Result<Option<Caller>, ApiError> {
    let Some(header) = headers.get(AUTHORIZATION) else { return Ok(None) };
    let token = header.to_str().ok().and_then(credential).ok_or(ApiError::Unauthorized)?;
    let bearer = tokens::find_bearer(&doors.db, &token::hash(&token)).await?.ok_or(ApiError::Unauthorized)?;
    if let Err(error) = actions::tokens::note_use(&doors.db, &doors.clock, &bearer).await {
        tracing::warn!("the use of token {} could not be noted: {error:#}", bearer.token_id);
    }
    Ok(Some(Caller(bearer)))
}

/// The token in `Bearer <token>` or `Basic base64(<token>:)`.
fn credential(header: &str) -> Option<String> {
    let (scheme, value) = header.trim().split_once(' ')?;
    let value = value.trim();
    let token = if scheme.eq_ignore_ascii_case("bearer") {
        value.to_owned()
    } else if scheme.eq_ignore_ascii_case("basic") {
        let pair = String::from_utf8(BASE64_STANDARD.decode(value).ok()?).ok()?;
        pair.split_once(':').map_or(pair.clone(), |(token, _)| token.to_owned())
    } else {
        return None;
    };
    (!token.is_empty() && token.len() <= TOKEN_LEN_MAX).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::credential;

    #[test]
    fn tokens_are_found_in_both_schemes() {
        assert_eq!(credential("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(credential("bearer  abc ").as_deref(), Some("abc"));
        assert_eq!(credential("Basic YWJjOg==").as_deref(), Some("abc"));
        for header in ["", "abc", "Bearer ", "Basic !", "DSN http://k@h/1"] {
            assert_eq!(credential(header), None, "{header:?}");
        }
    }
}
