//! Lists of events: of an issue, of a project.

use axum::extract::{OriginalUri, Path, State};
use axum::response::Response;
use serde_json::Value;
use time::OffsetDateTime;

use super::super::auth::{Caller, Scope};
use super::super::error::ApiError;
use super::super::lookup;
use super::super::page::{Ask, Cursor, Neighbours, Page};
use super::super::params::Params;
use super::{basics, open, show};
use crate::domain::event_id::EventId;
use crate::http::Doors;
use crate::store::event_pages::{self, From};
use crate::store::event_reads::{Place, Stored};

/// `GET issues/{issue}/events/`
pub async fn of_issue(
    State(doors): State<Doors>,
    caller: Caller,
    Path(issue): Path<String>,
    OriginalUri(uri): OriginalUri,
    params: Params,
) -> Result<Response, ApiError> {
    let viewer = caller.require(Scope::Events)?;
    let issue = lookup::issue(&doors, viewer, &issue).await?;
    let ask = Ask::read(&params)?;
    let from = from(&ask)?;
    let events = event_pages::of_issue(&doors.db, issue.project_id, issue.id, from, one_more(&ask)).await?;
    answer(&doors, events, from, uri.path(), &params, &ask).await
}

/// `GET organizations/{org}/issues/{issue}/events/`
pub async fn of_issue_in_organization(
    doors: State<Doors>,
    caller: Caller,
    Path((org, issue)): Path<(String, String)>,
    uri: OriginalUri,
    params: Params,
) -> Result<Response, ApiError> {
    caller.require(Scope::Events)?;
    lookup::organization(&org)?;
    of_issue(doors, caller, Path(issue), uri, params).await
}

/// `GET projects/{org}/{project}/events/`
pub async fn of_project(
    State(doors): State<Doors>,
    caller: Caller,
    Path((org, slug)): Path<(String, String)>,
    OriginalUri(uri): OriginalUri,
    params: Params,
) -> Result<Response, ApiError> {
    let viewer = caller.require(Scope::Events)?;
    let project = lookup::project_of(&doors, viewer, &org, &slug).await?;
    let ask = Ask::read(&params)?;
    let from = from(&ask)?;
    let events = match event_pages::hours_of_project(&doors.db, project.id, from, one_more(&ask)).await? {
        Some(hours) => event_pages::of_project(&doors.db, project.id, from, hours, one_more(&ask)).await?,
        None => Vec::new(),
    };
    answer(&doors, events, from, uri.path(), &params, &ask).await
}

/// The one too many only says that there is more.
fn one_more(ask: &Ask) -> i64 {
    i64::try_from(ask.limit).unwrap_or(i64::MAX - 1) + 1
}

async fn answer(doors: &Doors, events: Vec<Stored>, from: From, path: &str, params: &Params, ask: &Ask) -> Result<Response, ApiError> {
    let (events, neighbours) = cut(events, from, ask.limit);
    let with_content = params.flag("full");
    let mut items = Vec::with_capacity(events.len());
    for stored in &events {
        items.push(shaped(doors, stored, with_content).await?);
    }
    Ok(Page { items, neighbours, hits: None }.answer(&format!("{}{path}", doors.config.url), params, ask))
}

async fn shaped(doors: &Doors, stored: &Stored, with_content: bool) -> Result<Value, ApiError> {
    let event = open(doors, stored).await?;
    Ok(if with_content { show::full(stored, &event) } else { basics(stored, &event) })
}

/// Takes the one too many away, at the end that is further from the place.
fn cut(mut events: Vec<Stored>, from: From, limit: usize) -> (Vec<Stored>, Neighbours) {
    let more = events.len() > limit;
    let backwards = matches!(from, From::NewerThan(_));
    if more && backwards {
        events.drain(..events.len() - limit);
    }
    events.truncate(limit);
    let (has_newer, has_older) = match from {
        From::Newest => (false, more),
        From::OlderThan(_) => (true, more),
        From::NewerThan(_) => (more, true),
    };
    let previous = events.first().filter(|_| has_newer).map(|event| cursor(event, true));
    let next = events.last().filter(|_| has_older).map(|event| cursor(event, false));
    (events, Neighbours { previous, next })
}

fn cursor(event: &Stored, backwards: bool) -> Cursor {
    let micros = event.summary.received_at.unix_timestamp_nanos() / 1_000;
    Cursor { value: micros.to_string(), item: event.summary.event_id.to_string(), backwards }
}

/// `0:100:0`, which Sentry sends where there is no next page, is a place before all events.
fn from(ask: &Ask) -> Result<From, ApiError> {
    let Some(cursor) = &ask.cursor else { return Ok(From::Newest) };
    let invalid = || ApiError::BadRequest("Invalid cursor parameter.".into());
    let micros: i64 = cursor.value.parse().ok().filter(|micros| *micros >= 0).ok_or_else(invalid)?;
    let received_at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000).map_err(|_| invalid())?;
    let event_id = match EventId::parse(&cursor.item) {
        Ok(id) => id,
        Err(_) if micros == 0 => EventId(uuid::Uuid::nil()),
        Err(_) => return Err(invalid()),
    };
    let place = Place { received_at, event_id };
    Ok(if cursor.backwards { From::NewerThan(place) } else { From::OlderThan(place) })
}
