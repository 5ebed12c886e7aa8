//! The note after an action: it travels in a cookie from the 303 to the next page, which shows it once.

use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::http::Doors;
use crate::http::web::{cookies, next};

/// What happened, said on top of the next page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Note {
    /// `ok`, `warn` or `bad`: the class of the note.
    pub tone: Tone,
    /// One sentence.
    pub text: String,
    /// Where a POST takes it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<String>,
}

/// Colour and shape of a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tone {
    /// It is done.
    Ok,
    /// Look at it.
    Warn,
    /// It did not work.
    Bad,
}

impl Tone {
    /// The class.
    pub fn class(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }
}

impl Note {
    /// It is done.
    pub fn ok(text: impl Into<String>) -> Self {
        Self { tone: Tone::Ok, text: text.into(), undo: None }
    }

    /// Look at it.
    pub fn warn(text: impl Into<String>) -> Self {
        Self { tone: Tone::Warn, text: text.into(), undo: None }
    }

    /// It did not work.
    pub fn bad(text: impl Into<String>) -> Self {
        Self { tone: Tone::Bad, text: text.into(), undo: None }
    }

    /// Offers to take it back with a POST to `path`.
    pub fn with_undo(mut self, path: impl Into<String>) -> Self {
        self.undo = Some(path.into());
        self
    }

    /// Reads the cookie. Whatever is not a note of ours, or leads elsewhere, is no note.
    pub fn from_cookie(value: &str) -> Option<Self> {
        let note: Self = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(value).ok()?).ok()?;
        note.undo.as_deref().is_none_or(next::is_own_path).then_some(note)
    }

    fn to_cookie(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).expect("two strings and a word are always JSON"))
    }
}

/// 303 to `path`, where the note is shown.
pub fn redirect(doors: &Doors, path: &str, note: Note) -> Response {
    let jar = CookieJar::new().add(cookies::note(doors, note.to_cookie()));
    (jar, Redirect::to(path)).into_response()
}
