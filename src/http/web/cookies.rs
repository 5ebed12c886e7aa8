//! The three cookies: session, theme, flash note.

use axum_extra::extract::cookie::{Cookie, SameSite};

use crate::domain::user::Theme;
use crate::http::Doors;

/// Holds the token of the session.
pub const SESSION: &str = "bugle_session";
/// Holds the theme, so that the first byte of a page has the right colours.
pub const THEME: &str = "bugle_theme";
/// Holds the note for the next page.
pub const NOTE: &str = "bugle_note";

/// The session, for as long as [`crate::actions::sessions::SESSION_LIFE`].
pub fn session(doors: &Doors, token: String) -> Cookie<'static> {
    let mut cookie = base(doors, SESSION, token);
    cookie.set_max_age(crate::actions::sessions::SESSION_LIFE);
    cookie
}

/// The theme, for a year.
pub fn theme(doors: &Doors, theme: Theme) -> Cookie<'static> {
    let mut cookie = base(doors, THEME, theme.name().to_owned());
    cookie.set_max_age(time::Duration::days(365));
    cookie
}

/// The note, for the next page or five minutes.
pub fn note(doors: &Doors, value: String) -> Cookie<'static> {
    let mut cookie = base(doors, NOTE, value);
    cookie.set_max_age(time::Duration::minutes(5));
    cookie
}

/// Takes a cookie away.
pub fn gone(doors: &Doors, name: &'static str) -> Cookie<'static> {
    let mut cookie = base(doors, name, String::new());
    cookie.set_max_age(time::Duration::ZERO);
    cookie
}

fn base(doors: &Doors, name: &'static str, value: String) -> Cookie<'static> {
    Cookie::build((name, value)).path("/").http_only(true).same_site(SameSite::Lax).secure(doors.config.url.starts_with("https://")).build()
}
