//! `monitors` and `check_ins`: jobs, and what they told of their runs.

use serde_json::Value;
use sqlx::PgExecutor;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Db, Tx};
use crate::domain::ids::ProjectId;

/// A job.
#[derive(Clone, Debug)]
pub struct Monitor {
    /// Whose.
    pub project_id: ProjectId,
    /// Unique in its project.
    pub slug: String,
    /// As last sent.
    pub config: Value,
    /// When it was first heard of.
    pub created_at: OffsetDateTime,
}

/// A run of a job.
#[derive(Clone, Debug)]
pub struct Run {
    /// Made by the client.
    pub check_in_id: Uuid,
    /// Of the job.
    pub slug: String,
    /// '' where none was given.
    pub environment: String,
    /// `in_progress`, `ok` or `error`.
    pub status: String,
    /// In milliseconds.
    pub duration_ms: Option<i64>,
    /// Of its errors.
    pub trace_id: Option<String>,
    /// Of which version.
    pub release: Option<String>,
    /// When the first word of it arrived.
    pub started_at: OffsetDateTime,
    /// When the last word of it arrived.
    pub updated_at: OffsetDateTime,
}

/// Locks a monitor; whether there is one.
pub async fn lock(tx: &mut Tx, project: ProjectId, slug: &str) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!("SELECT slug FROM monitors WHERE project_id = $1 AND slug = $2 FOR UPDATE", project.0, slug);
    Ok(found.fetch_optional(&mut **tx).await?.is_some())
}

/// Monitors of a project; there are never many.
pub async fn count(tx: &mut Tx, project: ProjectId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM monitors WHERE project_id = $1"#, project.0).fetch_one(&mut **tx).await
}

/// Makes a monitor, or changes when it should run.
pub async fn upsert(tx: &mut Tx, project: ProjectId, slug: &str, config: &Value, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        INSERT INTO monitors AS m (project_id, slug, config, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)
        ON CONFLICT (project_id, slug) DO UPDATE SET config = excluded.config, updated_at = excluded.updated_at
        WHERE m.config <> excluded.config
        "#,
        project.0,
        slug,
        config,
        now
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The latest run that has not ended.
pub async fn find_in_progress(tx: &mut Tx, project: ProjectId, slug: &str, environment: &str) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        r#"
        SELECT check_in_id FROM check_ins
        WHERE project_id = $1 AND slug = $2 AND environment = $3 AND status = 'in_progress'
        ORDER BY started_at DESC, check_in_id DESC LIMIT 1
        "#,
        project.0,
        slug,
        environment
    )
    .fetch_optional(&mut **tx)
    .await
}

/// Whether a run would be a new one of a monitor that began `max` of them since `since`.
pub async fn is_full(tx: &mut Tx, project: ProjectId, run: &Run, since: OffsetDateTime, max: i64) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        SELECT NOT EXISTS (SELECT FROM check_ins WHERE project_id = $1 AND check_in_id = $2)
            AND (SELECT count(*) FROM (
                SELECT FROM check_ins WHERE project_id = $1 AND slug = $3 AND started_at > $4 LIMIT $5
            ) AS lately) >= $5 AS "is_full!"
        "#,
        project.0,
        run.check_in_id,
        run.slug,
        since,
        max
    )
    .fetch_one(&mut **tx)
    .await
}

/// Stores a run, or what is new of it: one that has ended is not in progress again. `false`: the id is that of a run of another monitor.
pub async fn record(tx: &mut Tx, project: ProjectId, run: &Run) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        INSERT INTO check_ins AS c
            (project_id, check_in_id, slug, environment, status, duration_ms, trace_id, release, started_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
        ON CONFLICT (project_id, check_in_id) DO UPDATE SET
            status = CASE WHEN excluded.status = 'in_progress' THEN c.status ELSE excluded.status END,
            duration_ms = coalesce(excluded.duration_ms, c.duration_ms,
                CASE WHEN excluded.status <> 'in_progress' AND c.status = 'in_progress'
                THEN greatest(0, extract(epoch FROM excluded.updated_at - c.started_at) * 1000)::int8 END),
            trace_id = coalesce(c.trace_id, excluded.trace_id),
            release = coalesce(c.release, excluded.release),
            updated_at = greatest(c.updated_at, excluded.updated_at)
        WHERE c.slug = excluded.slug
        "#,
        project.0,
        run.check_in_id,
        run.slug,
        run.environment,
        run.status,
        run.duration_ms,
        run.trace_id,
        run.release,
        run.started_at
    );
    Ok(done.execute(&mut **tx).await?.rows_affected() > 0)
}

/// All monitors of projects, by project and slug.
pub async fn list(db: impl PgExecutor<'_>, projects: &[ProjectId]) -> sqlx::Result<Vec<Monitor>> {
    let rows = sqlx::query!(
        "SELECT project_id, slug, config, created_at FROM monitors WHERE project_id = ANY($1) ORDER BY project_id, slug",
        &projects.iter().map(|project| project.0).collect::<Vec<_>>()
    )
    .fetch_all(db)
    .await?;
    let monitor =
        |row: (i64, String, Value, OffsetDateTime)| Monitor { project_id: ProjectId(row.0), slug: row.1, config: row.2, created_at: row.3 };
    Ok(rows.into_iter().map(|row| monitor((row.project_id, row.slug, row.config, row.created_at))).collect())
}

/// The newest runs of a monitor, at most `limit`.
pub async fn runs(db: impl PgExecutor<'_>, project: ProjectId, slug: &str, limit: i64) -> sqlx::Result<Vec<Run>> {
    sqlx::query_as!(
        Run,
        r#"
        SELECT check_in_id, slug, environment, status, duration_ms, trace_id, release, started_at, updated_at
        FROM check_ins WHERE project_id = $1 AND slug = $2
        ORDER BY started_at DESC, check_in_id DESC LIMIT $3
        "#,
        project.0,
        slug,
        limit
    )
    .fetch_all(db)
    .await
}

/// Forgets at most `limit` runs that began before `before`.
pub async fn trim(db: &Db, before: OffsetDateTime, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM check_ins WHERE ctid = ANY (ARRAY(SELECT ctid FROM check_ins WHERE started_at < $1 ORDER BY started_at LIMIT $2))",
        before,
        limit
    );
    Ok(done.execute(db).await?.rows_affected())
}
