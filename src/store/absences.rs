//! `absent_events`: what is counted and has no row in `events`. Written in the transaction that removes the rows, or that counts events
//! without storing them, so that every counter can be proven: it equals the rows plus what is absent.
//!
//! Nobody but these functions deletes events, save those of an issue that is itself deleted (`removals`). Rows are touched in the order of their key.

use std::collections::BTreeMap;

use sqlx::AssertSqlSafe;
use time::{Duration, OffsetDateTime};

use super::{Db, Tx};
use crate::domain::ids::{IssueId, ProjectId};

/// What the counters distinguish of an event. Environment and release are '' where it has none; the hour is the one it happened in.
pub type Key = (ProjectId, IssueId, OffsetDateTime, String, String);

/// Notes events that are counted and not stored.
pub async fn add(tx: &mut Tx, absent: &BTreeMap<Key, i64>) -> sqlx::Result<()> {
    if absent.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        INSERT INTO absent_events AS a (project_id, issue_id, hour, environment, release, event_count)
        SELECT project_id, issue_id, hour, environment, release, event_count
        FROM unnest($1::int8[], $2::int8[], $3::timestamptz[], $4::text[], $5::text[], $6::int8[])
            AS u (project_id, issue_id, hour, environment, release, event_count)
        ORDER BY project_id, issue_id, hour, environment, release
        ON CONFLICT (project_id, issue_id, hour, environment, release) DO UPDATE SET event_count = a.event_count + excluded.event_count
        "#,
        &absent.keys().map(|key| key.0.0).collect::<Vec<_>>(),
        &absent.keys().map(|key| key.1.0).collect::<Vec<_>>(),
        &absent.keys().map(|key| key.2).collect::<Vec<_>>(),
        &absent.keys().map(|key| key.3.clone()).collect::<Vec<_>>(),
        &absent.keys().map(|key| key.4.clone()).collect::<Vec<_>>(),
        &absent.values().copied().collect::<Vec<_>>(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Notes all events that arrived from `from` to before `to` as absent, and tells how many these are. The caller removes them in the same
/// transaction and keeps others from adding any meanwhile. Reads the partition of a whole day once, without its payloads.
pub async fn note_all(tx: &mut Tx, from: OffsetDateTime, to: OffsetDateTime) -> sqlx::Result<i64> {
    let sql = noting("events WHERE received_at >= $1 AND received_at < $2");
    sqlx::query_scalar(AssertSqlSafe(sql)).bind(from).bind(to).fetch_one(&mut **tx).await
}

/// The statement that notes what is read `FROM` here as absent, and answers how many events these are.
pub(super) fn noting(gone: &str) -> String {
    format!(
        "WITH gone AS MATERIALIZED (
             SELECT project_id, issue_id, date_trunc('hour', occurred_at, 'UTC') AS hour, coalesce(environment, '') AS environment,
                 coalesce(release, '') AS release, date_trunc('hour', received_at, 'UTC') AS arrival, count(*) AS event_count
             FROM {gone}
             GROUP BY 1, 2, 3, 4, 5, 6
         ), noted AS (
             INSERT INTO absent_events AS a (project_id, issue_id, hour, environment, release, event_count)
             SELECT project_id, issue_id, hour, environment, release, sum(event_count)::int8
             FROM gone
             GROUP BY 1, 2, 3, 4, 5
             ORDER BY 1, 2, 3, 4, 5
             ON CONFLICT (project_id, issue_id, hour, environment, release) DO UPDATE SET event_count = a.event_count + excluded.event_count
         ), arrived AS (
             UPDATE project_hours h SET removed_count = h.removed_count + g.event_count
             FROM (SELECT project_id, arrival, sum(event_count)::int8 AS event_count FROM gone GROUP BY 1, 2) AS g
             WHERE h.project_id = g.project_id AND h.hour = g.arrival
         )
         SELECT coalesce(sum(event_count), 0)::int8 FROM gone"
    )
}

/// Deletes at most `limit` events of a project that arrived in the 24 hours from `day` on, and notes them as absent. Tells how many.
/// The order is that of an index, so that no other row is looked at.
pub async fn remove_of_project(tx: &mut Tx, project: ProjectId, day: OffsetDateTime, limit: i64) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"
        WITH batch AS (
            SELECT event_id, received_at
            FROM events
            WHERE project_id = $1 AND received_at >= $2 AND received_at < $3
            ORDER BY project_id, issue_id, received_at DESC, event_id DESC
            LIMIT $4
        ), gone AS (
            DELETE FROM events e
            USING batch b
            WHERE e.project_id = $1 AND e.event_id = b.event_id AND e.received_at = b.received_at
                AND e.received_at >= $2 AND e.received_at < $3
            RETURNING e.issue_id, date_trunc('hour', e.occurred_at, 'UTC') AS hour, coalesce(e.environment, '') AS environment,
                coalesce(e.release, '') AS release, date_trunc('hour', e.received_at, 'UTC') AS arrival
        ), noted AS (
            INSERT INTO absent_events AS a (project_id, issue_id, hour, environment, release, event_count)
            SELECT $1, issue_id, hour, environment, release, count(*)
            FROM gone
            GROUP BY 2, 3, 4, 5
            ORDER BY 2, 3, 4, 5
            ON CONFLICT (project_id, issue_id, hour, environment, release) DO UPDATE SET event_count = a.event_count + excluded.event_count
        ), arrived AS (
            UPDATE project_hours h SET removed_count = h.removed_count + g.event_count
            FROM (SELECT arrival, count(*) AS event_count FROM gone GROUP BY 1) AS g
            WHERE h.project_id = $1 AND h.hour = g.arrival
        )
        SELECT count(*) AS "event_count!" FROM gone
        "#,
        project.0,
        day,
        day + Duration::DAY,
        limit,
    )
    .fetch_one(&mut **tx)
    .await
}

/// Forgets in which hour events happened that are absent, for at most `limit` rows of hours before `before`: `issue_hours` has forgotten
/// these hours too, and the sums must last as long as the issue.
pub async fn fold(db: &Db, before: OffsetDateTime, limit: i64) -> sqlx::Result<u64> {
    let folded = sqlx::query_scalar!(
        r#"
        WITH old AS (
            DELETE FROM absent_events
            WHERE ctid = ANY (ARRAY(SELECT ctid FROM absent_events WHERE hour < $1 AND hour > 'epoch' ORDER BY hour LIMIT $2))
            RETURNING project_id, issue_id, environment, release, event_count
        ), kept AS (
            INSERT INTO absent_events AS a (project_id, issue_id, hour, environment, release, event_count)
            SELECT project_id, issue_id, 'epoch', environment, release, sum(event_count)::int8
            FROM old
            GROUP BY 1, 2, 4, 5
            ORDER BY 1, 2, 4, 5
            ON CONFLICT (project_id, issue_id, hour, environment, release) DO UPDATE SET event_count = a.event_count + excluded.event_count
        )
        SELECT count(*) AS "row_count!" FROM old
        "#,
        before,
        limit,
    )
    .fetch_one(db)
    .await?;
    Ok(folded.unsigned_abs())
}
