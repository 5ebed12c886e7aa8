//! From one event of an issue to another.

use time::OffsetDateTime;

use crate::domain::event_id::EventId;
use crate::http::web::format;
use crate::store::event_reads::{self, Place, Summary};
use crate::store::issue_reads::Issue;
use crate::store::{self, Db};

/// How far the place of an event among the others is counted.
const POSITION_MAX: i64 = 1_000;

/// The bar above an event. An address is empty where there is no such event.
pub struct Navigator {
    /// The oldest that is kept.
    pub oldest: String,
    /// The one before.
    pub older: String,
    /// The one after.
    pub newer: String,
    /// The newest.
    pub newest: String,
    /// This is the recommended one.
    pub recommended: bool,
    /// `1,284`; empty where it is far from the newest.
    pub position: String,
    /// All events of the issue, those past the retention included.
    pub total: String,
    /// When it happened.
    pub occurred_at: OffsetDateTime,
    /// Its id.
    pub event_id: String,
    /// Its first 8 digits.
    pub short_id: String,
}

/// The bar of an event; `recommended` is the id of the recommended one.
pub async fn load(db: &Db, issue: &Issue, event: &Summary, recommended: Option<EventId>) -> sqlx::Result<Navigator> {
    let place = Place { received_at: event.received_at, event_id: event.event_id };
    let (project, id) = (issue.project_id, issue.id);
    let (older, newer) = event_reads::neighbours(db, project, id, place).await?;
    let oldest = event_reads::oldest(db, project, id).await?.filter(|oldest| *oldest != event.event_id);
    let newest = event_reads::latest(db, project, id).await?.filter(|newest| *newest != event.event_id);
    let newer_count = store::event_reads::count_newer(db, project, id, place, POSITION_MAX).await?;
    let to = |event: Option<EventId>| event.map(|event| format!("/issues/{id}/events/{event}")).unwrap_or_default();
    let position = (newer_count < POSITION_MAX).then(|| format::grouped((issue.event_count - newer_count).max(1)));
    let event_id = event.event_id.to_string();
    Ok(Navigator {
        oldest: to(oldest),
        older: to(older),
        newer: to(newer),
        newest: to(newest),
        recommended: recommended == Some(event.event_id),
        position: position.unwrap_or_default(),
        total: format::grouped(issue.event_count),
        occurred_at: event.occurred_at,
        short_id: event_id[..8].to_owned(),
        event_id,
    })
}
