//! `project_outcomes` for the page about what became of everything that arrived. Hours are kept as long as the charts look back.

use sqlx::PgExecutor;
use time::OffsetDateTime;

use crate::domain::ids::ProjectId;

/// Items of an hour that ended the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hour {
    /// When it began.
    pub hour: OffsetDateTime,
    /// As `domain::outcome::Outcome::parts` names it.
    pub outcome: String,
    /// How many.
    pub item_count: i64,
}

/// Items that ended the same way for the same reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// As `domain::outcome::Outcome::parts` names it.
    pub outcome: String,
    /// '' where the outcome needs none.
    pub reason: String,
    /// The protocol's data category.
    pub category: String,
    /// How many.
    pub item_count: i64,
}

/// Per hour and outcome since `since`.
pub async fn hours(db: impl PgExecutor<'_>, project: ProjectId, since: OffsetDateTime) -> sqlx::Result<Vec<Hour>> {
    sqlx::query_as!(
        Hour,
        r#"
        SELECT hour, outcome, sum(item_count)::int8 AS "item_count!"
        FROM project_outcomes
        WHERE project_id = $1 AND hour >= $2
        GROUP BY hour, outcome
        ORDER BY hour, outcome
        "#,
        project.0,
        since
    )
    .fetch_all(db)
    .await
}

/// What filters dropped in an hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drops {
    /// Which filter.
    pub reason: String,
    /// When it began.
    pub hour: OffsetDateTime,
    /// How many.
    pub item_count: i64,
}

/// Events left out under each of `reasons` since `since`, by the hour. Files that went with them are not counted.
pub async fn drops(db: impl PgExecutor<'_>, project: ProjectId, since: OffsetDateTime, reasons: &[String]) -> sqlx::Result<Vec<Drops>> {
    sqlx::query_as!(
        Drops,
        r#"
        SELECT reason, hour, sum(item_count)::int8 AS "item_count!"
        FROM project_outcomes
        WHERE project_id = $1 AND hour >= $2 AND outcome = 'filtered' AND category IN ('error', 'security') AND reason = ANY ($3)
        GROUP BY reason, hour
        ORDER BY reason, hour
        "#,
        project.0,
        since,
        reasons
    )
    .fetch_all(db)
    .await
}

/// Per outcome, reason and category since `since`, the most frequent first; at most `limit`.
pub async fn endings(db: impl PgExecutor<'_>, project: ProjectId, since: OffsetDateTime, limit: i64) -> sqlx::Result<Vec<Ending>> {
    sqlx::query_as!(
        Ending,
        r#"
        SELECT outcome, reason, category, sum(item_count)::int8 AS "item_count!"
        FROM project_outcomes
        WHERE project_id = $1 AND hour >= $2
        GROUP BY outcome, reason, category
        HAVING sum(item_count) <> 0
        ORDER BY sum(item_count) DESC, outcome, reason, category
        LIMIT $3
        "#,
        project.0,
        since,
        limit
    )
    .fetch_all(db)
    .await
}
