//! The saved views everybody has.

use time::OffsetDateTime;

use crate::domain::ids::ProjectId;
use crate::domain::search;
use crate::http::web::issues::address;
use crate::store::{Db, issue_search};

/// Counts end here; more is written as `9,999+`.
const COUNT_MAX: i64 = 10_000;

/// Name, search, and whether it is counted: what is resolved only grows.
const VIEWS: &[(&str, &str, bool)] = &[
    ("For triage", "is:triage", true),
    ("Unresolved", "is:unresolved", true),
    ("Regressed", "is:regressed", true),
    ("Spiking", "is:unresolved is:spiking", true),
    ("New today", "is:unresolved is:new", true),
    ("Ignored", "is:ignored", true),
    ("Resolved", "is:resolved", false),
];

/// A tab above the list.
pub struct View {
    /// Its name.
    pub label: &'static str,
    /// How many issues; empty where it is not counted.
    pub count: String,
    /// Where it leads.
    pub href: String,
    /// The search is this view.
    pub current: bool,
}

/// The views with their counts.
pub async fn load(db: &Db, base: &str, projects: &[ProjectId], query: &str, now: OffsetDateTime) -> sqlx::Result<Vec<View>> {
    let mut views = Vec::new();
    for &(label, text, counted) in VIEWS {
        let parsed = search::parse(text, now).expect("the views are written in the language");
        let count = if counted { capped(issue_search::count(db, projects, &parsed, COUNT_MAX).await?) } else { String::new() };
        views.push(View { label, count, href: address::search(base, text), current: query == text });
    }
    Ok(views)
}

/// How many match, and the word for it.
pub async fn count(db: &Db, projects: &[ProjectId], query: &search::Query) -> sqlx::Result<i64> {
    issue_search::count(db, projects, query, COUNT_MAX).await
}

/// A count as written.
pub fn capped(count: i64) -> String {
    if count >= COUNT_MAX { "9,999+".to_owned() } else { crate::http::web::format::grouped(count) }
}
