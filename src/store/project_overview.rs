//! The list of projects: what happened today, per project. Reads counters only.

use sqlx::PgExecutor;
use time::{Duration, OffsetDateTime};

use crate::domain::ids::ProjectId;
use crate::domain::user::User;

/// Issues are counted up to this many per project.
pub const COUNT_MAX: i64 = 10_000;

/// One line of the list.
#[derive(Clone, Debug)]
pub struct OverviewRow {
    /// Key.
    pub id: ProjectId,
    /// Its part of every address.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// What it runs on, by key.
    pub platform: String,
    /// Arrival of its latest event.
    pub last_event_at: Option<OffsetDateTime>,
    /// Issues first seen since the start of today, in UTC.
    pub new_count: i64,
    /// Unresolved issues, counted up to [`COUNT_MAX`].
    pub unresolved_count: i64,
    /// An unresolved issue is in a spike.
    pub spiking: bool,
    /// The release that appeared last.
    pub latest_release: Option<String>,
}

/// Events of one hour of one project.
pub struct HourRow {
    /// Which project.
    pub project_id: ProjectId,
    /// Start of the hour.
    pub hour: OffsetDateTime,
    /// Events that arrived.
    pub event_count: i64,
}

/// What `viewer` may see, by trouble: spiking, new today, then by name.
pub async fn list(db: impl PgExecutor<'_>, viewer: &User, now: OffsetDateTime) -> sqlx::Result<Vec<OverviewRow>> {
    let today = now.replace_time(time::Time::MIDNIGHT);
    let rows = sqlx::query!(
        r#"SELECT p.id, p.slug, p.name, p.platform, p.last_event_at,
                  (SELECT count(*) FROM (SELECT 1 FROM issues i WHERE i.project_id = p.id AND i.status = 'unresolved' LIMIT $5) u)
                      AS "unresolved_count!",
                  (SELECT count(*) FROM (SELECT 1 FROM issues i
                      WHERE i.project_id = p.id AND i.status IN ('unresolved', 'resolved', 'ignored')
                        AND i.last_seen_at >= $3 AND i.first_seen_at >= $3 LIMIT $5) n) AS "new_count!",
                  EXISTS (SELECT 1 FROM issues i
                      WHERE i.project_id = p.id AND i.status = 'unresolved' AND i.last_seen_at >= $4 AND i.spiking_since IS NOT NULL)
                      AS "spiking!",
                  (SELECT r.version FROM releases r WHERE r.project_id = p.id AND r.version <> '(other)' ORDER BY r.first_seen_at DESC, r.version DESC LIMIT 1)
                      AS latest_release
           FROM projects p
           WHERE $1 OR EXISTS (SELECT 1 FROM project_members m WHERE m.project_id = p.id AND m.user_id = $2)"#,
        viewer.role.may_administer(),
        viewer.id.0,
        today,
        now - Duration::DAY,
        COUNT_MAX
    )
    .fetch_all(db)
    .await?;
    let mut rows: Vec<_> = rows
        .into_iter()
        .map(|r| OverviewRow {
            id: ProjectId(r.id),
            slug: r.slug,
            name: r.name,
            platform: r.platform,
            last_event_at: r.last_event_at,
            new_count: r.new_count,
            unresolved_count: r.unresolved_count,
            spiking: r.spiking,
            latest_release: r.latest_release,
        })
        .collect();
    rows.sort_by_cached_key(|row| (!row.spiking, -row.new_count, row.name.to_lowercase(), row.id));
    Ok(rows)
}

/// Events per hour of some projects since a moment.
pub async fn hours(db: impl PgExecutor<'_>, projects: &[ProjectId], since: OffsetDateTime) -> sqlx::Result<Vec<HourRow>> {
    let ids: Vec<i64> = projects.iter().map(|id| id.0).collect();
    let rows =
        sqlx::query!("SELECT project_id, hour, event_count FROM project_hours WHERE project_id = ANY($1) AND hour >= $2", &ids, since)
            .fetch_all(db)
            .await?;
    Ok(rows.into_iter().map(|r| HourRow { project_id: ProjectId(r.project_id), hour: r.hour, event_count: r.event_count }).collect())
}

/// What arrived for a project since a moment and did not become an event: outcome, reason, count; the most frequent first.
pub async fn refusals(db: impl PgExecutor<'_>, project: ProjectId, since: OffsetDateTime) -> sqlx::Result<Vec<(String, String, i64)>> {
    let rows = sqlx::query!(
        r#"SELECT outcome, reason, sum(item_count)::int8 AS "count!" FROM project_outcomes
           WHERE project_id = $1 AND hour >= date_trunc('hour', $2::timestamptz) AND outcome NOT IN ('stored', 'duplicate')
           GROUP BY outcome, reason ORDER BY 3 DESC, 1, 2 LIMIT 5"#,
        project.0,
        since
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|r| (r.outcome, r.reason, r.count)).collect())
}
