//! The counters of one issue become those of two. What is kept by the hour of arrival goes by the rows that went.

use std::collections::BTreeMap;

use super::Split;
use super::facts::Fact;
use crate::store::Tx;
use crate::store::counters::OTHER;

/// Divides minutes, hours, environments and releases. The rows of events have moved.
pub(super) async fn divide(tx: &mut Tx, split: &Split, facts: &BTreeMap<Fact, i64>) -> sqlx::Result<()> {
    minutes(tx, split).await?;
    hours(tx, split, facts).await?;
    environments(tx, split, facts).await?;
    releases(tx, split, facts).await
}

fn sums<K: Ord>(facts: &BTreeMap<Fact, i64>, key: impl Fn(&Fact) -> K) -> BTreeMap<K, i64> {
    let mut sums = BTreeMap::new();
    for (fact, count) in facts {
        *sums.entry(key(fact)).or_default() += count;
    }
    sums
}

/// At most one clean event for every row that arrived in the minute.
async fn minutes(tx: &mut Tx, split: &Split) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        WITH oldest AS (SELECT min(minute) AS minute FROM issue_minutes WHERE project_id = $1 AND issue_id = $2),
        seen AS (
            SELECT date_trunc('minute', received_at, 'UTC') AS minute, count(*) AS n
            FROM events WHERE project_id = $1 AND issue_id = $3 AND received_at >= (SELECT minute FROM oldest)
            GROUP BY 1
        ), gone AS (
            SELECT m.minute, least(m.clean_count, s.n)::int4 AS clean_count, least(m.capped_count, m.clean_count, s.n)::int4 AS capped_count
            FROM seen s JOIN issue_minutes m ON m.project_id = $1 AND m.issue_id = $2 AND m.minute = s.minute
        ), added AS (
            INSERT INTO issue_minutes (project_id, issue_id, minute, clean_count, capped_count)
            SELECT $1, $3, minute, clean_count, capped_count FROM gone WHERE clean_count > 0
        )
        UPDATE issue_minutes m SET clean_count = m.clean_count - g.clean_count, capped_count = m.capped_count - g.capped_count
        FROM gone g WHERE m.project_id = $1 AND m.issue_id = $2 AND m.minute = g.minute
        "#,
        split.project_id.0,
        split.from.0,
        split.to.0
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "DELETE FROM issue_minutes WHERE project_id = $1 AND issue_id = $2 AND clean_count = 0 AND capped_count = 0",
        split.project_id.0,
        split.from.0
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Events by the hour in which they happened; clean ones by that of their arrival, as the minutes say while there are any. Peaks are those
/// noted at the merge, else at most what came.
async fn hours(tx: &mut Tx, split: &Split, facts: &BTreeMap<Fact, i64>) -> sqlx::Result<()> {
    let sums = sums(facts, |fact| fact.0);
    sqlx::query!(
        r#"
        WITH happened AS (SELECT hour, n FROM unnest($4::timestamptz[], $5::int8[]) AS u (hour, n)),
        arrived AS (
            SELECT date_trunc('hour', received_at, 'UTC') AS hour, count(*) AS n
            FROM events WHERE project_id = $1 AND issue_id = $3 GROUP BY 1
        ), minutes AS (
            SELECT date_trunc('hour', minute, 'UTC') AS hour, coalesce(sum(clean_count) FILTER (WHERE issue_id = $3), 0)::int8 AS n
            FROM issue_minutes WHERE project_id = $1 AND issue_id IN ($2, $3) GROUP BY 1
        ), noted AS (
            SELECT (h->>0)::timestamptz AS hour, (h->>2)::int8 AS clean_count, (h->>3)::int4 AS peak15, (h->>4)::int4 AS peak60
            FROM merged_issues m
            CROSS JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(m.counters->'hours') WHEN 'array' THEN m.counters->'hours' ELSE '[]' END) AS h
            WHERE m.project_id = $1 AND m.id = $3
        ), gone AS (
            SELECT h.hour, h.hot, coalesce(p.n, 0) AS event_count,
                coalesce(m.n, least(h.clean_count, greatest(d.clean_count, a.n)), 0) AS clean_count,
                d.peak15, d.peak60, h.peak15 AS most15, h.peak60 AS most60
            FROM issue_hours h
            LEFT JOIN happened p ON p.hour = h.hour
            LEFT JOIN arrived a ON a.hour = h.hour
            LEFT JOIN minutes m ON m.hour = h.hour
            LEFT JOIN noted d ON d.hour = h.hour
            WHERE h.project_id = $1 AND h.issue_id = $2
        ), added AS (
            INSERT INTO issue_hours (project_id, issue_id, hour, event_count, clean_count, peak15, peak60, hot)
            SELECT $1, $3, hour, event_count, clean_count, coalesce(peak15, least(most15, clean_count)::int4),
                coalesce(peak60, least(most60, clean_count)::int4), hot
            FROM gone WHERE event_count > 0 OR clean_count > 0
        )
        UPDATE issue_hours h SET event_count = h.event_count - g.event_count, clean_count = h.clean_count - g.clean_count
        FROM gone g WHERE h.project_id = $1 AND h.issue_id = $2 AND h.hour = g.hour AND (g.event_count > 0 OR g.clean_count > 0)
        "#,
        split.project_id.0,
        split.from.0,
        split.to.0,
        &sums.keys().copied().collect::<Vec<_>>(),
        &sums.values().copied().collect::<Vec<_>>(),
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "DELETE FROM issue_hours WHERE project_id = $1 AND issue_id = $2 AND event_count = 0 AND clean_count = 0",
        split.project_id.0,
        split.from.0
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// First and last seen of what stays are bounds: what went is not looked for there.
async fn environments(tx: &mut Tx, split: &Split, facts: &BTreeMap<Fact, i64>) -> sqlx::Result<()> {
    let sums = sums(facts, |fact| fact.1.clone());
    sqlx::query!(
        r#"
        WITH gone AS (
            SELECT coalesce(k.name, $6) AS environment, sum(u.n)::int8 AS n
            FROM unnest($4::text[], $5::int8[]) AS u (name, n)
            LEFT JOIN environments k ON k.project_id = $1 AND k.name = u.name
            WHERE u.name <> '' GROUP BY 1
        ), seen AS (
            SELECT environment, min(occurred_at) AS first_at, max(occurred_at) AS last_at
            FROM events WHERE project_id = $1 AND issue_id = $3 AND environment IS NOT NULL GROUP BY 1
        ), added AS (
            INSERT INTO issue_environments (project_id, issue_id, environment, event_count, first_seen_at, last_seen_at, top_level)
            SELECT $1, $3, g.environment, g.n, coalesce(s.first_at, e.first_seen_at), coalesce(s.last_at, e.last_seen_at), e.top_level
            FROM gone g JOIN issue_environments e ON e.project_id = $1 AND e.issue_id = $2 AND e.environment = g.environment
            LEFT JOIN seen s ON s.environment = g.environment
        )
        UPDATE issue_environments e SET event_count = e.event_count - g.n
        FROM gone g WHERE e.project_id = $1 AND e.issue_id = $2 AND e.environment = g.environment
        "#,
        split.project_id.0,
        split.from.0,
        split.to.0,
        &sums.keys().cloned().collect::<Vec<_>>(),
        &sums.values().copied().collect::<Vec<_>>(),
        OTHER
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "DELETE FROM issue_environments WHERE project_id = $1 AND issue_id = $2 AND event_count = 0",
        split.project_id.0,
        split.from.0
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn releases(tx: &mut Tx, split: &Split, facts: &BTreeMap<Fact, i64>) -> sqlx::Result<()> {
    let sums = sums(facts, |fact| fact.2.clone());
    sqlx::query!(
        r#"
        WITH gone AS (
            SELECT coalesce(k.version, $6) AS release, sum(u.n)::int8 AS n
            FROM unnest($4::text[], $5::int8[]) AS u (name, n)
            LEFT JOIN releases k ON k.project_id = $1 AND k.version = u.name
            WHERE u.name <> '' GROUP BY 1
        ), seen AS (
            SELECT release, min(occurred_at) AS first_at, max(occurred_at) AS last_at
            FROM events WHERE project_id = $1 AND issue_id = $3 AND release IS NOT NULL GROUP BY 1
        ), added AS (
            INSERT INTO issue_releases (project_id, issue_id, release, event_count, first_seen_at, last_seen_at)
            SELECT $1, $3, g.release, g.n, coalesce(s.first_at, r.first_seen_at), coalesce(s.last_at, r.last_seen_at)
            FROM gone g JOIN issue_releases r ON r.project_id = $1 AND r.issue_id = $2 AND r.release = g.release
            LEFT JOIN seen s ON s.release = g.release
        )
        UPDATE issue_releases r SET event_count = r.event_count - g.n
        FROM gone g WHERE r.project_id = $1 AND r.issue_id = $2 AND r.release = g.release
        "#,
        split.project_id.0,
        split.from.0,
        split.to.0,
        &sums.keys().cloned().collect::<Vec<_>>(),
        &sums.values().copied().collect::<Vec<_>>(),
        OTHER
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "DELETE FROM issue_releases WHERE project_id = $1 AND issue_id = $2 AND event_count = 0",
        split.project_id.0,
        split.from.0
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
