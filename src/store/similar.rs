//! Issues that another one may be the same bug as: what is compared of them.

use sqlx::PgExecutor;

use crate::domain::ids::{IssueId, ProjectId};

/// An issue to compare with.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Which.
    pub id: IssueId,
    /// Exception type; empty for a message.
    pub type_name: String,
    /// First line of the value or message.
    pub value: String,
    /// Route, task or command.
    pub culprit: String,
    /// `file:line` of the failing frame.
    pub location: String,
    /// Its function.
    pub function: String,
    /// Events.
    pub event_count: i64,
}

/// The latest open issues of a project besides this one, through the index of the issue list.
pub async fn candidates(db: impl PgExecutor<'_>, project: ProjectId, issue: IssueId, most: i64) -> sqlx::Result<Vec<Candidate>> {
    let rows = sqlx::query!(
        "SELECT id, type, value, culprit, location, function, event_count FROM issues
         WHERE project_id = $1 AND status = 'unresolved' AND id <> $2
         ORDER BY last_seen_at DESC, id DESC LIMIT $3",
        project.0,
        issue.0,
        most
    )
    .fetch_all(db)
    .await?;
    let candidates = rows.into_iter().map(|row| Candidate {
        id: IssueId(row.id),
        type_name: row.r#type,
        value: row.value,
        culprit: row.culprit,
        location: row.location,
        function: row.function,
        event_count: row.event_count,
    });
    Ok(candidates.collect())
}
