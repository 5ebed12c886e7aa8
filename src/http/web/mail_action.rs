//! `/a/{token}/{action}`: the buttons in mails. They work signed out, for the person the mail went to, for 14 days. GET changes nothing, since
//! mail scanners follow links: it shows one focused button.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use crate::actions;
use crate::domain::issue::Decision;
use crate::domain::mail_link::{BadLink, MailAction, MailLink};
use crate::domain::user::{Theme, User};
use crate::http::Doors;
use crate::http::web::layout;
use crate::http::web::page_error::PageError;
use crate::http::web::signed_in::Visit;
use crate::store;
use crate::store::alert_history::{self, LinkTarget};

#[derive(Template)]
#[template(path = "pages/mail_action.html")]
struct Page {
    theme: Theme,
    heading: String,
    text: String,
    /// Label of the button; `None`: nothing left to do.
    button: Option<&'static str>,
    hint: String,
    issue_path: Option<String>,
}

/// A link that may be acted on.
struct Sound {
    link: MailLink,
    user: User,
    target: LinkTarget,
}

/// Shows what the link would do.
pub async fn get(State(doors): State<Doors>, visit: Visit, Path(path): Path<(String, String)>) -> Result<Response, PageError> {
    let sound = match read(&doors, &path).await? {
        Ok(sound) => sound,
        Err(problem) => return refuse(visit.theme, problem),
    };
    let (id, project) = (&sound.target.short_id, &sound.target.project_slug);
    let (heading, text, button) = match sound.link.action {
        MailAction::Resolve => (format!("Resolve {id}?"), "You hear of it again if it comes back.", "Resolve"),
        MailAction::Mute => (format!("Mute {id}?"), "You get no more mail about it. Others still do, and it stays on the list.", "Mute"),
    };
    let page = Page {
        theme: visit.theme,
        heading,
        text: format!("{} in {project}. {text}", sound.target.title),
        button: Some(button),
        hint: format!("As {}, by the link in your mail. No sign-in needed; the link works for 14 days.", sound.user.name),
        issue_path: Some(format!("/issues/{}", sound.link.issue)),
    };
    Ok(layout::html(&page)?.into_response())
}

/// Does it. Mail programs post here for `List-Unsubscribe`, too.
pub async fn post(State(doors): State<Doors>, visit: Visit, Path(path): Path<(String, String)>) -> Result<Response, PageError> {
    let sound = match read(&doors, &path).await? {
        Ok(sound) => sound,
        Err(problem) => return refuse(visit.theme, problem),
    };
    let (link, id) = (sound.link, &sound.target.short_id);
    let (heading, text) = match link.action {
        MailAction::Resolve => {
            match actions::issues::decide(&doors.db, &doors.clock, &sound.user, &[link.issue], Decision::Resolve).await {
                Ok(_) => (format!("{id} is resolved"), "You hear of it again if it comes back."),
                Err(actions::issues::Refusal::ReadOnly) => return Err(PageError::Forbidden("Your role is read only.".to_owned())),
                Err(actions::issues::Refusal::Failed(problem)) => return Err(problem.into()),
            }
        }
        MailAction::Mute => {
            actions::alert_rules::mute(&doors.db, &doors.clock, sound.target.project_id, link.issue, link.user).await?;
            (format!("{id} is muted for you"), "You get no more mail about it. Others still do.")
        }
    };
    let page = Page {
        theme: visit.theme,
        heading,
        text: text.to_owned(),
        button: None,
        hint: String::new(),
        issue_path: Some(format!("/issues/{}", link.issue)),
    };
    Ok(layout::html(&page)?.into_response())
}

/// The outer error is ours, the inner one is about the link.
async fn read(doors: &Doors, (token, action): &(String, String)) -> Result<Result<Sound, BadLink>, PageError> {
    let action = MailAction::parse(action).ok_or(PageError::NotFound)?;
    let link = match MailLink::read(token, action, &doors.config.secret_key.0, doors.clock.now()) {
        Ok(link) => link,
        Err(problem) => return Ok(Err(problem)),
    };
    let user = store::users::find(&doors.db, link.user).await?.ok_or(PageError::NotFound)?;
    let target = alert_history::find_link_target(&doors.db, link.issue, &user).await?.ok_or(PageError::NotFound)?;
    Ok(Ok(Sound { link, user, target }))
}

fn refuse(theme: Theme, problem: BadLink) -> Result<Response, PageError> {
    let page = Page {
        theme,
        heading: "This link does not work".to_owned(),
        text: match problem {
            BadLink::Expired => "It has expired: links in mails work for 14 days. Sign in to do it.".to_owned(),
            BadLink::Forged => {
                "It was damaged on its way, or is not one of ours. Open the mail again and use the whole address.".to_owned()
            }
        },
        button: None,
        hint: String::new(),
        issue_path: None,
    };
    Ok((StatusCode::FORBIDDEN, layout::html(&page)?).into_response())
}
