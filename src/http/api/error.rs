//! Errors as the Web API's clients expect them: JSON with a `detail`.

use axum::Json;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::store;

/// Why a request is not answered.
#[derive(Debug)]
pub enum ApiError {
    /// No token, an unknown one, or one of a disabled person.
    Unauthorized,
    /// The token's scopes do not cover it.
    Forbidden,
    /// It does not exist, or the token's owner may not see it: the same to them.
    NotFound,
    /// There is no such verb here.
    MethodNotAllowed(Method),
    /// A parameter cannot be understood, in words for the caller.
    BadRequest(String),
    /// The database is away for the moment; tools try again.
    Away(anyhow::Error),
    /// A stored event cannot be unpacked, in words for the log.
    Unreadable(String),
    /// Anything else; logged, not sent.
    Internal(anyhow::Error),
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        if store::took_too_long(&error) {
            return Self::BadRequest("The search took too long and was ended; make it narrower.".to_owned());
        }
        if store::is_away(&error) { Self::Away(error.into()) } else { Self::Internal(error.into()) }
    }
}

impl ApiError {
    /// An error of the database that was given context.
    pub fn from_cause(error: anyhow::Error) -> Self {
        let is_away = error.chain().filter_map(|cause| cause.downcast_ref::<sqlx::Error>()).any(store::is_away);
        if is_away { Self::Away(error) } else { Self::Internal(error) }
    }
}

impl From<anyhow::Error> for ApiError {
    fn from(error: anyhow::Error) -> Self {
        Self::Internal(error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, detail) = match self {
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "Invalid token".to_owned()),
            Self::Forbidden => (StatusCode::FORBIDDEN, "You do not have permission to perform this action.".to_owned()),
            Self::NotFound => (StatusCode::NOT_FOUND, "The requested resource does not exist".to_owned()),
            Self::MethodNotAllowed(method) => (StatusCode::METHOD_NOT_ALLOWED, format!("Method \"{method}\" not allowed.")),
            Self::BadRequest(detail) => (StatusCode::BAD_REQUEST, detail),
            Self::Away(error) => {
                tracing::warn!("the database is away from the Web API: {error:#}");
                (StatusCode::SERVICE_UNAVAILABLE, "The database is not reachable at the moment; try again.".to_owned())
            }
            Self::Unreadable(problem) => {
                tracing::error!("the Web API was asked for what cannot be unpacked: {problem}");
                (StatusCode::INTERNAL_SERVER_ERROR, "The stored event cannot be unpacked; the server's log says why.".to_owned())
            }
            Self::Internal(error) => {
                tracing::error!("a request of the Web API failed: {error:#}");
                (StatusCode::INTERNAL_SERVER_ERROR, "Internal error".to_owned())
            }
        };
        let mut answer = (status, Json(json!({ "detail": detail }))).into_response();
        let extra = match status {
            StatusCode::UNAUTHORIZED => Some((header::WWW_AUTHENTICATE, "Bearer realm=\"api\"")),
            StatusCode::METHOD_NOT_ALLOWED => Some((header::ALLOW, "GET, HEAD")),
            StatusCode::SERVICE_UNAVAILABLE => Some((header::RETRY_AFTER, "5")),
            _ => None,
        };
        if let Some((name, value)) = extra {
            answer.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        answer
    }
}
