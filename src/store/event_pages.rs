//! Pages of events with what they hold, for the Web API. Newest first, by arrival.

use sqlx::PgExecutor;
use time::{Duration, OffsetDateTime};

use super::event_reads::{Place, Stored, StoredRow};
use crate::domain::ids::{IssueId, ProjectId};

/// Hours with events that are looked at for one page of a project's events.
const HOURS_MAX: i64 = 2_000;

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// The newest event.
    Newest,
    /// What is older than this place.
    OlderThan(Place),
    /// What is just newer than this place.
    NewerThan(Place),
}

/// The bounds of a page as the queries take them: older than the first or newer than the second.
fn bounds(from: From) -> (Option<Place>, Option<Place>) {
    match from {
        From::Newest => (None, None),
        From::OlderThan(place) => (Some(place), None),
        From::NewerThan(place) => (None, Some(place)),
    }
}

/// Events of one issue, at most `limit`, newest first.
pub async fn of_issue(db: impl PgExecutor<'_>, project: ProjectId, issue: IssueId, from: From, limit: i64) -> sqlx::Result<Vec<Stored>> {
    let (older_than, newer_than) = bounds(from);
    let rows = match newer_than {
        None => {
            sqlx::query_as!(
            StoredRow,
            "SELECT project_id, event_id, issue_id, received_at, occurred_at, level, title, environment, release, transaction, user_label,
                        trace_id, hash, dictionary_id, payload
                 FROM events WHERE project_id = $1 AND issue_id = $2 AND ($3::timestamptz IS NULL OR (received_at, event_id) < ($3, $4))
                 ORDER BY received_at DESC, event_id DESC LIMIT $5",
            project.0,
            issue.0,
            older_than.map(|place| place.received_at),
            older_than.map(|place| place.event_id.0),
            limit
        )
            .fetch_all(db)
            .await?
        }
        Some(place) => {
            sqlx::query_as!(
            StoredRow,
            "SELECT project_id, event_id, issue_id, received_at, occurred_at, level, title, environment, release, transaction, user_label,
                        trace_id, hash, dictionary_id, payload
                 FROM events WHERE project_id = $1 AND issue_id = $2 AND (received_at, event_id) > ($3, $4)
                 ORDER BY received_at, event_id LIMIT $5",
            project.0,
            issue.0,
            place.received_at,
            place.event_id.0,
            limit
        )
            .fetch_all(db)
            .await?
        }
    };
    Ok(newest_first(rows.into_iter().map(Stored::from).collect()))
}

/// Events of a whole project, at most `limit`, newest first. `hours` is what [`hours_of_project`] answered for the same page: only
/// those are searched, so that a page never reads a project's days of events.
pub async fn of_project(
    db: impl PgExecutor<'_>,
    project: ProjectId,
    from: From,
    hours: (OffsetDateTime, OffsetDateTime),
    limit: i64,
) -> sqlx::Result<Vec<Stored>> {
    let (older_than, newer_than) = bounds(from);
    let place = older_than.or(newer_than);
    let rows = sqlx::query_as!(
        StoredRow,
        r#"SELECT e.project_id AS "project_id!", e.event_id AS "event_id!", e.issue_id AS "issue_id!", e.received_at AS "received_at!",
                  e.occurred_at AS "occurred_at!", e.level AS "level!", e.title AS "title!", e.environment, e.release, e.transaction,
                  e.user_label, e.trace_id, e.hash AS "hash!", e.dictionary_id AS "dictionary_id!", e.payload AS "payload!"
           FROM (SELECT event_id, received_at FROM event_ids
                 WHERE project_id = $1 AND received_at >= $2 AND received_at < $3
                   AND ($4::timestamptz IS NULL OR CASE WHEN $6 THEN (received_at, event_id) > ($4, $5)
                                                        ELSE (received_at, event_id) < ($4, $5) END)
                 ORDER BY CASE WHEN $6 THEN received_at END, CASE WHEN $6 THEN event_id END, received_at DESC, event_id DESC
                 LIMIT $7) k
           CROSS JOIN LATERAL (SELECT e.project_id, e.event_id, e.issue_id, e.received_at, e.occurred_at, e.level, e.title, e.environment,
                                      e.release, e.transaction, e.user_label, e.trace_id, e.hash, e.dictionary_id, e.payload
                               FROM events e WHERE e.project_id = $1 AND e.event_id = k.event_id AND e.received_at = k.received_at
                               LIMIT 1) e"#,
        project.0,
        hours.0,
        hours.1,
        place.map(|place| place.received_at),
        place.map(|place| place.event_id.0),
        newer_than.is_some(),
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(newest_first(rows.into_iter().map(Stored::from).collect()))
}

/// The span of hours that surely holds a page of a project's events, by the hourly counters; `None` where there are none.
pub async fn hours_of_project(
    db: impl PgExecutor<'_>,
    project: ProjectId,
    from: From,
    limit: i64,
) -> sqlx::Result<Option<(OffsetDateTime, OffsetDateTime)>> {
    let (older_than, newer_than) = bounds(from);
    let hours = sqlx::query!(
        "SELECT hour, event_count FROM project_hours
         WHERE project_id = $1 AND ($2::timestamptz IS NULL OR hour <= $2) AND ($3::timestamptz IS NULL OR hour > $3 - interval '1 hour')
         ORDER BY CASE WHEN $4 THEN hour END, hour DESC LIMIT $5",
        project.0,
        older_than.map(|place| place.received_at),
        newer_than.map(|place| place.received_at),
        newer_than.is_some(),
        HOURS_MAX
    )
    .fetch_all(db)
    .await?;
    let place = older_than.or(newer_than).map(|place| place.received_at);
    let mut found_count = 0;
    let mut span: Option<(OffsetDateTime, OffsetDateTime)> = None;
    for row in hours {
        let until = row.hour + Duration::HOUR;
        span = Some(span.map_or((row.hour, until), |(first, last)| (first.min(row.hour), last.max(until))));
        // Of the hour with the place nobody knows how many events are on the right side of it.
        let is_cut = place.is_some_and(|at| row.hour <= at && at < until);
        found_count += if is_cut { 0 } else { row.event_count };
        if found_count >= limit {
            break;
        }
    }
    Ok(span)
}

fn newest_first(mut events: Vec<Stored>) -> Vec<Stored> {
    let place = |event: &Stored| (event.summary.received_at, event.summary.event_id);
    events.sort_by_key(|event| std::cmp::Reverse(place(event)));
    events
}

/// Where an event stands.
pub fn place(event: &Stored) -> Place {
    Place { received_at: event.summary.received_at, event_id: event.summary.event_id }
}
