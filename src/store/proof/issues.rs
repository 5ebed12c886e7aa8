//! What issues count: their events in all, by hour, by environment and by release; their people; their minutes.

use super::{Pair, Since, stream_pairs};
use crate::domain::ids::ProjectId;
use crate::store::Tx;
use crate::store::counters::OTHER;

/// Reads the events of the project once, without their payloads, folded by what the counters distinguish. An environment or a release that
/// the project has no place for is counted as one of the others (`counters::OTHER`). Events of deleted issues count for nobody until they are
/// gone.
pub async fn against_events(tx: &mut Tx, project: ProjectId, since: Since, each: &mut impl FnMut(Pair)) -> sqlx::Result<()> {
    stream_pairs!(
        tx,
        each,
        r#"
        WITH facts AS MATERIALIZED (
            SELECT s.issue_id, s.hour, sum(s.event_count)::int8 AS n,
                CASE WHEN s.environment = '' OR e.name IS NOT NULL THEN s.environment ELSE $3 END AS environment,
                CASE WHEN s.release = '' OR r.version IS NOT NULL THEN s.release ELSE $3 END AS release
            FROM (
                SELECT issue_id, date_trunc('hour', occurred_at, 'UTC') AS hour, coalesce(environment, '') AS environment,
                    coalesce(release, '') AS release, count(*) AS event_count
                FROM events WHERE project_id = $1
                GROUP BY 1, 2, 3, 4
                UNION ALL
                SELECT issue_id, hour, environment, release, event_count FROM absent_events WHERE project_id = $1
            ) AS s
            LEFT JOIN environments e ON e.project_id = $1 AND e.name = s.environment
            LEFT JOIN releases r ON r.project_id = $1 AND r.version = s.release
            WHERE NOT EXISTS (SELECT FROM removals d WHERE d.project_id = $1 AND d.issue_id = s.issue_id)
            GROUP BY 1, 2, 4, 5
        )
        SELECT 'issues.event_count' AS "counter!", 'issue ' || coalesce(i.id, f.issue_id) AS "row!",
            coalesce(i.event_count, 0) AS "counted!", coalesce(f.n, 0) AS "found!"
        FROM (SELECT id, event_count FROM issues WHERE project_id = $1) AS i
        FULL JOIN (SELECT issue_id, sum(n)::int8 AS n FROM facts GROUP BY 1) AS f ON f.issue_id = i.id
        UNION ALL
        SELECT 'issue_hours.event_count', format('issue %s, %s', coalesce(h.issue_id, f.issue_id), coalesce(h.hour, f.hour) AT TIME ZONE 'UTC'),
            coalesce(h.event_count, 0), coalesce(f.n, 0)
        FROM (SELECT issue_id, hour, event_count FROM issue_hours WHERE project_id = $1 AND hour >= $2) AS h
        FULL JOIN (SELECT issue_id, hour, sum(n)::int8 AS n FROM facts WHERE hour >= $2 GROUP BY 1, 2) AS f
            ON f.issue_id = h.issue_id AND f.hour = h.hour
        UNION ALL
        SELECT 'issue_environments.event_count', format('issue %s, %s', coalesce(e.issue_id, f.issue_id), coalesce(e.environment, f.environment)),
            coalesce(e.event_count, 0), coalesce(f.n, 0)
        FROM (SELECT issue_id, environment, event_count FROM issue_environments WHERE project_id = $1) AS e
        FULL JOIN (SELECT issue_id, environment, sum(n)::int8 AS n FROM facts WHERE environment <> '' GROUP BY 1, 2) AS f
            ON f.issue_id = e.issue_id AND f.environment = e.environment
        UNION ALL
        SELECT 'issue_releases.event_count', format('issue %s, %s', coalesce(r.issue_id, f.issue_id), coalesce(r.release, f.release)),
            coalesce(r.event_count, 0), coalesce(f.n, 0)
        FROM (SELECT issue_id, release, event_count FROM issue_releases WHERE project_id = $1) AS r
        FULL JOIN (SELECT issue_id, release, sum(n)::int8 AS n FROM facts WHERE release <> '' GROUP BY 1, 2) AS f
            ON f.issue_id = r.issue_id AND f.release = r.release
        "#,
        project.0,
        since.hours,
        OTHER
    )
}

/// People are never forgotten, so this holds for ever.
pub async fn people(tx: &mut Tx, project: ProjectId, each: &mut impl FnMut(Pair)) -> sqlx::Result<()> {
    stream_pairs!(
        tx,
        each,
        r#"
        SELECT 'issues.user_count' AS "counter!", 'issue ' || coalesce(i.id, p.issue_id) AS "row!",
            coalesce(i.user_count, 0) AS "counted!", coalesce(p.n, 0) AS "found!"
        FROM (SELECT id, user_count FROM issues WHERE project_id = $1) AS i
        FULL JOIN (SELECT issue_id, count(*) AS n FROM issue_people WHERE project_id = $1 GROUP BY 1) AS p ON p.issue_id = i.id
        "#,
        project.0
    )
}

/// Clean events by minute against the same by hour, and the capped count, which is at most the clean one.
pub async fn minutes(tx: &mut Tx, project: ProjectId, since: Since, each: &mut impl FnMut(Pair)) -> sqlx::Result<()> {
    stream_pairs!(
        tx,
        each,
        r#"
        SELECT 'issue_minutes.clean_count' AS "counter!",
            format('issue %s, %s', coalesce(m.issue_id, h.issue_id), coalesce(m.hour, h.hour) AT TIME ZONE 'UTC') AS "row!",
            coalesce(m.n, 0) AS "counted!", coalesce(h.clean_count, 0) AS "found!"
        FROM (
            SELECT issue_id, date_trunc('hour', minute, 'UTC') AS hour, sum(clean_count)::int8 AS n
            FROM issue_minutes WHERE project_id = $1 AND minute >= $2
            GROUP BY 1, 2
        ) AS m
        FULL JOIN (SELECT issue_id, hour, clean_count FROM issue_hours WHERE project_id = $1 AND hour >= $2) AS h
            ON h.issue_id = m.issue_id AND h.hour = m.hour
        UNION ALL
        SELECT 'issue_minutes.capped_count', format('issue %s, %s', issue_id, minute AT TIME ZONE 'UTC'),
            capped_count::int8, least(capped_count, clean_count)::int8
        FROM issue_minutes WHERE project_id = $1 AND minute >= $2
        "#,
        project.0,
        since.minutes
    )
}
