//! `/{project}/feedback`. *What do people say?* What nobody has taken care of first.

use std::collections::HashSet;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Html;
use serde::Deserialize;

use super::report::Report;
use crate::domain::event_id::EventId;
use crate::http::Doors;
use crate::http::web::issues::attachments;
use crate::http::web::layout::{self, Shell, Tab};
use crate::http::web::page_error::PageError;
use crate::http::web::project_access::ProjectAccess;
use crate::store;
use crate::store::feedback::reads::{self, Place, Which};

/// Reports on a page.
const PAGE: usize = 25;

/// Which reports, and where the list goes on.
#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    show: String,
    before: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/feedback/list.html")]
struct Page {
    shell: Shell,
    slug: String,
    may_work: bool,
    handled: bool,
    reports: Vec<Report>,
    newest: String,
    older: String,
    is_any: bool,
    retention_days: u32,
}

/// Shows the page.
pub async fn get(State(doors): State<Doors>, access: ProjectAccess, Query(wanted): Query<Wanted>) -> Result<Html<String>, PageError> {
    let (db, project) = (&doors.db, access.project.id);
    let (which, show) = if wanted.show == "handled" { (Which::Handled, "handled") } else { (Which::Open, "open") };
    let after = wanted.before.as_deref().and_then(place);
    let mut found = reads::list(db, project, which, after, i64::try_from(PAGE + 1).unwrap_or(i64::MAX)).await?;
    let slug = access.project.slug.clone();
    let address = format!("/{slug}/feedback?show={show}");
    let has_older = found.len() > PAGE;
    found.truncate(PAGE);
    let last = found.last().filter(|_| has_older).map(|last| cursor((last.received_at, last.feedback_id)));
    layout::html(&Page {
        may_work: access.me.user.role.may_work(),
        handled: which == Which::Handled,
        is_any: !found.is_empty() || reads::is_any(db, project).await?,
        reports: with_files(&doors, &access, found).await?,
        newest: if after.is_some() { address.clone() } else { String::new() },
        older: last.map(|last| format!("{address}&before={last}")).unwrap_or_default(),
        retention_days: store::retention::days_of(db, project, doors.config.retention_days).await?,
        shell: Shell::for_project(&doors, &access, Tab::Feedback).await?,
        slug,
    })
}

async fn with_files(doors: &Doors, access: &ProjectAccess, found: Vec<reads::Feedback>) -> Result<Vec<Report>, PageError> {
    let project = access.project.id;
    let ids: Vec<EventId> = found.iter().map(|said| said.feedback_id).collect();
    let some: HashSet<EventId> = reads::with_files(&doors.db, project, &ids).await?.into_iter().map(|(id, _)| id).collect();
    let mut reports = Vec::with_capacity(found.len());
    for said in found {
        let mut report = Report::of(said);
        if some.contains(&report.id) {
            let base = format!("/{}/feedback/{}", access.project.slug, report.id);
            report.files = attachments::rows(doors, project, report.id, &base).await?;
        }
        reports.push(report);
    }
    Ok(reports)
}

/// `1795161942791000-5803ddeb4ce742f3a8dcc33686b68a16`
fn cursor((at, id): Place) -> String {
    format!("{}-{id}", at.unix_timestamp_nanos() / 1_000)
}

fn place(raw: &str) -> Option<Place> {
    let (at, id) = raw.split_once('-')?;
    Some((store::moment::of_micros(at.parse().ok()?)?, EventId::parse(id).ok()?))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn cursors_come_back_as_they_were() {
        let here = (datetime!(2026-11-20 12:00:00.123456 UTC), EventId::random());
        assert_eq!(place(&cursor(here)), Some(here));
        for raw in ["", "1", "1-2", "x-9ec79c33ec9942ab8353589fcb2e04dc", "99999999999999999999-9ec79c33ec9942ab8353589fcb2e04dc"] {
            assert_eq!(place(raw), None, "{raw}");
        }
    }
}
