//! Tags of issues, and releases of projects.

use super::{Pair, stream_pairs};
use crate::domain::ids::ProjectId;
use crate::store::Tx;

/// An event has a tag once, so no key of an issue counts more than the issue; and no more values than there may be. Which tags an event has
/// is said in its payload only, so this is a bound and not an equality.
pub async fn tags(tx: &mut Tx, project: ProjectId, each: &mut impl FnMut(Pair)) -> sqlx::Result<()> {
    stream_pairs!(
        tx,
        each,
        r#"
        SELECT 'issue_tags.event_count (at most)' AS "counter!", format('issue %s, %s', t.issue_id, t.key) AS "row!",
            t.n AS "counted!", least(t.n, coalesce(i.event_count, 0)) AS "found!"
        FROM (
            SELECT issue_id, key, sum(event_count)::int8 AS n FROM issue_tags WHERE project_id = $1 GROUP BY 1, 2
        ) AS t
        LEFT JOIN issues i ON i.project_id = $1 AND i.id = t.issue_id
        UNION ALL
        SELECT 'issue_tags.event_count (not zero)', format('issue %s, %s=%s', issue_id, key, value), event_count, greatest(event_count, 1)
        FROM issue_tags WHERE project_id = $1
        "#,
        project.0
    )
}

/// A release counts what its issues count under it.
pub async fn releases(tx: &mut Tx, project: ProjectId, each: &mut impl FnMut(Pair)) -> sqlx::Result<()> {
    stream_pairs!(
        tx,
        each,
        r#"
        SELECT 'releases.event_count' AS "counter!", coalesce(r.version, i.release) AS "row!",
            coalesce(r.event_count, 0) AS "counted!", coalesce(i.n, 0) AS "found!"
        FROM (SELECT version, event_count FROM releases WHERE project_id = $1) AS r
        FULL JOIN (SELECT release, sum(event_count)::int8 AS n FROM issue_releases WHERE project_id = $1 GROUP BY 1) AS i
            ON i.release = r.version
        "#,
        project.0
    )
}
