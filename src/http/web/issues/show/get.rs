//! Which event of an issue is asked for, and in which form.

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::Deserialize;

use crate::domain::event_id::EventId;
use crate::http::Doors;
use crate::http::web::format;
use crate::http::web::issues::address;
use crate::http::web::issues::find::{self, Found};
use crate::http::web::layout;
use crate::http::web::page_error::PageError;
use crate::http::web::signed_in::SignedIn;
use crate::protocol::event::{self, Event};
use crate::store;
use crate::store::event_reads::{self, Stored};
use crate::store::payload::library::OpenError;

use super::stack::Wanted;
use super::{page, plain};

/// What the page shows more of.
#[derive(Debug, Default, Deserialize)]
pub struct Params {
    frames: Option<String>,
    exc: Option<usize>,
    crumbs: Option<String>,
}

/// The parameters as understood.
pub struct Options {
    /// `?frames=all`
    pub frames: Wanted,
    /// `?exc=`
    pub member: Option<usize>,
    /// `?crumbs=all`
    pub all_crumbs: bool,
}

impl From<Params> for Options {
    fn from(params: Params) -> Self {
        let all = |value: Option<String>| value.as_deref() == Some("all");
        Self { frames: if all(params.frames) { Wanted::All } else { Wanted::App }, member: params.exc, all_crumbs: all(params.crumbs) }
    }
}

/// An event with its content.
pub struct Opened {
    /// What the columns say.
    pub stored: Stored,
    /// What was sent, normalized.
    pub event: Event<'static>,
    /// The JSON as stored.
    pub json: Vec<u8>,
}

/// Why there is no event to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// Never stored, past its retention, or of another issue.
    NotKept,
    /// It is there, but not what it takes to unpack it.
    Unreadable,
}

/// `GET /issues/{id}`: the recommended event.
pub async fn issue(
    State(doors): State<Doors>,
    me: SignedIn,
    Path(id): Path<String>,
    Query(params): Query<Params>,
) -> Result<Response, PageError> {
    let found = find::visible(&doors, me, &id).await?;
    if found.moved {
        return Ok(Redirect::to(&address::issue(found.issue.id)).into_response());
    }
    let recommended = event_reads::recommended(&doors.db, found.issue.project_id, found.issue.id).await?;
    let opened = match recommended {
        Some(event_id) => open(&doors, &found, event_id).await?,
        None => Err(Absent::NotKept),
    };
    let page = page::load(&doors, found, opened, recommended, params.into()).await?;
    Ok(layout::html(&page)?.into_response())
}

/// `GET /issues/{id}/events/{event}`: by id, or `oldest`, `latest`, `recommended`; `.json` and `.txt` for other readers.
pub async fn event(
    State(doors): State<Doors>,
    me: SignedIn,
    Path((id, raw)): Path<(String, String)>,
    Query(params): Query<Params>,
) -> Result<Response, PageError> {
    let found = find::visible(&doors, me, &id).await?;
    if found.moved {
        return Ok(Redirect::to(&format!("{}/events/{}", address::issue(found.issue.id), address::encoded(&raw))).into_response());
    }
    let (name, form) = raw.rsplit_once('.').unwrap_or((&raw, "html"));
    let opened = match named(&doors, &found, name).await? {
        Some(event_id) => open(&doors, &found, event_id).await?,
        None => Err(Absent::NotKept),
    };
    match (form, opened) {
        ("json", Ok(opened)) => Ok(([(CONTENT_TYPE, "application/json")], opened.json).into_response()),
        ("txt", Ok(opened)) => Ok(text(&doors, &found, &opened)),
        ("html", opened) | ("json" | "txt", opened @ Err(Absent::Unreadable)) => html(&doors, found, opened, params).await,
        _ => Err(PageError::NotFound),
    }
}

async fn html(doors: &Doors, found: Found, opened: Result<Opened, Absent>, params: Params) -> Result<Response, PageError> {
    let status = match &opened {
        Ok(_) => StatusCode::OK,
        Err(Absent::NotKept) => StatusCode::NOT_FOUND,
        Err(Absent::Unreadable) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let recommended = event_reads::recommended(&doors.db, found.issue.project_id, found.issue.id).await?;
    let page = page::load(doors, found, opened, recommended, params.into()).await?;
    Ok((status, layout::html(&page)?).into_response())
}

fn text(doors: &Doors, found: &Found, opened: &Opened) -> Response {
    let url = format!("{}/issues/{}/events/{}", doors.config.url, found.issue.short_id(), opened.stored.summary.event_id);
    let message = page::message(&found.issue, Some(&opened.event));
    let text = plain::text(&found.issue, &opened.event, &message, &url);
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

/// `GET /events/{event}`: an id from a log, without its issue.
pub async fn locate(State(doors): State<Doors>, me: SignedIn, Path(raw): Path<String>) -> Result<Redirect, PageError> {
    let event_id = EventId::parse(&raw).map_err(|_| PageError::NotFound)?;
    for (project, issue) in event_reads::locate(&doors.db, event_id).await? {
        if store::projects::find_visible_by_id(&doors.db, project, &me.user).await?.is_some() {
            return Ok(Redirect::to(&format!("/issues/{issue}/events/{event_id}")));
        }
    }
    Err(not_kept(&doors, &me, event_id).await?)
}

/// An SDK shows the id of its event to people, who must not be told that there was none.
async fn not_kept(doors: &Doors, me: &SignedIn, event_id: EventId) -> Result<PageError, PageError> {
    for (project, at) in event_reads::arrivals(&doors.db, event_id).await? {
        if let Some(project) = store::projects::find_visible_by_id(&doors.db, project, &me.user).await? {
            let (name, at) = (project.name, format::exact(at));
            return Ok(PageError::NotKept(format!(
                "The event arrived in {name} on {at} and was counted. Its details are not kept: of a spike only some events are stored, and \
                 old ones are removed to keep within the limits of space."
            )));
        }
    }
    Ok(PageError::NotFound)
}

/// An event of this issue by id or name, if it is kept and can be unpacked.
pub async fn open_named(doors: &Doors, found: &Found, name: &str) -> Result<Option<Opened>, PageError> {
    match named(doors, found, name).await? {
        Some(event_id) => Ok(open(doors, found, event_id).await?.ok()),
        None => Ok(None),
    }
}

async fn named(doors: &Doors, found: &Found, name: &str) -> Result<Option<EventId>, PageError> {
    let (project, issue) = (found.issue.project_id, found.issue.id);
    Ok(match name {
        "oldest" => event_reads::oldest(&doors.db, project, issue).await?,
        "latest" => event_reads::latest(&doors.db, project, issue).await?,
        "recommended" => event_reads::recommended(&doors.db, project, issue).await?,
        id => Some(EventId::parse(id).map_err(|_| PageError::NotFound)?),
    })
}

/// Reads an event of this issue. One that cannot be unpacked does not keep the rest of the issue from being shown.
async fn open(doors: &Doors, found: &Found, event_id: EventId) -> Result<Result<Opened, Absent>, PageError> {
    let stored = event_reads::find(&doors.db, found.issue.project_id, event_id).await?;
    let Some(stored) = stored.filter(|stored| stored.summary.issue_id == found.issue.id) else { return Ok(Err(Absent::NotKept)) };
    let json = match doors.library.open(&doors.db, stored.project_id, stored.dictionary_id, &stored.payload).await {
        Ok(json) => json,
        Err(OpenError::Database(error)) => return Err(error.into()),
        Err(problem) => {
            tracing::error!(project.id = stored.project_id.0, "event {event_id} cannot be unpacked: {problem}");
            return Ok(Err(Absent::Unreadable));
        }
    };
    let event = event::from_stored(&json).map_err(anyhow::Error::from)?;
    Ok(Ok(Opened { stored, event, json }))
}
