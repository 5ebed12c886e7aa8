//! `/admin/mail/{id}`: one mail as text.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{Html, Response};

use crate::actions;
use crate::domain::ids::MailId;
use crate::domain::user::{Role, User};
use crate::http::Doors;
use crate::http::web::flash::{self, Note};
use crate::http::web::layout::{self, Shell, Tab};
use crate::http::web::page_error::PageError;
use crate::http::web::signed_in::SignedIn;
use crate::store::mails::{self, MailRow};

/// A part of the text: a line, and whether it is an address of ours to click.
struct Line {
    text: String,
    link: bool,
}

#[derive(Template)]
#[template(path = "pages/mails/show.html")]
struct Page {
    shell: Shell,
    mail: MailRow,
    /// `None`: it holds a one-time link and is not for this reader.
    lines: Option<Vec<Line>>,
    may_send: bool,
}

/// Shows the mail.
pub async fn get(State(doors): State<Doors>, me: SignedIn, Path(id): Path<i64>) -> Result<Html<String>, PageError> {
    me.must_administer()?;
    let mail = mails::find(&doors.db, MailId(id)).await?.ok_or(PageError::NotFound)?;
    let text = if may_read(&me.user, &mail) { mails::find_text(&doors.db, mail.id).await? } else { None };
    let lines = text.map(|text| lines(&text, &doors.config.url));
    let has_server = doors.config.mail.smtp_url.is_some();
    layout::html(&Page {
        may_send: mail.state == "failed" || (mail.state == "kept" && has_server),
        lines,
        mail,
        shell: Shell::load(&doors, &me, Tab::Instance).await?,
    })
}

/// Queues it again.
pub async fn retry(State(doors): State<Doors>, me: SignedIn, Path(id): Path<i64>) -> Result<Response, PageError> {
    me.must_administer()?;
    let note = if actions::mails::retry(&doors.db, &doors.clock, MailId(id)).await? {
        Note::ok("The mail is queued again.")
    } else {
        Note::warn("This mail is neither failed nor kept, so there is nothing to send again.")
    };
    Ok(flash::redirect(&doors, "/admin/mail", note))
}

/// Mails about the installation hold one-time links: with one, an admin could become an owner. Only owners read them.
fn may_read(reader: &User, mail: &MailRow) -> bool {
    mail.project_id.is_some() || reader.role == Role::Owner
}

fn lines(text: &str, base_url: &str) -> Vec<Line> {
    let own = |line: &str| {
        line.strip_prefix(base_url).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) && !line.contains(char::is_whitespace)
    };
    text.lines().map(|line| Line { link: own(line), text: line.to_owned() }).collect()
}
