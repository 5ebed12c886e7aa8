//! Counts per hour for the charts. Only counters are read, never events.

use std::collections::HashMap;

use sqlx::PgExecutor;
use time::OffsetDateTime;

use crate::domain::ids::{IssueId, ProjectId};

/// One hour of an issue or a project; hours without events have no row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hour {
    /// When it begins.
    pub at: OffsetDateTime,
    /// Events in it.
    pub event_count: i64,
    /// Inside a spike.
    pub hot: bool,
}

/// The hours of these issues from `since` on.
pub async fn issue_hours(
    db: impl PgExecutor<'_>,
    issues: &[(ProjectId, IssueId)],
    since: OffsetDateTime,
) -> sqlx::Result<HashMap<IssueId, Vec<Hour>>> {
    let rows = sqlx::query!(
        r#"SELECT h.issue_id, h.hour, h.event_count, h.hot FROM unnest($1::bigint[], $2::bigint[]) AS wanted (project_id, issue_id)
             JOIN issue_hours h ON h.project_id = wanted.project_id AND h.issue_id = wanted.issue_id AND h.hour >= $3"#,
        &issues.iter().map(|(project, _)| project.0).collect::<Vec<_>>(),
        &issues.iter().map(|(_, issue)| issue.0).collect::<Vec<_>>(),
        since
    )
    .fetch_all(db)
    .await?;
    let mut hours: HashMap<IssueId, Vec<Hour>> = HashMap::new();
    for row in rows {
        let hour = Hour { at: row.hour, event_count: row.event_count, hot: row.hot };
        hours.entry(IssueId(row.issue_id)).or_default().push(hour);
    }
    Ok(hours)
}

/// The hours of these projects together, from `since` on.
pub async fn project_hours(db: impl PgExecutor<'_>, projects: &[ProjectId], since: OffsetDateTime) -> sqlx::Result<Vec<Hour>> {
    let rows = sqlx::query!(
        r#"SELECT hour, sum(event_count)::int8 AS "event_count!" FROM project_hours WHERE project_id = ANY($1) AND hour >= $2
             GROUP BY hour ORDER BY hour"#,
        &projects.iter().map(|id| id.0).collect::<Vec<_>>(),
        since
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| Hour { at: row.hour, event_count: row.event_count, hot: false }).collect())
}

/// The first hour in which one of these projects had an event: how much history there is.
pub async fn first_hour(db: impl PgExecutor<'_>, projects: &[ProjectId]) -> sqlx::Result<Option<OffsetDateTime>> {
    let projects = projects.iter().map(|id| id.0).collect::<Vec<_>>();
    sqlx::query_scalar!(
        "SELECT min(first.hour) FROM unnest($1::bigint[]) AS wanted (id) CROSS JOIN LATERAL \
             (SELECT hour FROM project_hours WHERE project_id = wanted.id ORDER BY hour LIMIT 1) AS first",
        &projects
    )
    .fetch_one(db)
    .await
}

/// Release versions first seen in this time, oldest first: the marks of the histogram.
pub async fn releases_between(
    db: impl PgExecutor<'_>,
    project: ProjectId,
    from: OffsetDateTime,
    until: OffsetDateTime,
) -> sqlx::Result<Vec<(String, OffsetDateTime)>> {
    let rows = sqlx::query!(
        "SELECT version, first_seen_at FROM releases WHERE project_id = $1 AND first_seen_at >= $2 AND first_seen_at < $3 \
             ORDER BY first_seen_at DESC LIMIT 5",
        project.0,
        from,
        until
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().rev().map(|row| (row.version, row.first_seen_at)).collect())
}
