//! `issue_minutes`: per issue and minute of arrival, for the spike detector. Kept 24 hours.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use crate::domain::ids::{IssueId, ProjectId};
use crate::store::{Db, Tx, copy};

/// What arrived in one minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Minute {
    /// Events without duplicates and old ones.
    pub clean_count: i32,
    /// The same, one person counted at most 5 times per quarter of an hour.
    pub capped_count: i32,
}

/// Adds to the minutes.
pub async fn add(tx: &mut Tx, minutes: &BTreeMap<(ProjectId, IssueId, OffsetDateTime), Minute>) -> sqlx::Result<()> {
    if minutes.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        INSERT INTO issue_minutes AS m (project_id, issue_id, minute, clean_count, capped_count)
        SELECT project_id, issue_id, minute, clean_count, capped_count
        FROM unnest($1::int8[], $2::int8[], $3::timestamptz[], $4::int4[], $5::int4[])
            AS u (project_id, issue_id, minute, clean_count, capped_count)
        ON CONFLICT (project_id, issue_id, minute) DO UPDATE
        SET clean_count = m.clean_count + excluded.clean_count, capped_count = m.capped_count + excluded.capped_count
        "#,
        &minutes.keys().map(|key| key.0.0).collect::<Vec<_>>(),
        &minutes.keys().map(|key| key.1.0).collect::<Vec<_>>(),
        &minutes.keys().map(|key| key.2).collect::<Vec<_>>(),
        &minutes.values().map(|minute| minute.clean_count).collect::<Vec<_>>(),
        &minutes.values().map(|minute| minute.capped_count).collect::<Vec<_>>(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The minutes of issues that this transaction made.
pub async fn insert(tx: &mut Tx, minutes: &BTreeMap<(ProjectId, IssueId, OffsetDateTime), Minute>) -> sqlx::Result<()> {
    let statement = "COPY issue_minutes (project_id, issue_id, minute, clean_count, capped_count) FROM STDIN (FORMAT binary)";
    copy::rows(tx, statement, minutes, 5, |row, ((project, issue, at), minute)| {
        row.int8(project.0).int8(issue.0).time(*at).int4(minute.clean_count).int4(minute.capped_count);
    })
    .await
}

/// Forgets at most `limit` minutes before `before`.
pub async fn trim(db: &Db, before: OffsetDateTime, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM issue_minutes WHERE ctid = ANY (ARRAY(SELECT ctid FROM issue_minutes WHERE minute < $1 ORDER BY minute LIMIT $2))",
        before,
        limit,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
