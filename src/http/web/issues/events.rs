//! All events of an issue: is it the same for everybody?

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Html;
use serde::Deserialize;
use time::OffsetDateTime;

use crate::domain::event_id::EventId;
use crate::http::Doors;
use crate::http::web::format;
use crate::http::web::issues::find;
use crate::http::web::issues::list::heading;
use crate::http::web::issues::show::text::cut;
use crate::http::web::layout::{self, Shell, Tab};
use crate::http::web::page_error::PageError;
use crate::http::web::signed_in::SignedIn;
use crate::store;
use crate::store::event_reads::{self, Place, Summary};

/// Events on a page.
const PAGE_SIZE: usize = 50;

/// Place in the table: `before` leads to newer events, `after` to older ones.
#[derive(Debug, Default, Deserialize)]
pub struct Params {
    after: Option<String>,
    before: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/issues/events.html")]
struct Page {
    shell: Shell,
    id: i64,
    short_id: String,
    base: String,
    kind: String,
    retention_days: u32,
    thins: bool,
    total: String,
    /// `512`: how many of them were stored; '' where all were.
    stored: String,
    /// `environment production`: what is the same in every row.
    same: Vec<String>,
    columns: Columns,
    rows: Vec<Row>,
    newer: String,
    older: String,
}

/// Columns that differ between the rows.
struct Columns {
    title: bool,
    transaction: bool,
    environment: bool,
    release: bool,
}

struct Row {
    occurred_at: OffsetDateTime,
    event_id: String,
    short_id: String,
    title: String,
    transaction: String,
    user: String,
    environment: String,
    release: String,
}

/// `GET /issues/{id}/events`
pub async fn get(
    State(doors): State<Doors>,
    me: SignedIn,
    Path(id): Path<String>,
    Query(params): Query<Params>,
) -> Result<Html<String>, PageError> {
    let found = find::visible(&doors, me, &id).await?;
    let shell = Shell::for_project(&doors, &found.access, Tab::Issues).await?;
    let issue = found.issue;
    let limit = i64::try_from(PAGE_SIZE + 1).unwrap_or(i64::MAX);
    let (before, after) = (params.before.as_deref().and_then(place), params.after.as_deref().and_then(place));
    let mut events = match before {
        Some(place) => event_reads::list_newer(&doors.db, issue.project_id, issue.id, place, limit).await?,
        None => event_reads::list(&doors.db, issue.project_id, issue.id, after, limit).await?,
    };
    let more = events.len() > PAGE_SIZE;
    match before {
        Some(_) if more => drop(events.remove(0)),
        _ => events.truncate(PAGE_SIZE),
    }
    let address =
        |key: &str, event: Option<&Summary>| event.map(|event| format!("/issues/{id}/events?{key}={}", cursor(event))).unwrap_or_default();
    let (has_newer, has_older) = if before.is_some() { (more, true) } else { (after.is_some(), more) };
    let page = Page {
        id: issue.id.0,
        short_id: issue.short_id(),
        base: format!("/{}/issues", issue.project_slug),
        kind: cut(&heading(&issue).0, 200),
        retention_days: store::retention::days_of(&doors.db, issue.project_id, doors.config.retention_days).await?,
        thins: doors.config.max_storage_bytes.is_some(),
        total: format::many(issue.event_count, "event", "events"),
        stored: issue.stored_count().map(format::grouped).unwrap_or_default(),
        newer: address("before", events.first().filter(|_| has_newer)),
        older: address("after", events.last().filter(|_| has_older)),
        columns: columns(&events),
        same: same(&events),
        rows: events.iter().map(row).collect(),
        shell,
    };
    layout::html(&page)
}

/// `microseconds-eventid`
fn cursor(event: &Summary) -> String {
    format!("{}-{}", event.received_at.unix_timestamp_nanos() / 1_000, event.event_id)
}

fn place(raw: &str) -> Option<Place> {
    let (micros, id) = raw.split_once('-')?;
    let received_at = store::moment::of_micros(micros.parse().ok()?)?;
    Some(Place { received_at, event_id: EventId::parse(id).ok()? })
}

fn differs<T: PartialEq>(events: &[Summary], of: impl Fn(&Summary) -> T) -> bool {
    events.windows(2).any(|pair| of(&pair[0]) != of(&pair[1]))
}

fn columns(events: &[Summary]) -> Columns {
    Columns {
        title: differs(events, |event| event.title.clone()),
        transaction: differs(events, |event| event.transaction.clone()),
        environment: differs(events, |event| event.environment.clone()),
        release: differs(events, |event| event.release.clone()),
    }
}

/// A column with one value is a part of the sentence on top.
fn same(events: &[Summary]) -> Vec<String> {
    let Some(first) = events.first().filter(|_| events.len() > 1) else { return Vec::new() };
    let columns = columns(events);
    let fields = [(columns.transaction, &first.transaction), (columns.environment, &first.environment), (columns.release, &first.release)];
    fields.into_iter().filter(|(differs, _)| !differs).filter_map(|(_, value)| Some(cut(value.as_deref()?, 80))).collect()
}

fn row(event: &Summary) -> Row {
    let text = |value: &Option<String>| value.as_deref().map(|value| cut(value, 120)).unwrap_or_default();
    let event_id = event.event_id.to_string();
    Row {
        occurred_at: event.occurred_at,
        short_id: event_id[..8].to_owned(),
        event_id,
        title: cut(&event.title, 160),
        transaction: text(&event.transaction),
        user: text(&event.user_label),
        environment: text(&event.environment),
        release: text(&event.release),
    }
}
