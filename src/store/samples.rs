//! `issue_samples`: how many events an issue got in an hour, where spikes are thinned. Written while the issue's row is locked.

use std::collections::{BTreeMap, HashMap};

use sqlx::PgExecutor;
use time::OffsetDateTime;

use super::Tx;
use crate::domain::ids::{IssueId, ProjectId};

/// Issue and hour of arrival.
pub type Key = (ProjectId, IssueId, OffsetDateTime);

/// Adds arrivals and tells how many there were before.
pub async fn add(tx: &mut Tx, arrived: &BTreeMap<Key, i64>) -> sqlx::Result<HashMap<Key, i64>> {
    let rows = sqlx::query!(
        r#"
        INSERT INTO issue_samples AS s (project_id, issue_id, hour, event_count, kept_count)
        SELECT project_id, issue_id, hour, event_count, 0
        FROM unnest($1::int8[], $2::int8[], $3::timestamptz[], $4::int8[]) AS u (project_id, issue_id, hour, event_count)
        ORDER BY project_id, issue_id, hour
        ON CONFLICT (project_id, issue_id, hour) DO UPDATE SET event_count = s.event_count + excluded.event_count
        RETURNING project_id, issue_id, hour, event_count
        "#,
        &arrived.keys().map(|key| key.0.0).collect::<Vec<_>>(),
        &arrived.keys().map(|key| key.1.0).collect::<Vec<_>>(),
        &arrived.keys().map(|key| key.2).collect::<Vec<_>>(),
        &arrived.values().copied().collect::<Vec<_>>(),
    )
    .fetch_all(&mut **tx)
    .await?;
    let before = rows.into_iter().map(|row| {
        let key = (ProjectId(row.project_id), IssueId(row.issue_id), row.hour);
        (key, row.event_count - arrived.get(&key).copied().unwrap_or_default())
    });
    Ok(before.collect())
}

/// Notes how many of them were stored.
pub async fn add_kept(tx: &mut Tx, kept: &BTreeMap<Key, i64>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        UPDATE issue_samples AS s
        SET kept_count = s.kept_count + u.kept_count
        FROM unnest($1::int8[], $2::int8[], $3::timestamptz[], $4::int8[]) AS u (project_id, issue_id, hour, kept_count)
        WHERE s.project_id = u.project_id AND s.issue_id = u.issue_id AND s.hour = u.hour
        "#,
        &kept.keys().map(|key| key.0.0).collect::<Vec<_>>(),
        &kept.keys().map(|key| key.1.0).collect::<Vec<_>>(),
        &kept.keys().map(|key| key.2).collect::<Vec<_>>(),
        &kept.values().copied().collect::<Vec<_>>(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Adds to what issues counted without storing it.
pub async fn add_sampled(tx: &mut Tx, sampled: &BTreeMap<(ProjectId, IssueId), i64>) -> sqlx::Result<()> {
    if sampled.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        UPDATE issues AS i
        SET sampled_count = i.sampled_count + u.sampled_count
        FROM unnest($1::int8[], $2::int8[], $3::int8[]) AS u (project_id, id, sampled_count)
        WHERE i.project_id = u.project_id AND i.id = u.id
        "#,
        &sampled.keys().map(|key| key.0.0).collect::<Vec<_>>(),
        &sampled.keys().map(|key| key.1.0).collect::<Vec<_>>(),
        &sampled.values().copied().collect::<Vec<_>>(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Forgets at most `limit` hours before `before`.
pub async fn trim(db: impl PgExecutor<'_>, before: OffsetDateTime, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM issue_samples WHERE ctid = ANY (ARRAY(SELECT ctid FROM issue_samples WHERE hour < $1 LIMIT $2))",
        before,
        limit
    );
    Ok(done.execute(db).await?.rows_affected())
}
