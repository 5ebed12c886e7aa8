//! The issue list: what should I look at first?

mod empty;
mod facets;
mod params;
mod pulse;
mod row;
mod scope;
mod views;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use time::{Duration, OffsetDateTime};

use crate::domain::event_id::EventId;
use crate::domain::search::{self, Problem};
use crate::http::Doors;
use crate::http::web::layout::{self, Shell, Tab};
use crate::http::web::page_error::PageError;
use crate::http::web::project_access::ProjectAccess;
use crate::http::web::projects::limits;
use crate::http::web::signed_in::SignedIn;
use crate::store::issue_reads::Issue;
use crate::store::issue_search::{self, Sort};
use crate::store::{self, Db};

use empty::Empty;
use facets::Facet;
use params::{Params, Period, Wanted};
use pulse::Pulse;
use row::Row;
use scope::Scope;
use views::View;

pub use row::heading;

/// Issues on a page.
const PAGE_SIZE: usize = 25;

#[derive(Template)]
#[template(path = "pages/issues/list.html")]
struct Page {
    shell: Shell,
    scope: Scope,
    wanted: Wanted,
    problem: Option<ProblemNote>,
    /// Events are being refused; '' where they are not.
    refused: String,
    views: Vec<View>,
    facets: Vec<Facet>,
    pulse: Option<Pulse>,
    rows: Vec<Row>,
    /// `48 issues`
    total: String,
    /// All that match, where the page does not show them all.
    all_matching: Option<String>,
    may_work: bool,
    reopens: bool,
    newer: String,
    older: String,
    empty: Option<Empty>,
}

/// What could not be understood, with a link to what was probably meant.
struct ProblemNote {
    message: String,
    suggestion: Option<(String, String)>,
}

/// `GET /{project}/issues`
pub async fn of_project(State(doors): State<Doors>, access: ProjectAccess, Query(params): Query<Params>) -> Result<Response, PageError> {
    let shell = Shell::for_project(&doors, &access, Tab::Issues).await?;
    page(&doors, shell, Scope::of_project(access.project), params).await
}

/// `GET /issues`
pub async fn of_all(State(doors): State<Doors>, me: SignedIn, Query(params): Query<Params>) -> Result<Response, PageError> {
    let projects = store::projects::list_visible(&doors.db, &me.user).await?;
    let shell = Shell::load(&doors, &me, Tab::Issues).await?;
    page(&doors, shell, Scope::of_all(projects), params).await
}

async fn page(doors: &Doors, shell: Shell, scope: Scope, params: Params) -> Result<Response, PageError> {
    let (db, now) = (&doors.db, doors.clock.now());
    let wanted = Wanted::from(params);
    if let Ok(event_id) = EventId::parse(&wanted.query) {
        return Ok(Redirect::to(&format!("/events/{event_id}")).into_response());
    }
    let projects = scope.ids();
    let tags = store::facets::tag_keys(db, &projects).await?;
    let parsed = understood(&wanted.query, &tags, now);
    let found = match &parsed {
        Ok(query) => issue_search::search(db, &projects, query, wanted.sort, wanted.cursor.as_ref(), PAGE_SIZE).await?,
        Err(_) => issue_search::Page { issues: Vec::new(), older: None, newer: None },
    };
    let total = match &parsed {
        Ok(query) => views::count(db, &projects, query).await?,
        Err(_) => 0,
    };
    let empty = match found.issues.is_empty() {
        true => Some(empty::load(db, &scope, &wanted, parsed.as_ref(), now).await?),
        false => None,
    };
    let loose = search::Query::default();
    let more_match = usize::try_from(total).is_ok_and(|total| total > found.issues.len());
    let page = Page {
        views: views::load(db, &scope.base, &projects, &wanted.query, now).await?,
        facets: facets::load(db, &scope.base, &projects, &wanted, parsed.as_ref().unwrap_or(&loose), &tags).await?,
        pulse: if empty.is_none() { pulse::load(db, &projects, now).await? } else { None },
        total: if total == 1 { "1 issue".to_owned() } else { format!("{} issues", views::capped(total)) },
        all_matching: more_match.then(|| views::capped(total)),
        may_work: shell.user.as_ref().is_some_and(|user| user.role.may_work()),
        reopens: found.issues.iter().any(row::is_closed),
        newer: found.newer.as_ref().map(|cursor| wanted.with_cursor(&scope.base, cursor)).unwrap_or_default(),
        older: found.older.as_ref().map(|cursor| wanted.with_cursor(&scope.base, cursor)).unwrap_or_default(),
        rows: rows(db, found.issues, &scope, wanted.period, now).await?,
        refused: limits::notice(db, &projects, now).await?,
        problem: parsed.err().map(|problem| note(problem, &wanted, &scope.base)),
        shell,
        scope,
        wanted,
        empty,
    };
    Ok(layout::html(&page)?.into_response())
}

/// The search, once every tag in it is known to exist.
pub fn understood(text: &str, tags: &[String], now: OffsetDateTime) -> Result<search::Query, Problem> {
    let query = search::parse(text, now)?;
    let unknown = query.tag_keys().find(|key| !tags.iter().any(|tag| tag == key));
    match unknown.map(|unknown| search::unknown_key(text, unknown, tags)) {
        Some(problem) => Err(problem),
        None => Ok(query),
    }
}

fn note(problem: Problem, wanted: &Wanted, base: &str) -> ProblemNote {
    let suggestion = problem.suggestion.map(|text| (wanted.with_query(base, &text), text));
    ProblemNote { message: problem.message, suggestion }
}

async fn rows(db: &Db, issues: Vec<Issue>, scope: &Scope, period: Period, now: OffsetDateTime) -> sqlx::Result<Vec<Row>> {
    let keys: Vec<_> = issues.iter().map(|issue| (issue.project_id, issue.id)).collect();
    let (length, count) = period.grid();
    let since = now - Duration::hours(length) * i32::try_from(count).unwrap_or(i32::MAX);
    let hours = store::chart_reads::issue_hours(db, &keys, since).await?;
    let sends_users = store::facets::sends_users(db, &scope.ids()).await?;
    let frame = row::Frame { now, period, sends_users, several: !scope.single };
    let of = |issue: &Issue| hours.get(&issue.id).map(Vec::as_slice).unwrap_or_default();
    Ok(issues.into_iter().map(|issue| Row::new(issue.clone(), of(&issue), &frame)).collect())
}

/// The sorts of the menu with their words.
const SORTS: &[(Sort, &str)] =
    &[(Sort::LastSeen, "last seen"), (Sort::FirstSeen, "first seen"), (Sort::Events, "events"), (Sort::Users, "users")];

impl Page {
    fn sort_word(&self) -> &'static str {
        SORTS.iter().find(|(sort, _)| *sort == self.wanted.sort).map_or("last seen", |(_, word)| word)
    }

    fn sort_links(&self) -> Vec<(&'static str, String, bool)> {
        SORTS.iter().map(|(sort, word)| (*word, self.wanted.with_sort(&self.scope.base, *sort), *sort == self.wanted.sort)).collect()
    }

    fn sort_link(&self, name: &str) -> String {
        self.wanted.with_sort(&self.scope.base, Sort::parse(name).unwrap_or_default())
    }

    fn sorted_by(&self, name: &str) -> bool {
        self.wanted.sort.name() == name
    }

    fn period_links(&self) -> Vec<(&'static str, String, bool)> {
        let link = |period: Period| (period.label(), self.wanted.with_period(&self.scope.base, period), period == self.wanted.period);
        Period::ALL.into_iter().map(link).collect()
    }
}
