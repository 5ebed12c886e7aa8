//! `issue_hours`: per issue and hour, for charts and for what is usual.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use crate::domain::ids::{IssueId, ProjectId};
use crate::store::{Db, Tx, copy};

/// What one hour gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hour {
    /// Events that happened in this hour.
    pub event_count: i64,
    /// Clean events that arrived in this hour.
    pub clean_count: i64,
}

/// Adds to the hours.
pub async fn add(tx: &mut Tx, hours: &BTreeMap<(ProjectId, IssueId, OffsetDateTime), Hour>) -> sqlx::Result<()> {
    if hours.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        INSERT INTO issue_hours AS h (project_id, issue_id, hour, event_count, clean_count)
        SELECT project_id, issue_id, hour, event_count, clean_count
        FROM unnest($1::int8[], $2::int8[], $3::timestamptz[], $4::int8[], $5::int8[])
            AS u (project_id, issue_id, hour, event_count, clean_count)
        ON CONFLICT (project_id, issue_id, hour) DO UPDATE
        SET event_count = h.event_count + excluded.event_count, clean_count = h.clean_count + excluded.clean_count
        "#,
        &hours.keys().map(|key| key.0.0).collect::<Vec<_>>(),
        &hours.keys().map(|key| key.1.0).collect::<Vec<_>>(),
        &hours.keys().map(|key| key.2).collect::<Vec<_>>(),
        &hours.values().map(|hour| hour.event_count).collect::<Vec<_>>(),
        &hours.values().map(|hour| hour.clean_count).collect::<Vec<_>>(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The hours of issues that this transaction made.
pub async fn insert(tx: &mut Tx, hours: &BTreeMap<(ProjectId, IssueId, OffsetDateTime), Hour>) -> sqlx::Result<()> {
    let statement = "COPY issue_hours (project_id, issue_id, hour, event_count, clean_count) FROM STDIN (FORMAT binary)";
    copy::rows(tx, statement, hours, 5, |row, ((project, issue, at), hour)| {
        row.int8(project.0).int8(issue.0).time(*at).int8(hour.event_count).int8(hour.clean_count);
    })
    .await
}

/// Forgets at most `limit` hours before `before`.
pub async fn trim(db: &Db, before: OffsetDateTime, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM issue_hours WHERE ctid = ANY (ARRAY(SELECT ctid FROM issue_hours WHERE hour < $1 ORDER BY hour LIMIT $2))",
        before,
        limit,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
