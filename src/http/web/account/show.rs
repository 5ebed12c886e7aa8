//! The page.

use askama::Template;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;
use time::OffsetDateTime;

use crate::domain::token::{DEFAULT_SCOPES, SCOPES};
use crate::domain::user::{Theme, User};
use crate::http::Doors;
use crate::http::web::layout::{self, Shell, Tab};
use crate::http::web::page_error::PageError;
use crate::http::web::signed_in::SignedIn;
use crate::store;
use crate::store::tokens::Token;

#[derive(Template)]
#[template(path = "pages/account/show.html")]
struct Page {
    shell: Shell,
    me: User,
    themes: [(Theme, &'static str); 3],
    scopes: Vec<(&'static str, bool)>,
    tokens: Vec<Token>,
    sessions: Vec<Session>,
    said: Said,
}

struct Session {
    browser: String,
    address: String,
    last_used_at: OffsetDateTime,
    is_this: bool,
}

/// What the page says about the form that was just sent.
#[derive(Default)]
pub struct Said {
    /// What is wrong with the present password.
    pub current_error: String,
    /// What is wrong with the new password.
    pub new_error: String,
    /// What is wrong with the token.
    pub token_error: String,
    /// A token that was just made: shown once.
    pub new_token: String,
}

/// Shows the page.
pub async fn get(State(doors): State<Doors>, me: SignedIn) -> Result<Html<String>, PageError> {
    page(&doors, &me, Said::default()).await
}

/// The page again, with what is wrong, as 422.
pub async fn refused(doors: &Doors, me: &SignedIn, said: Said) -> Result<Response, PageError> {
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page(doors, me, said).await?).into_response())
}

/// The page with what was said.
pub async fn page(doors: &Doors, me: &SignedIn, said: Said) -> Result<Html<String>, PageError> {
    let shell = Shell { here: "/account".to_owned(), ..Shell::load(doors, me, Tab::Other).await? };
    let sessions = store::sessions::list(&doors.db, me.user.id, shell.now).await?;
    layout::html(&Page {
        me: me.user.clone(),
        themes: [(Theme::Auto, "Like the system"), (Theme::Light, "Light"), (Theme::Dark, "Dark")],
        scopes: SCOPES.iter().map(|scope| (*scope, DEFAULT_SCOPES.contains(scope))).collect(),
        tokens: store::tokens::list(&doors.db, me.user.id).await?,
        sessions: sessions
            .into_iter()
            .map(|row| Session {
                browser: browser(&row.user_agent),
                address: row.address,
                last_used_at: row.last_used_at,
                is_this: row.token_hash == me.session,
            })
            .collect(),
        said,
        shell,
    })
}

/// `Firefox on macOS`; what is not known is said as it was sent, cut short.
fn browser(user_agent: &str) -> String {
    let first = |known: &[(&str, &'static str)]| known.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name);
    let program = first(&[("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari")]);
    let system = first(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (program, system) {
        (Some(program), Some(system)) => format!("{program} on {system}"),
        (Some(program), None) => program.to_owned(),
        _ if user_agent.is_empty() => "A browser that does not say what it is".to_owned(),
        _ => user_agent.chars().take(60).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_named_as_people_name_them() {
        let edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36 Edg/130.0";
        assert_eq!(browser(edge), "Edge on Windows");
        assert_eq!(browser("Mozilla/5.0 (Macintosh; Intel Mac OS X 14.7; rv:132.0) Gecko/20100101 Firefox/132.0"), "Firefox on macOS");
        assert_eq!(browser("curl/8.5.0"), "curl/8.5.0");
        assert_eq!(browser(""), "A browser that does not say what it is");
    }
}
