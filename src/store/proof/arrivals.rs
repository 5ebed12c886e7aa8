//! What arrived in an hour: hours of the project, the accounting, the ids that were taken, and the rows.

use super::{Pair, Since, stream_pairs};
use crate::domain::ids::ProjectId;
use crate::store::Tx;

/// Every event that was taken is a row, was one that has been removed since, or is a sampled one; and has its id in `event_ids`.
pub async fn hours(tx: &mut Tx, project: ProjectId, since: Since, each: &mut impl FnMut(Pair)) -> sqlx::Result<()> {
    stream_pairs!(
        tx,
        each,
        r#"
        WITH facts AS MATERIALIZED (
            SELECT hour, sum(counted)::int8 AS counted, sum(kept)::int8 AS kept, sum(stored)::int8 AS stored,
                sum(sampled)::int8 AS sampled, sum(ids)::int8 AS ids
            FROM (
                SELECT hour, event_count AS counted, removed_count AS kept, 0 AS stored, 0 AS sampled, 0 AS ids
                FROM project_hours WHERE project_id = $1 AND hour >= $2
                UNION ALL
                SELECT date_trunc('hour', received_at, 'UTC'), 0, count(*), 0, 0, 0
                FROM events WHERE project_id = $1 AND received_at >= $2 GROUP BY 1
                UNION ALL
                SELECT hour, 0, 0, sum(item_count) FILTER (WHERE outcome = 'stored'), sum(item_count) FILTER (WHERE outcome = 'sampled'), 0
                FROM project_outcomes
                WHERE project_id = $1 AND hour >= $2 AND category IN ('error', 'security') AND outcome IN ('stored', 'sampled')
                GROUP BY 1
                UNION ALL
                SELECT date_trunc('hour', received_at, 'UTC'), 0, 0, 0, 0, count(*)
                FROM event_ids WHERE project_id = $1 AND received_at >= $2 GROUP BY 1
            ) AS seen (hour, counted, kept, stored, sampled, ids)
            GROUP BY 1
        )
        SELECT 'project_hours.event_count' AS "counter!", format('%s', hour AT TIME ZONE 'UTC') AS "row!",
            counted AS "counted!", kept + coalesce(sampled, 0) AS "found!"
        FROM facts
        UNION ALL
        SELECT 'project_outcomes (stored)', format('%s', hour AT TIME ZONE 'UTC'), coalesce(stored, 0), kept FROM facts
        UNION ALL
        SELECT 'event_ids', format('%s', hour AT TIME ZONE 'UTC'), ids, kept + coalesce(sampled, 0) FROM facts WHERE hour >= $3
        "#,
        project.0,
        since.hours,
        since.ids
    )
}
