//! Files of an event: downloaded, or looked at where that is harmless.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{Html, Response};
use uuid::Uuid;

use crate::domain::attachment;
use crate::domain::event_id::EventId;
use crate::domain::ids::ProjectId;
use crate::http::Doors;
use crate::http::shared::download;
use crate::http::web::format;
use crate::http::web::issues::find;
use crate::http::web::layout::{self, Shell, Tab};
use crate::http::web::page_error::PageError;
use crate::http::web::project_access::ProjectAccess;
use crate::http::web::signed_in::SignedIn;
use crate::store::attachments::{self, Attachment};

/// Files that a page lists; the Web API has the rest.
const LISTED_MAX: usize = 100;

/// A file as pages list it.
pub struct Row {
    /// Where it is downloaded.
    pub href: String,
    /// Of the file.
    pub name: String,
    /// `Minidump`, `PNG image`, `text/csv (as sent)`.
    pub kind: String,
    /// `14.8 kB`
    pub size: String,
    /// A picture that is drawn.
    pub is_drawn: bool,
    /// Text that can be read on a page of its own.
    pub is_text: bool,
}

/// What a file belongs to, as addresses.
pub struct Owner {
    /// In front of `/attachments/…`.
    pub base: String,
    /// The page that lists it.
    pub back: String,
    /// What that page is called.
    pub title: &'static str,
}

/// The page of one file.
#[derive(Template)]
#[template(path = "pages/issues/attachment.html")]
struct Page {
    shell: Shell,
    back: String,
    title: &'static str,
    file: Row,
    text: String,
    is_cut: bool,
}

/// The files of an event; `base` is the address of what they belong to.
pub async fn rows(doors: &Doors, project: ProjectId, event: EventId, base: &str) -> sqlx::Result<Vec<Row>> {
    let files = attachments::list(&doors.db, project, event).await?;
    Ok(files.iter().take(LISTED_MAX).map(|file| row(file, base)).collect())
}

fn row(file: &Attachment, base: &str) -> Row {
    Row {
        href: format!("{base}/attachments/{}", file.attachment_id.simple()),
        name: file.name.clone(),
        kind: kind(file),
        size: format::bytes(file.byte_count),
        is_drawn: download::is_drawn(file),
        is_text: file.media_type == "text/plain",
    }
}

/// What it is, or else what its sender says it is.
fn kind(file: &Attachment) -> String {
    let label = attachment::kind_label(&file.kind);
    if !label.is_empty() {
        return label.to_owned();
    }
    match file.media_type.as_str() {
        "image/png" => "PNG image".to_owned(),
        "image/jpeg" => "JPEG image".to_owned(),
        "image/gif" => "GIF image".to_owned(),
        "image/webp" => "WebP image".to_owned(),
        "application/x-dmp" => "Minidump".to_owned(),
        _ if file.byte_count == 0 => "Empty".to_owned(),
        "text/plain" if file.content_type.is_empty() => "Text".to_owned(),
        _ if file.content_type.is_empty() => "File".to_owned(),
        _ => format!("{} (as sent)", file.content_type),
    }
}

/// `GET /issues/{id}/events/{event}/attachments/{attachment}`: saved by the browser, never opened.
pub async fn get(
    State(doors): State<Doors>,
    me: SignedIn,
    Path((id, event, file)): Path<(String, String, String)>,
) -> Result<Response, PageError> {
    let (access, event) = of_event(&doors, me, &id, &event).await?;
    save(&doors, &access, event, &file).await
}

/// `GET /issues/{id}/events/{event}/attachments/{attachment}/view`: a picture, or the beginning of a text.
pub async fn view(
    State(doors): State<Doors>,
    me: SignedIn,
    Path((id, event, file)): Path<(String, String, String)>,
) -> Result<Html<String>, PageError> {
    let (access, event) = of_event(&doors, me, &id, &event).await?;
    let base = format!("/issues/{id}/events/{event}");
    let owner = Owner { back: format!("{base}#attachments"), base, title: "Event" };
    look(&doors, &access, event, &file, Tab::Issues, owner).await
}

/// Events name their issue only to be found; what counts is that the caller may see the project. An event of another issue has no files here.
async fn of_event(doors: &Doors, me: SignedIn, issue: &str, event: &str) -> Result<(ProjectAccess, EventId), PageError> {
    let found = find::visible(doors, me, issue).await?;
    let event = EventId::parse(event).map_err(|_| PageError::NotFound)?;
    let stored = crate::store::event_reads::find(&doors.db, found.issue.project_id, event).await?;
    stored.filter(|stored| stored.summary.issue_id == found.issue.id).ok_or(PageError::NotFound)?;
    Ok((found.access, event))
}

/// The answer that a browser saves.
pub async fn save(doors: &Doors, access: &ProjectAccess, event: EventId, file: &str) -> Result<Response, PageError> {
    let project = access.project.id;
    let file = named(doors, project, event, file).await?;
    download::file(&doors.db, project, file).await?.ok_or(PageError::NotFound)
}

/// The page of a file.
pub async fn look(
    doors: &Doors,
    access: &ProjectAccess,
    event: EventId,
    file: &str,
    tab: Tab,
    Owner { base, back, title }: Owner,
) -> Result<Html<String>, PageError> {
    let project = access.project.id;
    let file = named(doors, project, event, file).await?;
    let row = row(&file, &base);
    if !row.is_drawn && !row.is_text {
        return Err(PageError::NotFound);
    }
    let text = if row.is_text { beginning(doors, project, &file).await? } else { String::new() };
    let is_cut = row.is_text && file.chunk_count > 1;
    layout::html(&Page { shell: Shell::for_project(doors, access, tab).await?, back, title, file: row, text, is_cut })
}

async fn beginning(doors: &Doors, project: ProjectId, file: &Attachment) -> Result<String, PageError> {
    let bytes = download::beginning(&doors.db, project, file).await?.ok_or(PageError::NotFound)?;
    // A piece may end within a character.
    Ok(String::from_utf8_lossy(&bytes).trim_end_matches('\u{fffd}').to_owned())
}

async fn named(doors: &Doors, project: ProjectId, event: EventId, raw: &str) -> Result<Attachment, PageError> {
    let id = Uuid::try_parse(raw).map_err(|_| PageError::NotFound)?;
    attachments::find(&doors.db, project, event, id).await?.ok_or(PageError::NotFound)
}
