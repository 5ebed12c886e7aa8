//! What filters would have dropped of the newest events of a project. Reads at most [`EVENTS_MAX`] events by their keys, on demand.

use std::collections::HashMap;

use time::OffsetDateTime;

use crate::domain::filters::{Chosen, Filter, Filters};
use crate::domain::ids::ProjectId;
use crate::http::Doors;
use crate::http::web::page_error::PageError;
use crate::protocol::event::{self, Event};
use crate::store::event_pages::{self, From};
use crate::store::event_reads::{Place, Stored};

/// Most events that are looked at.
pub const EVENTS_MAX: i64 = 1_000;
/// Events that are read at once.
const PAGE: i64 = 200;
/// Events that are linked for each filter.
const EXAMPLES_MAX: usize = 3;

/// What was found.
pub struct Trial {
    /// Events looked at.
    pub event_count: i64,
    /// When the oldest of them arrived.
    pub oldest_at: Option<OffsetDateTime>,
    /// By filter; filters without patterns as if they were on.
    pub found: HashMap<Filter, Found>,
}

/// What one filter would have dropped.
#[derive(Default)]
pub struct Found {
    /// How many events.
    pub count: i64,
    /// Address and title of some.
    pub examples: Vec<(String, String)>,
}

/// Tries each filter on its own.
pub async fn run(doors: &Doors, project: ProjectId, chosen: &Chosen) -> Result<Trial, PageError> {
    let alone = Filter::ALL.map(|filter| (filter, Filters::of(&only(chosen, filter))));
    let tried = alone.iter().filter(|(_, filters)| filters.is_any());
    let mut trial = Trial { event_count: 0, oldest_at: None, found: tried.map(|(filter, _)| (*filter, Found::default())).collect() };
    let mut from = From::Newest;
    while trial.event_count < EVENTS_MAX {
        let Some(hours) = event_pages::hours_of_project(&doors.db, project, from, PAGE).await? else { break };
        let page = event_pages::of_project(&doors.db, project, from, hours, PAGE).await?;
        let Some(last) = page.last() else { break };
        from = From::OlderThan(Place { received_at: last.summary.received_at, event_id: last.summary.event_id });
        for stored in &page {
            let Some(event) = open(doors, stored).await else { continue };
            note(&mut trial, &alone, stored, &event);
        }
    }
    Ok(trial)
}

fn only(chosen: &Chosen, filter: Filter) -> Chosen {
    let mut alone = Chosen::default();
    match alone.patterns.iter_mut().zip(&chosen.patterns).zip(Filter::ALL).find(|(_, known)| *known == filter) {
        Some(((place, patterns), _)) => place.clone_from(patterns),
        None => alone.on.push(filter),
    }
    alone
}

/// An event that cannot be read any more is left out.
async fn open(doors: &Doors, stored: &Stored) -> Option<Event<'static>> {
    let json = doors.library.open(&doors.db, stored.project_id, stored.dictionary_id, &stored.payload).await.ok()?;
    event::from_stored(&json).ok()
}

fn note(trial: &mut Trial, alone: &[(Filter, Filters)], stored: &Stored, event: &Event<'_>) {
    trial.event_count += 1;
    trial.oldest_at = Some(stored.summary.received_at);
    let facts = event.facts();
    for (filter, _) in alone.iter().filter(|(_, filters)| filters.decide(&facts).is_some()) {
        let found = trial.found.entry(*filter).or_default();
        found.count += 1;
        if found.examples.len() < EXAMPLES_MAX {
            let path = format!("/issues/{}/events/{}", stored.summary.issue_id, stored.summary.event_id);
            found.examples.push((path, stored.summary.title.clone()));
        }
    }
}
