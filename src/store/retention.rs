//! How long a project keeps its events, where that is less than the installation's time.

use sqlx::PgExecutor;
use time::OffsetDateTime;

use super::Tx;
use crate::domain::ids::ProjectId;

/// Projects with a time of their own, in days.
pub async fn list_own(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<(ProjectId, u32)>> {
    let rows = sqlx::query!(r#"SELECT id, retention_days AS "days!" FROM projects WHERE retention_days IS NOT NULL ORDER BY id"#)
        .fetch_all(db)
        .await?;
    Ok(rows.into_iter().map(|row| (ProjectId(row.id), u32::try_from(row.days).unwrap_or(u32::MAX))).collect())
}

/// The project's own time, in days; `None`: the installation's.
pub async fn find(db: impl PgExecutor<'_>, project: ProjectId) -> sqlx::Result<Option<u32>> {
    let days = sqlx::query_scalar!("SELECT retention_days FROM projects WHERE id = $1", project.0).fetch_optional(db).await?;
    Ok(days.flatten().and_then(|days| u32::try_from(days).ok()))
}

/// How long events of the project are kept, in days: its own time, at most `installation`.
pub async fn days_of(db: impl PgExecutor<'_>, project: ProjectId, installation: u32) -> sqlx::Result<u32> {
    Ok(find(db, project).await?.map_or(installation, |own| own.min(installation)))
}

/// Sets or clears it.
pub async fn set(tx: &mut Tx, project: ProjectId, days: Option<u32>) -> sqlx::Result<()> {
    let days = days.map(|days| i32::try_from(days).unwrap_or(i32::MAX));
    sqlx::query!("UPDATE projects SET retention_days = $2 WHERE id = $1", project.0, days).execute(&mut **tx).await?;
    Ok(())
}

/// Arrival of some event of the project that arrived before `before`. One look into the index of each older day.
pub async fn find_before(db: impl PgExecutor<'_>, project: ProjectId, before: OffsetDateTime) -> sqlx::Result<Option<OffsetDateTime>> {
    sqlx::query_scalar!(
        r#"
        SELECT received_at
        FROM events
        WHERE project_id = $1 AND received_at < $2
        ORDER BY project_id, issue_id, received_at DESC, event_id DESC
        LIMIT 1
        "#,
        project.0,
        before
    )
    .fetch_optional(db)
    .await
}
