//! Stored events as pages and the Web API read them. What one holds is compressed: `store::payload` opens it.

use sqlx::PgExecutor;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::event_id::EventId;
use crate::domain::ids::{IssueId, ProjectId};
use crate::domain::level::Level;

/// How many of the newest events are looked at for the recommended one.
const RECOMMENDED_OF: i64 = 100;

/// What is known of an event without opening it.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// As the client named it.
    pub event_id: EventId,
    /// Its issue.
    pub issue_id: IssueId,
    /// When it arrived.
    pub received_at: OffsetDateTime,
    /// When it happened, by the client's clock, corrected.
    pub occurred_at: OffsetDateTime,
    /// How bad.
    pub level: Level,
    /// `Type: first line`.
    pub title: String,
    /// Where it ran.
    pub environment: Option<String>,
    /// What ran.
    pub release: Option<String>,
    /// Route, task or command.
    pub transaction: Option<String>,
    /// What to call the person.
    pub user_label: Option<String>,
    /// The trace it belongs to.
    pub trace_id: Option<String>,
}

/// An event with its compressed content.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The project.
    pub project_id: ProjectId,
    /// What the columns say.
    pub summary: Summary,
    /// The fingerprint that decided.
    pub hash: Vec<u8>,
    /// Which dictionary `payload` needs.
    pub dictionary_id: i32,
    /// zstd of the event's JSON.
    pub payload: Vec<u8>,
}

/// A place in an issue's events, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// When the event at this place arrived.
    pub received_at: OffsetDateTime,
    /// Its id.
    pub event_id: EventId,
}

pub(super) struct SummaryRow {
    pub(super) event_id: Uuid,
    pub(super) issue_id: i64,
    pub(super) received_at: OffsetDateTime,
    pub(super) occurred_at: OffsetDateTime,
    pub(super) level: i16,
    pub(super) title: String,
    pub(super) environment: Option<String>,
    pub(super) release: Option<String>,
    pub(super) transaction: Option<String>,
    pub(super) user_label: Option<String>,
    pub(super) trace_id: Option<String>,
}

impl From<SummaryRow> for Summary {
    fn from(row: SummaryRow) -> Self {
        Self {
            event_id: EventId(row.event_id),
            issue_id: IssueId(row.issue_id),
            received_at: row.received_at,
            occurred_at: row.occurred_at,
            level: Level::from_number(i64::from(row.level)).unwrap_or_default(),
            title: row.title,
            environment: row.environment,
            release: row.release,
            transaction: row.transaction,
            user_label: row.user_label,
            trace_id: row.trace_id,
        }
    }
}

pub(super) struct StoredRow {
    pub(super) project_id: i64,
    pub(super) event_id: Uuid,
    pub(super) issue_id: i64,
    pub(super) received_at: OffsetDateTime,
    pub(super) occurred_at: OffsetDateTime,
    pub(super) level: i16,
    pub(super) title: String,
    pub(super) environment: Option<String>,
    pub(super) release: Option<String>,
    pub(super) transaction: Option<String>,
    pub(super) user_label: Option<String>,
    pub(super) trace_id: Option<String>,
    pub(super) hash: Vec<u8>,
    pub(super) dictionary_id: i32,
    pub(super) payload: Vec<u8>,
}

impl From<StoredRow> for Stored {
    fn from(row: StoredRow) -> Self {
        let summary = SummaryRow {
            event_id: row.event_id,
            issue_id: row.issue_id,
            received_at: row.received_at,
            occurred_at: row.occurred_at,
            level: row.level,
            title: row.title,
            environment: row.environment,
            release: row.release,
            transaction: row.transaction,
            user_label: row.user_label,
            trace_id: row.trace_id,
        };
        let project_id = ProjectId(row.project_id);
        Self { project_id, summary: Summary::from(summary), hash: row.hash, dictionary_id: row.dictionary_id, payload: row.payload }
    }
}

/// The event of this id in this project. `event_ids` leads to the one partition it is in.
pub async fn find(db: impl PgExecutor<'_>, project: ProjectId, event_id: EventId) -> sqlx::Result<Option<Stored>> {
    let row = sqlx::query_as!(
        StoredRow,
        "SELECT e.project_id, e.event_id, e.issue_id, e.received_at, e.occurred_at, e.level, e.title, e.environment, e.release, e.transaction, \
             e.user_label, e.trace_id, e.hash, e.dictionary_id, e.payload \
         FROM event_ids k JOIN events e ON e.project_id = k.project_id AND e.event_id = k.event_id AND e.received_at = k.received_at \
         WHERE k.project_id = $1 AND k.event_id = $2",
        project.0,
        event_id.0
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Stored::from))
}

/// The projects that have an event of this id (a client may reuse one), with its issue.
pub async fn locate(db: impl PgExecutor<'_>, event_id: EventId) -> sqlx::Result<Vec<(ProjectId, IssueId)>> {
    let rows = sqlx::query!(
        "SELECT e.project_id, e.issue_id FROM event_ids k \
         JOIN events e ON e.project_id = k.project_id AND e.event_id = k.event_id AND e.received_at = k.received_at \
         WHERE k.event_id = $1 ORDER BY e.received_at DESC LIMIT 20",
        event_id.0
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (ProjectId(row.project_id), IssueId(row.issue_id))).collect())
}

/// When events of this id arrived and were counted, whether or not they are kept, latest first.
pub async fn arrivals(db: impl PgExecutor<'_>, event_id: EventId) -> sqlx::Result<Vec<(ProjectId, OffsetDateTime)>> {
    let rows =
        sqlx::query!("SELECT project_id, received_at FROM event_ids WHERE event_id = $1 ORDER BY received_at DESC LIMIT 20", event_id.0)
            .fetch_all(db)
            .await?;
    Ok(rows.into_iter().map(|row| (ProjectId(row.project_id), row.received_at)).collect())
}

/// The newest event that is kept.
pub async fn latest(db: impl PgExecutor<'_>, project: ProjectId, issue: IssueId) -> sqlx::Result<Option<EventId>> {
    let id = sqlx::query_scalar!(
        "SELECT event_id FROM events WHERE project_id = $1 AND issue_id = $2 ORDER BY received_at DESC, event_id DESC LIMIT 1",
        project.0,
        issue.0
    )
    .fetch_optional(db)
    .await?;
    Ok(id.map(EventId))
}

/// The oldest event that is kept.
pub async fn oldest(db: impl PgExecutor<'_>, project: ProjectId, issue: IssueId) -> sqlx::Result<Option<EventId>> {
    let id = sqlx::query_scalar!(
        "SELECT event_id FROM events WHERE project_id = $1 AND issue_id = $2 ORDER BY received_at, event_id LIMIT 1",
        project.0,
        issue.0
    )
    .fetch_optional(db)
    .await?;
    Ok(id.map(EventId))
}

/// Among the newest hundred, the newest of those with the most of request, user, locals and trace.
pub async fn recommended(db: impl PgExecutor<'_>, project: ProjectId, issue: IssueId) -> sqlx::Result<Option<EventId>> {
    let id = sqlx::query_scalar!(
        "SELECT event_id FROM (SELECT event_id, received_at, has_context FROM events WHERE project_id = $1 AND issue_id = $2 \
             ORDER BY received_at DESC, event_id DESC LIMIT $3) AS newest \
         ORDER BY has_context DESC, received_at DESC, event_id DESC LIMIT 1",
        project.0,
        issue.0,
        RECOMMENDED_OF
    )
    .fetch_optional(db)
    .await?;
    Ok(id.map(EventId))
}

/// The events just before and just after this one.
pub async fn neighbours(
    db: impl PgExecutor<'_>,
    project: ProjectId,
    issue: IssueId,
    place: Place,
) -> sqlx::Result<(Option<EventId>, Option<EventId>)> {
    let row = sqlx::query!(
        "SELECT (SELECT event_id FROM events WHERE project_id = $1 AND issue_id = $2 AND (received_at, event_id) < ($3, $4) \
             ORDER BY received_at DESC, event_id DESC LIMIT 1) AS older, \
             (SELECT event_id FROM events WHERE project_id = $1 AND issue_id = $2 AND (received_at, event_id) > ($3, $4) \
             ORDER BY received_at, event_id LIMIT 1) AS newer",
        project.0,
        issue.0,
        place.received_at,
        place.event_id.0
    )
    .fetch_one(db)
    .await?;
    Ok((row.older.map(EventId), row.newer.map(EventId)))
}

/// How many events of the issue are newer, counted up to `cap`.
pub async fn count_newer(db: impl PgExecutor<'_>, project: ProjectId, issue: IssueId, place: Place, cap: i64) -> sqlx::Result<i64> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM (SELECT 1 FROM events WHERE project_id = $1 AND issue_id = $2
             AND (received_at, event_id) > ($3, $4) LIMIT $5) AS newer"#,
        project.0,
        issue.0,
        place.received_at,
        place.event_id.0,
        cap
    )
    .fetch_one(db)
    .await?;
    Ok(count)
}

/// Events of the issue older than `after` (all: from the newest on), newest first.
pub async fn list(
    db: impl PgExecutor<'_>,
    project: ProjectId,
    issue: IssueId,
    after: Option<Place>,
    limit: i64,
) -> sqlx::Result<Vec<Summary>> {
    let rows = sqlx::query_as!(
        SummaryRow,
        "SELECT event_id, issue_id, received_at, occurred_at, level, title, environment, release, transaction, user_label, trace_id \
         FROM events WHERE project_id = $1 AND issue_id = $2 AND ($3::timestamptz IS NULL OR (received_at, event_id) < ($3, $4)) \
         ORDER BY received_at DESC, event_id DESC LIMIT $5",
        project.0,
        issue.0,
        after.map(|place| place.received_at),
        after.map(|place| place.event_id.0),
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Summary::from).collect())
}

/// Events of the issue newer than `before`, oldest of them last: the page before.
pub async fn list_newer(
    db: impl PgExecutor<'_>,
    project: ProjectId,
    issue: IssueId,
    before: Place,
    limit: i64,
) -> sqlx::Result<Vec<Summary>> {
    let mut rows = sqlx::query_as!(
        SummaryRow,
        "SELECT event_id, issue_id, received_at, occurred_at, level, title, environment, release, transaction, user_label, trace_id \
         FROM events WHERE project_id = $1 AND issue_id = $2 AND (received_at, event_id) > ($3, $4) \
         ORDER BY received_at, event_id LIMIT $5",
        project.0,
        issue.0,
        before.received_at,
        before.event_id.0,
        limit
    )
    .fetch_all(db)
    .await?;
    rows.reverse();
    Ok(rows.into_iter().map(Summary::from).collect())
}
