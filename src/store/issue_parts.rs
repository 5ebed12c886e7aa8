//! What an issue's events have in common, and what happened to it: counters and activities, never events.

use sqlx::PgExecutor;
use time::OffsetDateTime;

use crate::domain::ids::{IssueId, ProjectId};

/// One value of a tag, with what is known of its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagCount {
    /// The tag.
    pub key: String,
    /// Its value; empty: the values beyond the most that are kept apart.
    pub value: String,
    /// Events with it.
    pub event_count: i64,
    /// Events with any value of the key.
    pub key_count: i64,
    /// Values of the key that are kept apart.
    pub value_count: i64,
    /// Whether there were more than can be kept apart.
    pub has_others: bool,
}

/// One entry of the activity list.
#[derive(Clone, Debug, PartialEq)]
pub struct Activity {
    /// Who; `None`: Bugle itself, or somebody who was removed.
    pub user: Option<(i64, String)>,
    /// `resolved`, `regressed`, ….
    pub kind: String,
    /// `escalates`, a release, ….
    pub detail: String,
    /// When.
    pub at: OffsetDateTime,
}

/// How an issue was grouped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grouping {
    /// Fingerprints that lead to the issue.
    pub hash_count: i64,
    /// Version of the algorithm behind this one.
    pub algorithm: Option<i16>,
}

/// The `most` frequent values of every tag, keys in alphabetical order.
pub async fn tags(db: impl PgExecutor<'_>, project: ProjectId, issue: IssueId, most: i64) -> sqlx::Result<Vec<TagCount>> {
    sqlx::query_as!(
        TagCount,
        r#"SELECT key, value, event_count, key_count AS "key_count!", value_count AS "value_count!", has_others AS "has_others!" FROM (
             SELECT key, value, event_count, (sum(event_count) OVER of_key)::int8 AS key_count,
                 count(*) FILTER (WHERE value <> '') OVER of_key AS value_count, bool_or(value = '') OVER of_key AS has_others,
                 row_number() OVER (PARTITION BY key ORDER BY value = '', event_count DESC, value) AS rank
             FROM issue_tags WHERE project_id = $1 AND issue_id = $2 WINDOW of_key AS (PARTITION BY key)) AS ranked
           WHERE rank <= $3 ORDER BY key, rank"#,
        project.0,
        issue.0,
        most
    )
    .fetch_all(db)
    .await
}

/// The most frequent environments.
pub async fn environments(db: impl PgExecutor<'_>, project: ProjectId, issue: IssueId, most: i64) -> sqlx::Result<Vec<(String, i64)>> {
    let rows = sqlx::query!(
        "SELECT environment, event_count FROM issue_environments WHERE project_id = $1 AND issue_id = $2 \
         ORDER BY event_count DESC, environment LIMIT $3",
        project.0,
        issue.0,
        most
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.environment, row.event_count)).collect())
}

/// The most frequent releases.
pub async fn releases(db: impl PgExecutor<'_>, project: ProjectId, issue: IssueId, most: i64) -> sqlx::Result<Vec<(String, i64)>> {
    let rows = sqlx::query!(
        "SELECT release, event_count FROM issue_releases WHERE project_id = $1 AND issue_id = $2 \
         ORDER BY event_count DESC, release LIMIT $3",
        project.0,
        issue.0,
        most
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.release, row.event_count)).collect())
}

/// What happened, newest first.
pub async fn activities(db: impl PgExecutor<'_>, project: ProjectId, issue: IssueId, most: i64) -> sqlx::Result<Vec<Activity>> {
    let rows = sqlx::query!(
        r#"SELECT a.user_id, u.name AS "name?", a.kind, a.detail, a.at FROM activities a LEFT JOIN users u ON u.id = a.user_id
             WHERE a.project_id = $1 AND a.issue_id = $2 ORDER BY a.at DESC, a.id DESC LIMIT $3"#,
        project.0,
        issue.0,
        most
    )
    .fetch_all(db)
    .await?;
    let activity = |user_id: Option<i64>, name: Option<String>| user_id.zip(name);
    let activities =
        rows.into_iter().map(|row| Activity { user: activity(row.user_id, row.name), kind: row.kind, detail: row.detail, at: row.at });
    Ok(activities.collect())
}

/// How the event with this hash came into the issue.
pub async fn grouping(db: impl PgExecutor<'_>, project: ProjectId, issue: IssueId, hash: &[u8]) -> sqlx::Result<Grouping> {
    sqlx::query_as!(
        Grouping,
        r#"SELECT count(*) AS "hash_count!", max(algorithm) FILTER (WHERE hash = $3) AS algorithm
             FROM issue_hashes WHERE project_id = $1 AND issue_id = $2"#,
        project.0,
        issue.0,
        hash
    )
    .fetch_one(db)
    .await
}

/// Clean events since `since`, from the counters per minute.
pub async fn events_since(db: impl PgExecutor<'_>, project: ProjectId, issue: IssueId, since: OffsetDateTime) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT coalesce(sum(clean_count), 0)::int8 AS "count!" FROM issue_minutes
             WHERE project_id = $1 AND issue_id = $2 AND minute > $3"#,
        project.0,
        issue.0,
        since
    )
    .fetch_one(db)
    .await
}
