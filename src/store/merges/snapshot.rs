//! An issue as it is before it is merged: what undoing it needs and nothing else knows afterwards.

use super::Merge;
use crate::store::Tx;
use crate::store::text::clean;

/// Writes the row in `merged_issues`. Arrays instead of objects, so that a hundred thousand people are a few megabytes, compressed; of
/// each it is said whether the other issue had not seen them.
pub(super) async fn write(tx: &mut Tx, merge: &Merge) -> sqlx::Result<()> {
    let reason = clean(&merge.reason);
    sqlx::query!(
        r#"
        INSERT INTO merged_issues (project_id, id, into_id, first_into_id, merged_at, user_id, reason, issue, counters)
        SELECT i.project_id, i.id, $3, $3, $4, $5, $6, to_jsonb(i), jsonb_build_object(
            'hours', (SELECT jsonb_agg(jsonb_build_array(h.hour, h.event_count, h.clean_count, h.peak15, h.peak60, h.hot))
                FROM issue_hours h WHERE h.project_id = $1 AND h.issue_id = $2),
            'environments', (SELECT jsonb_agg(jsonb_build_array(e.environment, e.event_count, e.first_seen_at, e.last_seen_at, e.top_level))
                FROM issue_environments e WHERE e.project_id = $1 AND e.issue_id = $2),
            'releases', (SELECT jsonb_agg(jsonb_build_array(r.release, r.event_count, r.first_seen_at, r.last_seen_at))
                FROM issue_releases r WHERE r.project_id = $1 AND r.issue_id = $2),
            'tags', (SELECT jsonb_agg(jsonb_build_array(t.key, t.value, t.event_count, t.last_seen_at))
                FROM issue_tags t WHERE t.project_id = $1 AND t.issue_id = $2),
            'people', (SELECT jsonb_agg(jsonb_build_array(encode(p.person, 'hex'), p.last_seen_at,
                NOT EXISTS (SELECT FROM issue_people o WHERE o.project_id = $1 AND o.issue_id = $3 AND o.person = p.person)))
                FROM issue_people p WHERE p.project_id = $1 AND p.issue_id = $2),
            'facts', (SELECT jsonb_agg(jsonb_build_array(f.hour, f.environment, f.release, f.event_count)) FROM (
                SELECT s.hour, s.environment, s.release, sum(s.event_count)::int8 AS event_count
                FROM (
                    SELECT date_trunc('hour', occurred_at, 'UTC') AS hour, coalesce(environment, '') AS environment,
                        coalesce(release, '') AS release, count(*) AS event_count
                    FROM events WHERE project_id = $1 AND issue_id = $2
                    GROUP BY 1, 2, 3
                    UNION ALL
                    SELECT hour, environment, release, event_count FROM absent_events WHERE project_id = $1 AND issue_id = $2
                ) AS s
                GROUP BY 1, 2, 3) AS f))
        FROM issues i
        WHERE i.project_id = $1 AND i.id = $2
        "#,
        merge.project_id.0,
        merge.from.0,
        merge.into.0,
        merge.at,
        merge.user_id.map(|user| user.0),
        reason.as_ref(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
