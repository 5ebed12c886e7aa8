//! What the issue list can be narrowed by, and its numbers per project. Only counters are read, never events.

use sqlx::PgExecutor;
use time::OffsetDateTime;

use crate::domain::ids::ProjectId;

/// Most tag keys that are looked up for one project.
const TAG_KEYS_MAX: i32 = 200;

fn raw(projects: &[ProjectId]) -> Vec<i64> {
    projects.iter().map(|id| id.0).collect()
}

/// Environments, the latest seen first.
pub async fn environments(db: impl PgExecutor<'_>, projects: &[ProjectId], most: i64) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "SELECT name FROM environments WHERE project_id = ANY($1) GROUP BY name ORDER BY max(last_seen_at) DESC, name LIMIT $2",
        &raw(projects),
        most
    )
    .fetch_all(db)
    .await
}

/// Releases, the newest first.
pub async fn releases(db: impl PgExecutor<'_>, projects: &[ProjectId], most: i64) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "SELECT version FROM releases WHERE project_id = ANY($1) GROUP BY version ORDER BY max(first_seen_at) DESC, version LIMIT $2",
        &raw(projects),
        most
    )
    .fetch_all(db)
    .await
}

/// The names of tags, in alphabetical order. Jumps along the index from key to key instead of reading every value.
pub async fn tag_keys(db: impl PgExecutor<'_>, projects: &[ProjectId]) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT DISTINCT found.key AS "key!" FROM unnest($1::bigint[]) AS wanted (id) CROSS JOIN LATERAL (
             WITH RECURSIVE jump (key, n) AS (
                 (SELECT key, 1 FROM issue_tags WHERE project_id = wanted.id ORDER BY key COLLATE "C" LIMIT 1)
                 UNION ALL
                 SELECT (SELECT t.key FROM issue_tags t WHERE t.project_id = wanted.id AND t.key COLLATE "C" > jump.key
                         ORDER BY t.key COLLATE "C" LIMIT 1), jump.n + 1
                 FROM jump WHERE jump.key IS NOT NULL AND jump.n < $2)
             SELECT key FROM jump WHERE key IS NOT NULL) AS found ORDER BY 1"#,
        &raw(projects),
        TAG_KEYS_MAX
    )
    .fetch_all(db)
    .await
}

/// Whether one of the projects ever said who was affected.
pub async fn sends_users(db: impl PgExecutor<'_>, projects: &[ProjectId]) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT 1 FROM issue_people WHERE project_id = ANY($1)) AS "sends!""#, &raw(projects))
        .fetch_one(db)
        .await
}

/// Clean events of the projects since `since`, from the counters per minute.
pub async fn events_since(db: impl PgExecutor<'_>, projects: &[ProjectId], since: OffsetDateTime) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT coalesce(sum(clean_count), 0)::int8 AS "count!" FROM issue_minutes WHERE minute > $2 AND project_id = ANY($1)"#,
        &raw(projects),
        since
    )
    .fetch_one(db)
    .await
}

/// When anything at all last arrived from the SDKs of the projects, sessions and refused items included; to the hour.
pub async fn last_report_hour(db: impl PgExecutor<'_>, projects: &[ProjectId]) -> sqlx::Result<Option<OffsetDateTime>> {
    sqlx::query_scalar!(
        "SELECT max(last.hour) FROM unnest($1::bigint[]) AS wanted (id) CROSS JOIN LATERAL \
             (SELECT hour FROM project_outcomes WHERE project_id = wanted.id ORDER BY hour DESC LIMIT 1) AS last",
        &raw(projects)
    )
    .fetch_one(db)
    .await
}
