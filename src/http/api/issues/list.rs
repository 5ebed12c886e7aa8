//! Lists of issues, searched like the list in the browser.

use axum::extract::{OriginalUri, Path, State};
use axum::response::Response;

use super::super::auth::{Caller, Scope};
use super::super::error::ApiError;
use super::super::lookup;
use super::super::page::{self, Ask, Neighbours, Page};
use super::super::params::Params;
use super::shaped_many;
use crate::domain::ids::ProjectId;
use crate::domain::search::{self, Pattern, Query, Seen, Term, Test};
use crate::http::Doors;
use crate::store::issue_search::{self, Cursor, Sort};

/// What is listed when no `query` is sent. An empty one asks for everything.
const DEFAULT_QUERY: &str = "is:unresolved";

/// `GET projects/{org}/{project}/issues/`
pub async fn of_project(
    State(doors): State<Doors>,
    caller: Caller,
    Path((org, slug)): Path<(String, String)>,
    OriginalUri(uri): OriginalUri,
    params: Params,
) -> Result<Response, ApiError> {
    let viewer = caller.require(Scope::Events)?;
    let project = lookup::project_of(&doors, viewer, &org, &slug).await?;
    list(&doors, &[project.id], uri.path(), &params).await
}

/// `GET organizations/{org}/issues/`
pub async fn of_organization(
    State(doors): State<Doors>,
    caller: Caller,
    Path(org): Path<String>,
    OriginalUri(uri): OriginalUri,
    params: Params,
) -> Result<Response, ApiError> {
    let viewer = caller.require(Scope::Events)?;
    lookup::organization(&org)?;
    let projects = lookup::chosen_projects(&doors, viewer, &params).await?;
    list(&doors, &projects, uri.path(), &params).await
}

async fn list(doors: &Doors, projects: &[ProjectId], path: &str, params: &Params) -> Result<Response, ApiError> {
    let ask = Ask::read(params)?;
    let query = query(doors, params)?;
    let sort = params.filled("sort").and_then(Sort::parse).unwrap_or_default();
    let cursor = ask.cursor.as_ref().map(|cursor| place(cursor).ok_or_else(|| ApiError::BadRequest("Invalid cursor parameter.".into())));
    let found = issue_search::search(&doors.db, projects, &query, sort, cursor.transpose()?.as_ref(), ask.limit).await?;
    let hits = issue_search::count(&doors.db, projects, &query, page::HITS_MAX).await?;
    let items = shaped_many(doors, &found.issues).await?;
    let neighbours = Neighbours { previous: found.newer.as_ref().and_then(shown), next: found.older.as_ref().and_then(shown) };
    Ok(Page { items, neighbours, hits: Some(hits) }.answer(&format!("{}{path}", doors.config.url), params, &ask))
}

/// The search of `query`, narrowed by `environment`, `release` and `statsPeriod`.
fn query(doors: &Doors, params: &Params) -> Result<Query, ApiError> {
    let now = doors.clock.now();
    let text = params.get("query").unwrap_or(DEFAULT_QUERY);
    let mut query = search::parse(text, now).map_err(|problem| ApiError::BadRequest(problem.message))?;
    let mut narrow = |test: Test| query.terms.push(Term { negated: false, test, source: String::new() });
    let patterns = |name: &str| params.all(name).take(search::VALUES_MAX).map(Pattern::new).collect::<Vec<_>>();
    for (name, test) in [("environment", Test::Environment as fn(Vec<Pattern>) -> Test), ("release", Test::Release)] {
        let patterns = patterns(name);
        if !patterns.is_empty() {
            narrow(test(patterns));
        }
    }
    if let Some(period) = params.period()? {
        narrow(Test::Seen(Seen::Last, Some(now - period), None));
    }
    Ok(query)
}

/// The search's cursor in the three parts of the Web API.
fn shown(cursor: &Cursor) -> Option<page::Cursor> {
    let text = cursor.to_string();
    let (key, id) = text.trim_start_matches('-').split_once('.')?;
    Some(page::Cursor { value: key.to_owned(), item: id.to_owned(), backwards: cursor.backwards })
}

fn place(cursor: &page::Cursor) -> Option<Cursor> {
    Cursor::parse(&format!("{}{}.{}", if cursor.backwards { "-" } else { "" }, cursor.value, cursor.item))
}
