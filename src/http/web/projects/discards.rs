//! `/{project}/settings/discards`. *Which events are dropped because somebody deleted their issue for ever?*

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{Html, Response};
use serde::Deserialize;

use crate::actions::deletions as actions;
use crate::domain::ids::IssueId;
use crate::http::Doors;
use crate::http::web::flash::{self, Note};
use crate::http::web::issues::number::Number;
use crate::http::web::issues::show::text::cut;
use crate::http::web::layout::{self, Shell, Tab};
use crate::http::web::page_error::PageError;
use crate::http::web::project_access::ProjectAccess;
use crate::store;
use crate::store::discards::{self, Discard, Place};

/// Decisions on a page.
const PAGE_LEN: usize = 50;
/// Longest title in a note, in characters.
const TITLE_LEN_MAX: usize = 120;

#[derive(Template)]
#[template(path = "pages/projects/discards.html")]
struct Page {
    shell: Shell,
    slug: String,
    name: String,
    prefix: String,
    may_work: bool,
    rows: Vec<Row>,
    newest: String,
    older: String,
}

struct Row {
    of: Discard,
    events: Number,
    dropped: Number,
}

/// Where the page begins: after a decision of this moment (microseconds since the epoch) about this issue.
#[derive(Deserialize)]
pub struct Paging {
    at: Option<i64>,
    id: Option<i64>,
}

impl Paging {
    fn place(&self) -> Result<Option<Place>, PageError> {
        let (Some(at), Some(id)) = (self.at, self.id) else { return Ok(None) };
        Ok(Some((store::moment::of_micros(at).ok_or(PageError::NotFound)?, IssueId(id))))
    }
}

/// Shows the page.
pub async fn get(State(doors): State<Doors>, access: ProjectAccess, Query(paging): Query<Paging>) -> Result<Html<String>, PageError> {
    let after = paging.place()?;
    let limit = i64::try_from(PAGE_LEN).unwrap_or(i64::MAX) + 1;
    let mut found = discards::list(&doors.db, access.project.id, after, limit).await?;
    let has_more = found.len() > PAGE_LEN;
    found.truncate(PAGE_LEN);
    let older = found
        .last()
        .filter(|_| has_more)
        .map(|last| format!("?at={}&id={}", last.discarded_at.unix_timestamp_nanos() / 1_000, last.issue_id));
    layout::html(&Page {
        slug: access.project.slug.clone(),
        name: access.project.name.clone(),
        prefix: access.project.short_prefix.clone(),
        may_work: access.me.user.role.may_work(),
        newest: after.map(|_| format!("/{}/settings/discards", access.project.slug)).unwrap_or_default(),
        older: older.unwrap_or_default(),
        rows: found.into_iter().map(row).collect(),
        shell: Shell::for_project(&doors, &access, Tab::Settings).await?,
    })
}

fn row(of: Discard) -> Row {
    Row { events: of.event_count.into(), dropped: of.dropped_count.into(), of }
}

/// `POST /{project}/settings/discards/{discard}/accept`: events are taken again.
pub async fn accept(
    State(doors): State<Doors>,
    access: ProjectAccess,
    Path((slug, issue)): Path<(String, i64)>,
) -> Result<Response, PageError> {
    access.must_work()?;
    let title = actions::accept_again(&doors.db, &access.me.user, access.project.id, IssueId(issue)).await?.ok_or(PageError::NotFound)?;
    let text = format!("Events of “{}” are accepted again. The next one founds a new issue.", cut(&title, TITLE_LEN_MAX));
    Ok(flash::redirect(&doors, &format!("/{slug}/settings/discards"), Note::ok(text)))
}
