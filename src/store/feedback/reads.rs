//! Feedback as pages and the Web API list it.

use sqlx::PgExecutor;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::event_id::EventId;
use crate::domain::ids::{IssueId, ProjectId};

/// A report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feedback {
    /// Its id.
    pub feedback_id: EventId,
    /// When it arrived.
    pub received_at: OffsetDateTime,
    /// The event it is about.
    pub event_id: Option<EventId>,
    /// The issue of that event, if the event is there.
    pub issue_id: Option<IssueId>,
    /// '' where it was not given, like the others.
    pub name: String,
    /// As typed.
    pub email: String,
    /// What they say.
    pub message: String,
    /// Where they were.
    pub url: String,
    /// Deployment.
    pub environment: String,
    /// Version.
    pub release: String,
    /// When somebody took care of it.
    pub handled_at: Option<OffsetDateTime>,
    /// Their name; '' where nobody did, or nobody knows them any more.
    pub handled_by: String,
}

/// Which reports of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Nobody has taken care of them.
    Open,
    /// Somebody has.
    Handled,
    /// All.
    All,
}

/// A place in the list, newest first.
pub type Place = (OffsetDateTime, EventId);

struct Row {
    feedback_id: Uuid,
    received_at: OffsetDateTime,
    event_id: Option<Uuid>,
    issue_id: Option<i64>,
    name: String,
    email: String,
    message: String,
    url: String,
    environment: String,
    release: String,
    handled_at: Option<OffsetDateTime>,
    handled_by: String,
}

impl From<Row> for Feedback {
    fn from(row: Row) -> Self {
        Self {
            feedback_id: EventId(row.feedback_id),
            received_at: row.received_at,
            event_id: row.event_id.map(EventId),
            issue_id: row.issue_id.map(IssueId),
            name: row.name,
            email: row.email,
            message: row.message,
            url: row.url,
            environment: row.environment,
            release: row.release,
            handled_at: row.handled_at,
            handled_by: row.handled_by,
        }
    }
}

/// Reports of a project older than `after` (`None`: from the newest on), newest first.
pub async fn list(
    db: impl PgExecutor<'_>,
    project: ProjectId,
    which: Which,
    after: Option<Place>,
    limit: i64,
) -> sqlx::Result<Vec<Feedback>> {
    // Each has an index of its own, so each has a statement of its own.
    let rows = match which {
        Which::Open => open(db, project, after, limit).await?,
        Which::Handled => handled(db, project, after, limit).await?,
        Which::All => all(db, project, after, limit).await?,
    };
    Ok(rows.into_iter().map(Feedback::from).collect())
}

/// Without a place from the newest on: a bound that is always there can be looked up, whatever the plan.
fn bound(after: Option<Place>) -> (Option<OffsetDateTime>, Uuid) {
    after.map_or((None, Uuid::max()), |(at, id)| (Some(at), id.0))
}

async fn open(db: impl PgExecutor<'_>, project: ProjectId, after: Option<Place>, limit: i64) -> sqlx::Result<Vec<Row>> {
    let (at, id) = bound(after);
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT feedback_id, received_at, event_id, issue_id, name, email, message, url, environment, release, handled_at,
            '' AS "handled_by!"
        FROM feedback
        WHERE project_id = $1 AND handled_at IS NULL AND (received_at, feedback_id) < (coalesce($2::timestamptz, 'infinity'), $3)
        ORDER BY received_at DESC, feedback_id DESC
        LIMIT $4
        "#,
        project.0,
        at,
        id,
        limit
    );
    rows.fetch_all(db).await
}

async fn handled(db: impl PgExecutor<'_>, project: ProjectId, after: Option<Place>, limit: i64) -> sqlx::Result<Vec<Row>> {
    let (at, id) = bound(after);
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT feedback_id, received_at, event_id, issue_id, f.name, f.email, message, url, environment, release, handled_at,
            coalesce(u.name, '') AS "handled_by!"
        FROM feedback f
        LEFT JOIN users u ON u.id = f.handled_by
        WHERE project_id = $1 AND handled_at IS NOT NULL AND (received_at, feedback_id) < (coalesce($2::timestamptz, 'infinity'), $3)
        ORDER BY received_at DESC, feedback_id DESC
        LIMIT $4
        "#,
        project.0,
        at,
        id,
        limit
    );
    rows.fetch_all(db).await
}

async fn all(db: impl PgExecutor<'_>, project: ProjectId, after: Option<Place>, limit: i64) -> sqlx::Result<Vec<Row>> {
    let (at, id) = bound(after);
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT feedback_id, received_at, event_id, issue_id, f.name, f.email, message, url, environment, release, handled_at,
            coalesce(u.name, '') AS "handled_by!"
        FROM feedback f
        LEFT JOIN users u ON u.id = f.handled_by
        WHERE project_id = $1 AND (received_at, feedback_id) < (coalesce($2::timestamptz, 'infinity'), $3)
        ORDER BY received_at DESC, feedback_id DESC
        LIMIT $4
        "#,
        project.0,
        at,
        id,
        limit
    );
    rows.fetch_all(db).await
}

/// Whether anybody ever said anything in this project.
pub async fn is_any(db: impl PgExecutor<'_>, project: ProjectId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT 1 FROM feedback WHERE project_id = $1) AS "any!""#, project.0).fetch_one(db).await
}

/// What was said about this event, and then about others of its issue, newest first.
pub async fn of_issue(
    db: impl PgExecutor<'_>,
    project: ProjectId,
    issue: IssueId,
    event: Option<EventId>,
    limit: i64,
) -> sqlx::Result<Vec<Feedback>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT feedback_id AS "feedback_id!", received_at AS "received_at!", event_id, issue_id, name AS "name!", email AS "email!",
            message AS "message!", url AS "url!", environment AS "environment!", release AS "release!", handled_at, '' AS "handled_by!"
        FROM (
            SELECT feedback_id, received_at, event_id, issue_id, name, email, message, url, environment, release, handled_at
            FROM feedback WHERE project_id = $1 AND event_id = $3
            UNION
            (SELECT feedback_id, received_at, event_id, issue_id, name, email, message, url, environment, release, handled_at
             FROM feedback WHERE project_id = $1 AND issue_id = $2 ORDER BY received_at DESC LIMIT $4)
        ) AS said
        ORDER BY event_id = $3 DESC NULLS LAST, received_at DESC, feedback_id
        LIMIT $4
        "#,
        project.0,
        issue.0,
        event.map(|event| event.0),
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Feedback::from).collect())
}

/// One report.
pub async fn find(db: impl PgExecutor<'_>, project: ProjectId, id: EventId) -> sqlx::Result<Option<Feedback>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        SELECT feedback_id, received_at, event_id, issue_id, name, email, message, url, environment, release, handled_at,
            '' AS "handled_by!"
        FROM feedback
        WHERE project_id = $1 AND feedback_id = $2
        "#,
        project.0,
        id.0
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Feedback::from))
}

/// Which of these have files, with how many.
pub async fn with_files(db: impl PgExecutor<'_>, project: ProjectId, reports: &[EventId]) -> sqlx::Result<Vec<(EventId, i64)>> {
    let ids: Vec<Uuid> = reports.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"SELECT event_id, count(*) AS "file_count!" FROM attachments WHERE project_id = $1 AND event_id = ANY ($2) GROUP BY event_id"#,
        project.0,
        &ids
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (EventId(row.event_id), row.file_count)).collect())
}
