//! What is done with a report, and its files.

use axum::Form;
use axum::extract::{Path, State};
use axum::response::{Html, Response};
use serde::Deserialize;

use crate::actions::feedback::{self as actions, Verb};
use crate::domain::event_id::EventId;
use crate::http::Doors;
use crate::http::web::flash::{self, Note};
use crate::http::web::issues::attachments;
use crate::http::web::layout::Tab;
use crate::http::web::next;
use crate::http::web::page_error::PageError;
use crate::http::web::project_access::ProjectAccess;
use crate::store::feedback::reads;

/// Where to go afterwards.
#[derive(Deserialize)]
pub struct Ask {
    next: Option<String>,
}

/// `POST /{project}/feedback/{feedback}/{verb}`: `handle`, `reopen` or `delete`.
pub async fn post(
    State(doors): State<Doors>,
    access: ProjectAccess,
    Path((slug, raw, verb)): Path<(String, String, String)>,
    Form(ask): Form<Ask>,
) -> Result<Response, PageError> {
    access.must_work()?;
    let id = EventId::parse(&raw).map_err(|_| PageError::NotFound)?;
    let (verb, done) = match verb.as_str() {
        "handle" => (Verb::Handle, "The report is handled."),
        "reopen" => (Verb::Reopen, "The report is open again."),
        "delete" => (Verb::Delete, "The report was deleted."),
        _ => return Err(PageError::NotFound),
    };
    if !actions::change(&doors.db, &doors.clock, &access.me.user, access.project.id, id, verb).await? {
        return Err(PageError::NotFound);
    }
    let list = format!("/{slug}/feedback");
    let next = ask.next.as_deref().filter(|path| next::is_own_path(path)).unwrap_or(&list);
    Ok(flash::redirect(&doors, next, Note::ok(done)))
}

/// `GET /{project}/feedback/{feedback}/attachments/{attachment}`
pub async fn download(
    State(doors): State<Doors>,
    access: ProjectAccess,
    Path((_, raw, file)): Path<(String, String, String)>,
) -> Result<Response, PageError> {
    let id = known(&doors, &access, &raw).await?;
    attachments::save(&doors, &access, id, &file).await
}

/// `GET /{project}/feedback/{feedback}/attachments/{attachment}/view`
pub async fn view(
    State(doors): State<Doors>,
    access: ProjectAccess,
    Path((slug, raw, file)): Path<(String, String, String)>,
) -> Result<Html<String>, PageError> {
    let id = known(&doors, &access, &raw).await?;
    let place = attachments::Owner { base: format!("/{slug}/feedback/{id}"), back: format!("/{slug}/feedback"), title: "Feedback" };
    attachments::look(&doors, &access, id, &file, Tab::Feedback, place).await
}

async fn known(doors: &Doors, access: &ProjectAccess, raw: &str) -> Result<EventId, PageError> {
    let id = EventId::parse(raw).map_err(|_| PageError::NotFound)?;
    reads::find(&doors.db, access.project.id, id).await?.map(|said| said.feedback_id).ok_or(PageError::NotFound)
}
