//! A list without issues says whether that is good news.

use time::{Duration, OffsetDateTime};

use crate::domain::ids::ProjectId;
use crate::domain::search::{Problem, Query, parse};
use crate::http::web::format;
use crate::http::web::issues::show::text::cut;
use crate::store::{self, Db};

use super::params::{DEFAULT_QUERY, Wanted};
use super::scope::Scope;
use super::views;

/// Most conditions that are offered to be left out.
const LOOSEN_MAX: usize = 5;

/// What is said instead of a list.
pub enum Empty {
    /// Nobody has made a project, or none is theirs to see.
    NoProject,
    /// No event ever came: how old the project is, and where to read how to send one.
    Waiting {
        /// `app-android was created 4 min ago.`
        text: String,
        /// Its set-up page; empty for several projects.
        setup: String,
    },
    /// Nothing is unresolved.
    Quiet {
        /// Why that can be believed.
        text: String,
        /// Where the resolved ones are.
        resolved: String,
    },
    /// The search finds nothing.
    NoMatch {
        /// How many there would be.
        text: String,
        /// Searches with one condition less.
        loosen: Vec<Loosened>,
        /// The list without a search.
        clear: String,
    },
}

/// The search without one of its conditions.
pub struct Loosened {
    /// What would be left out, and what it would bring.
    pub label: String,
    /// Where it leads.
    pub href: String,
}

/// Chooses what to say.
pub async fn load(db: &Db, scope: &Scope, wanted: &Wanted, query: Result<&Query, &Problem>, now: OffsetDateTime) -> sqlx::Result<Empty> {
    let projects = scope.ids();
    if projects.is_empty() {
        return Ok(Empty::NoProject);
    }
    if scope.projects.iter().all(|project| project.first_event_at.is_none()) {
        return Ok(waiting(scope, now));
    }
    if wanted.query == DEFAULT_QUERY {
        let resolved = wanted.with_query(&scope.base, "is:resolved");
        return Ok(Empty::Quiet { text: quiet(db, scope, &projects, now).await?, resolved });
    }
    let unresolved = parse(DEFAULT_QUERY, now).expect("the default is written in the language");
    let count = views::count(db, &projects, &unresolved).await?;
    let text = match count {
        0 => format!("No issue is unresolved in {}.", scope.name),
        1 => format!("1 issue is unresolved in {}.", scope.name),
        count => format!("{} issues are unresolved in {}.", views::capped(count), scope.name),
    };
    let loosen = match query {
        Ok(query) => loosened(db, scope, &projects, wanted, query, now).await?,
        Err(_) => Vec::new(),
    };
    Ok(Empty::NoMatch { text, loosen, clear: scope.base.clone() })
}

fn waiting(scope: &Scope, now: OffsetDateTime) -> Empty {
    match scope.projects.as_slice() {
        [only] if scope.single => Empty::Waiting {
            text: format!("{} was created {}.", only.name, format::ago(now, only.created_at)),
            setup: format!("/{}/setup", only.slug),
        },
        _ => Empty::Waiting { text: "None of your projects has sent an event yet.".to_owned(), setup: String::new() },
    }
}

/// When the last event came, and when an SDK last reported at all: silence must be believable.
async fn quiet(db: &Db, scope: &Scope, projects: &[ProjectId], now: OffsetDateTime) -> sqlx::Result<String> {
    let last_event = scope.projects.iter().filter_map(|project| project.last_event_at).max();
    let last_report = store::facets::last_report_hour(db, projects).await?;
    let event = last_event.map(|at| format!(" The last event came {}", format::ago(now, at))).unwrap_or_default();
    // Reports are kept by the hour, so the end of the hour is the latest moment it can have been.
    let report = last_report.map(|hour| (hour + Duration::HOUR).min(now).max(last_event.unwrap_or(hour)));
    let report = match report {
        Some(at) if now - at < Duration::HOUR => "; an SDK reported in within the last hour, so silence is real.".to_owned(),
        Some(at) => format!("; no SDK has reported in for {}, so look whether the application still runs.", format::span(now - at)),
        None => ".".to_owned(),
    };
    Ok(format!("No unresolved issue in {}.{event}{report}", scope.name))
}

async fn loosened(
    db: &Db,
    scope: &Scope,
    projects: &[ProjectId],
    wanted: &Wanted,
    query: &Query,
    now: OffsetDateTime,
) -> sqlx::Result<Vec<Loosened>> {
    let mut loosened = Vec::new();
    if query.terms.len() < 2 {
        return Ok(loosened);
    }
    for (n, term) in query.terms.iter().enumerate().take(LOOSEN_MAX) {
        let rest = query.without(n);
        let Ok(parsed) = parse(&rest, now) else { continue };
        let count = views::count(db, projects, &parsed).await?;
        let found = if count == 1 { "1 issue".to_owned() } else { format!("{} issues", views::capped(count)) };
        loosened.push(Loosened { label: format!("{} → {found}", cut(&term.source, 60)), href: wanted.with_query(&scope.base, &rest) });
    }
    Ok(loosened)
}
