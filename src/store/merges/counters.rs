//! The counters of two issues become those of one.

use sqlx::AssertSqlSafe;

use super::Merge;
use crate::store::Tx;

/// One statement per table: what the one has is added to what the other has. What it had goes with its row.
const SUMS: &[&str] = &[
    "INSERT INTO issue_minutes AS m (project_id, issue_id, minute, clean_count, capped_count)
     SELECT project_id, $3, minute, clean_count, capped_count FROM issue_minutes WHERE project_id = $1 AND issue_id = $2
     ON CONFLICT (project_id, issue_id, minute) DO UPDATE
     SET clean_count = m.clean_count + excluded.clean_count, capped_count = m.capped_count + excluded.capped_count",
    "INSERT INTO issue_quarter_people AS q (project_id, issue_id, quarter, person, event_count, last_seen_at)
     SELECT project_id, $3, quarter, person, event_count, last_seen_at FROM issue_quarter_people WHERE project_id = $1 AND issue_id = $2
     ON CONFLICT (project_id, issue_id, quarter, person) DO UPDATE
     SET event_count = q.event_count + excluded.event_count, last_seen_at = greatest(q.last_seen_at, excluded.last_seen_at)",
    "INSERT INTO issue_hours AS h (project_id, issue_id, hour, event_count, clean_count, peak15, peak60, hot)
     SELECT project_id, $3, hour, event_count, clean_count, peak15, peak60, hot FROM issue_hours WHERE project_id = $1 AND issue_id = $2
     ON CONFLICT (project_id, issue_id, hour) DO UPDATE
     SET event_count = h.event_count + excluded.event_count, clean_count = h.clean_count + excluded.clean_count,
         peak15 = greatest(h.peak15, excluded.peak15), peak60 = greatest(h.peak60, excluded.peak60), hot = h.hot OR excluded.hot",
    "INSERT INTO issue_environments AS e (project_id, issue_id, environment, event_count, first_seen_at, last_seen_at, top_level)
     SELECT project_id, $3, environment, event_count, first_seen_at, last_seen_at, top_level
     FROM issue_environments WHERE project_id = $1 AND issue_id = $2
     ON CONFLICT (project_id, issue_id, environment) DO UPDATE
     SET event_count = e.event_count + excluded.event_count, first_seen_at = least(e.first_seen_at, excluded.first_seen_at),
         last_seen_at = greatest(e.last_seen_at, excluded.last_seen_at), top_level = greatest(e.top_level, excluded.top_level)",
    "INSERT INTO issue_releases AS r (project_id, issue_id, release, event_count, first_seen_at, last_seen_at)
     SELECT project_id, $3, release, event_count, first_seen_at, last_seen_at FROM issue_releases WHERE project_id = $1 AND issue_id = $2
     ON CONFLICT (project_id, issue_id, release) DO UPDATE
     SET event_count = r.event_count + excluded.event_count, first_seen_at = least(r.first_seen_at, excluded.first_seen_at),
         last_seen_at = greatest(r.last_seen_at, excluded.last_seen_at)",
    "INSERT INTO issue_tags AS t (project_id, issue_id, key, value, event_count, last_seen_at)
     SELECT project_id, $3, key, value, event_count, last_seen_at FROM issue_tags WHERE project_id = $1 AND issue_id = $2
     ON CONFLICT (project_id, issue_id, key, value) DO UPDATE
     SET event_count = t.event_count + excluded.event_count, last_seen_at = greatest(t.last_seen_at, excluded.last_seen_at)",
    "INSERT INTO issue_samples AS s (project_id, issue_id, hour, event_count, kept_count)
     SELECT project_id, $3, hour, event_count, kept_count FROM issue_samples WHERE project_id = $1 AND issue_id = $2
     ON CONFLICT (project_id, issue_id, hour) DO UPDATE
     SET event_count = s.event_count + excluded.event_count, kept_count = s.kept_count + excluded.kept_count",
    "INSERT INTO absent_events AS a (project_id, issue_id, hour, environment, release, event_count)
     SELECT project_id, $3, hour, environment, release, event_count FROM absent_events WHERE project_id = $1 AND issue_id = $2
     ON CONFLICT (project_id, issue_id, hour, environment, release) DO UPDATE SET event_count = a.event_count + excluded.event_count",
];

/// Adds the counters of the one to those of the other. A person whom both saw in a quarter of an hour may be counted more often than the cap
/// allows in the minutes of that quarter; everything else is exact.
pub(super) async fn add_up(tx: &mut Tx, merge: &Merge) -> sqlx::Result<()> {
    for statement in SUMS {
        let sum = sqlx::query(AssertSqlSafe(*statement)).bind(merge.project_id.0).bind(merge.from.0).bind(merge.into.0);
        sum.execute(&mut **tx).await?;
    }
    Ok(())
}

/// Adds the people, and tells how many of them the other issue had not seen.
pub(super) async fn move_people(tx: &mut Tx, merge: &Merge) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"
        WITH seen AS (
            INSERT INTO issue_people AS p (project_id, issue_id, person, last_seen_at)
            SELECT project_id, $3, person, last_seen_at FROM issue_people WHERE project_id = $1 AND issue_id = $2
            ON CONFLICT (project_id, issue_id, person) DO UPDATE SET last_seen_at = greatest(p.last_seen_at, excluded.last_seen_at)
            RETURNING xmax = 0 AS is_new
        )
        SELECT count(*) FILTER (WHERE is_new) AS "new_count!" FROM seen
        "#,
        merge.project_id.0,
        merge.from.0,
        merge.into.0
    )
    .fetch_one(&mut **tx)
    .await
}
