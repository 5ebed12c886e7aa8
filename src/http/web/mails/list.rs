//! `/admin/mail`: the outbox.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{Html, Response};
use serde::Deserialize;
use time::Duration;

use crate::actions;
use crate::domain::ids::MailId;
use crate::http::Doors;
use crate::http::web::flash::{self, Note};
use crate::http::web::layout::{self, Shell, Tab};
use crate::http::web::page_error::PageError;
use crate::http::web::signed_in::SignedIn;
use crate::store::mails::{self, MailCounts, MailRow};

/// Mails on a page.
const PAGE: i64 = 50;

/// Where the list goes on.
#[derive(Deserialize)]
pub struct Paging {
    before: Option<i64>,
}

#[derive(Template)]
#[template(path = "pages/mails/list.html")]
struct Page {
    shell: Shell,
    server: Option<String>,
    from: String,
    counts: MailCounts,
    mails: Vec<MailRow>,
    older: String,
}

/// Shows the page.
pub async fn get(State(doors): State<Doors>, me: SignedIn, Query(paging): Query<Paging>) -> Result<Html<String>, PageError> {
    me.must_administer()?;
    let mut mails = mails::list(&doors.db, paging.before.map(MailId), PAGE + 1).await?;
    let mut older = String::new();
    if mails.len() > usize::try_from(PAGE).unwrap_or(usize::MAX) {
        mails.pop();
        older = mails.last().map(|last| format!("/admin/mail?before={}", last.id)).unwrap_or_default();
    }
    layout::html(&Page {
        server: doors.config.mail.smtp_url.as_deref().map(server),
        from: doors.config.mail.from.clone(),
        counts: mails::count(&doors.db, doors.clock.now() - Duration::DAY).await?,
        mails,
        older,
        shell: Shell::load(&doors, &me, Tab::Instance).await?,
    })
}

/// Queues a test mail to the reader.
pub async fn test(State(doors): State<Doors>, me: SignedIn) -> Result<Response, PageError> {
    me.must_administer()?;
    actions::mails::test(&doors.db, &doors.clock, &doors.config.url, &me.user.email, Some(me.user.id)).await?;
    let note = if doors.config.mail.smtp_url.is_some() {
        Note::ok(format!("A test mail to {} is on its way. The list below shows what the mail server says.", me.user.email))
    } else {
        Note::warn("No mail server is configured, so the test mail is kept below.")
    };
    Ok(flash::redirect(&doors, "/admin/mail", note))
}

/// Scheme, host and port; never the password.
fn server(url: &str) -> String {
    match url::Url::parse(url) {
        Ok(url) => {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
        }
        Err(_) => "configured, but not readable".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::server;

    #[test]
    fn the_password_of_the_mail_server_is_not_shown() {
        assert_eq!(server("smtp://me:secret@mail.example:587?tls=required"), "smtp://mail.example:587");
    }
}
