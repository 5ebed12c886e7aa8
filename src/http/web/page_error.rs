//! What went wrong, as a page. The text says what is safe and what to do; the detail goes to the log under a short reference.
//! Nothing here needs the database: [`super::dress`] draws the page.

use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use rand::RngCore as _;

use crate::store;

/// Why a page cannot be shown.
#[derive(Debug)]
pub enum PageError {
    /// Not signed in: on to the sign-in page, which leads back to this path.
    SignIn(String),
    /// No such thing, or nothing this person may know of.
    NotFound,
    /// It was there; the text says what became of it.
    NotKept(String),
    /// They may know of it and not do this; the text says who can.
    Forbidden(String),
    /// The request makes no sense; the text says why.
    BadRequest(String),
    /// The database does not answer.
    Unavailable(String),
    /// A fault of ours; the text is for the log.
    Internal(String),
}

impl PageError {
    /// Whoever may look and not touch tried to change something.
    pub fn read_only() -> Self {
        Self::Forbidden("Your role is read only. An owner or an admin can change it under Members.".to_owned())
    }
}

impl From<anyhow::Error> for PageError {
    fn from(error: anyhow::Error) -> Self {
        let text = format!("{error:#}");
        match error.chain().find_map(|cause| cause.downcast_ref::<sqlx::Error>()) {
            Some(cause) if store::is_away(cause) => Self::Unavailable(text),
            Some(cause) if store::took_too_long(cause) => {
                tracing::warn!("a search was ended: {text}");
                Self::BadRequest("This search took too long and was ended. Search in one project, or for something rarer.".to_owned())
            }
            _ => Self::Internal(text),
        }
    }
}

impl From<sqlx::Error> for PageError {
    fn from(error: sqlx::Error) -> Self {
        anyhow::Error::from(error).into()
    }
}

impl From<askama::Error> for PageError {
    fn from(error: askama::Error) -> Self {
        Self::Internal(format!("drawing a page: {error}"))
    }
}

/// What the error page says. Carried in the response until the page is drawn.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Title of the page.
    pub title: String,
    /// One or two sentences.
    pub text: String,
    /// Key into the log; '' where nothing was logged.
    pub reference: String,
}

impl Fault {
    /// The page for a status that carries no text of its own.
    pub fn of(status: StatusCode) -> Self {
        let (title, text) = match status {
            StatusCode::NOT_FOUND => (
                "There is no such page",
                "The issue may have been deleted or merged into another, or the address is mistyped. Or it belongs to a project you cannot see.",
            ),
            StatusCode::METHOD_NOT_ALLOWED => ("There is no such page", "This address only takes forms. Go back and try again from there."),
            StatusCode::FORBIDDEN => ("You cannot do this", "Ask an owner or an admin of this instance."),
            StatusCode::SERVICE_UNAVAILABLE => (
                "Back in a moment",
                "The database does not answer. Events are still taken and kept in the spool. This page tries again every 10 seconds.",
            ),
            status if status.is_client_error() => ("Bugle could not read this request", "Go back, check what you entered and try again."),
            _ => ("Bugle itself broke", "Your events are safe: what was accepted is kept in the spool until it is stored."),
        };
        Self { title: title.to_owned(), text: text.to_owned(), reference: String::new() }
    }

    /// Another site sent this form.
    pub fn cross_site() -> Self {
        Self {
            title: "This request came from another site".to_owned(),
            text: "Nothing was changed. If you meant to do this, open the page in Bugle and try again. Behind a proxy, it must pass Host and Origin on, or BUGLE_URL must be the address in your browser.".to_owned(),
            reference: String::new(),
        }
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Self::SignIn(path) => return Redirect::to(&super::next::login_for(&path)).into_response(),
            Self::NotFound => (StatusCode::NOT_FOUND, None),
            Self::NotKept(text) => (StatusCode::NOT_FOUND, Some(text)),
            Self::Forbidden(text) => (StatusCode::FORBIDDEN, Some(text)),
            Self::BadRequest(text) => (StatusCode::BAD_REQUEST, Some(text)),
            Self::Unavailable(detail) => return logged(StatusCode::SERVICE_UNAVAILABLE, &detail),
            Self::Internal(detail) => return logged(StatusCode::INTERNAL_SERVER_ERROR, &detail),
        };
        let mut fault = Fault::of(status);
        fault.text = text.unwrap_or(fault.text);
        (status, axum::Extension(fault)).into_response()
    }
}

/// The page names a reference; the log has it with the detail.
fn logged(status: StatusCode, detail: &str) -> Response {
    let random = rand::rng().next_u32();
    let reference = format!("{:04x}-{:04x}", random >> 16, random & 0xffff);
    tracing::error!(reference, status = status.as_u16(), "a page failed: {detail}");
    (status, axum::Extension(Fault { reference, ..Fault::of(status) })).into_response()
}
