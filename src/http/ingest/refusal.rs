//! How a request is refused: a status, `{"detail": …, "causes": […]}` and `X-Sentry-Error`, as SDKs expect.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::limiter::Silence;
use super::silence;
use crate::domain::outcome::Outcome;
use crate::protocol::auth::AuthError;
use crate::protocol::encoding::DecodeError;
use crate::protocol::envelope::EnvelopeError;

/// When to come back after a 503, in seconds. Most SDKs ignore it; those that do not are silent for so long, so it is short.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

/// Why nothing of a request was kept.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The path does not name a project by number.
    #[error("invalid project id in the address")]
    ProjectPath,
    /// No credentials, or several that disagree, or of an unknown protocol version.
    #[error(transparent)]
    Credentials(#[from] AuthError),
    /// One text for unknown keys, disabled keys, keys of other projects and projects that do not exist: no way to find out which.
    #[error("event submission rejected with_reason: ProjectId")]
    NotAllowed,
    /// Larger than a limit.
    #[error("the request is too large")]
    TooLarge(String),
    /// Not all of the body arrived in time.
    #[error("the body did not arrive in time")]
    TooSlow,
    /// The connection broke, or its framing is wrong.
    #[error("the body could not be read")]
    Unreadable,
    /// The encoding is unknown, or the body is not in it.
    #[error("invalid content encoding")]
    Encoding(String),
    /// The envelope cannot be taken apart.
    #[error("invalid envelope")]
    Envelope(#[from] EnvelopeError),
    /// Not an event.
    #[error("invalid event")]
    Event(&'static str),
    /// Reports of browsers say what they are; what says to be something else is none.
    #[error("unsupported content type")]
    ContentType(String),
    /// Every item is beyond a limit of its key or project.
    #[error("rate limited")]
    Limited(Vec<Silence>),
    /// Bugle cannot keep it now: spool, disk, memory, or an unknown key while Postgres is away.
    #[error("temporarily unable to keep events")]
    Unavailable(&'static str),
}

#[derive(Serialize)]
struct Body {
    detail: String,
    causes: Vec<String>,
}

impl From<DecodeError> for Refusal {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::TooLarge(_) => Self::TooLarge(error.to_string()),
            DecodeError::Invalid(_) | DecodeError::Unsupported(_) => Self::Encoding(error.to_string()),
        }
    }
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::Credentials(AuthError::Missing | AuthError::Disagree) => StatusCode::UNAUTHORIZED,
            Self::NotAllowed | Self::Credentials(AuthError::OtherProject) => StatusCode::FORBIDDEN,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::ContentType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Limited(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Credentials(AuthError::Version)
            | Self::ProjectPath
            | Self::Unreadable
            | Self::Encoding(_)
            | Self::Envelope(_)
            | Self::Event(_) => StatusCode::BAD_REQUEST,
        }
    }

    /// How an item ends that is refused for this reason by a project that is known; `None`: nobody knows whose it was, or it is accounted for already.
    pub fn outcome(&self) -> Option<Outcome> {
        match self {
            // What is limited is accounted for item by item, in `limits`.
            Self::ProjectPath | Self::Credentials(_) | Self::NotAllowed | Self::Limited(_) => None,
            Self::TooLarge(_) => Some(Outcome::Invalid("too_large")),
            Self::TooSlow | Self::Unreadable => Some(Outcome::Invalid("incomplete")),
            Self::Encoding(_) => Some(Outcome::Invalid("encoding")),
            Self::Envelope(_) => Some(Outcome::Invalid("framing")),
            Self::Event(_) => Some(Outcome::Invalid("no_event")),
            // Before it is known who sends.
            Self::ContentType(_) => None,
            Self::Unavailable(_) => Some(Outcome::RateLimited("unavailable")),
        }
    }

    /// What may help the one who reads the SDK's log.
    fn causes(&self) -> Vec<String> {
        match self {
            Self::NotAllowed => vec!["the key is unknown or disabled, or belongs to another project than the one in the address".into()],
            Self::TooLarge(cause) | Self::Encoding(cause) | Self::ContentType(cause) => vec![cause.clone()],
            Self::Envelope(error) => vec![error.to_string()],
            Self::Limited(silences) => silences.iter().map(silence::cause).collect(),
            Self::Event(cause) | Self::Unavailable(cause) => vec![(*cause).to_owned()],
            Self::ProjectPath | Self::Credentials(_) | Self::TooSlow | Self::Unreadable => Vec::new(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = Body { detail: self.to_string(), causes: self.causes() };
        let error = HeaderValue::from_str(&body.detail).unwrap_or(HeaderValue::from_static("refused"));
        let status = self.status();
        let mut response = (status, [("x-sentry-error", error)], Json(body)).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        if let Self::Limited(silences) = &self {
            response.headers_mut().insert(header::RETRY_AFTER, silence::retry_after(silences));
            silence::tell(silences, &mut response);
        }
        response
    }
}
