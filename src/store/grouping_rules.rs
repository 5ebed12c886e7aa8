//! `grouping_rules`: the fingerprint and stack trace rules of the projects, with the versions before.

use sqlx::PgExecutor;
use time::OffsetDateTime;

use super::Tx;
use crate::domain::grouping_rules::RuleTexts;
use crate::domain::ids::{ProjectId, UserId};

/// Versions of a project that are kept.
const VERSIONS_MAX: i64 = 30;

/// What a project saved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// Grows with every change; 0: nothing was ever saved.
    pub revision: i64,
    /// The rules.
    pub texts: RuleTexts,
}

/// A version, without its texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its number.
    pub revision: i64,
    /// When it was saved.
    pub saved_at: OffsetDateTime,
    /// By whom; `None`: somebody who was removed.
    pub user: Option<String>,
    /// Lines of either text, comments and blank lines too.
    pub fingerprint_count: i64,
    /// The same of the stack trace rules.
    pub stack_count: i64,
}

/// The rules that hold.
pub async fn newest(db: impl PgExecutor<'_>, project: ProjectId) -> sqlx::Result<Saved> {
    Ok(list(db, &[project]).await?.pop().map(|(_, saved)| saved).unwrap_or_default())
}

/// The rules that hold in these projects, where there are any.
pub async fn list(db: impl PgExecutor<'_>, projects: &[ProjectId]) -> sqlx::Result<Vec<(ProjectId, Saved)>> {
    let rows = sqlx::query!(
        "SELECT project_id, revision, fingerprint, stack FROM grouping_rules WHERE project_id = ANY ($1) AND is_newest",
        &projects.iter().map(|project| project.0).collect::<Vec<_>>()
    )
    .fetch_all(db)
    .await?;
    let saved = |revision, fingerprint, stack| Saved { revision, texts: RuleTexts { fingerprint, stack } };
    Ok(rows.into_iter().map(|row| (ProjectId(row.project_id), saved(row.revision, row.fingerprint, row.stack))).collect())
}

/// Which version holds in each project that has ever had rules.
pub async fn revisions(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<(ProjectId, i64)>> {
    let rows = sqlx::query!("SELECT project_id, revision FROM grouping_rules WHERE is_newest ORDER BY project_id").fetch_all(db).await?;
    Ok(rows.into_iter().map(|row| (ProjectId(row.project_id), row.revision)).collect())
}

/// The versions of a project, newest first.
pub async fn versions(db: impl PgExecutor<'_>, project: ProjectId) -> sqlx::Result<Vec<Version>> {
    sqlx::query_as!(
        Version,
        r#"
        SELECT r.revision, r.saved_at, u.name AS "user?",
            (length(r.fingerprint) - length(replace(r.fingerprint, E'\n', '')) + (r.fingerprint <> '')::int)::int8 AS "fingerprint_count!",
            (length(r.stack) - length(replace(r.stack, E'\n', '')) + (r.stack <> '')::int)::int8 AS "stack_count!"
        FROM grouping_rules r LEFT JOIN users u ON u.id = r.user_id
        WHERE r.project_id = $1 ORDER BY r.revision DESC
        "#,
        project.0
    )
    .fetch_all(db)
    .await
}

/// One version of a project.
pub async fn version(db: impl PgExecutor<'_>, project: ProjectId, revision: i64) -> sqlx::Result<Option<RuleTexts>> {
    sqlx::query_as!(RuleTexts, "SELECT fingerprint, stack FROM grouping_rules WHERE project_id = $1 AND revision = $2", project.0, revision)
        .fetch_optional(db)
        .await
}

/// Saves the next version after `base`; false: that is not the newest any more. Versions too many go.
pub async fn insert(tx: &mut Tx, project: ProjectId, base: i64, texts: &RuleTexts, user: UserId, at: OffsetDateTime) -> sqlx::Result<bool> {
    let retired =
        sqlx::query!("UPDATE grouping_rules SET is_newest = false WHERE project_id = $1 AND revision = $2 AND is_newest", project.0, base)
            .execute(&mut **tx)
            .await?;
    if base != 0 && retired.rows_affected() == 0 {
        return Ok(false);
    }
    let inserted = sqlx::query!(
        "INSERT INTO grouping_rules (project_id, revision, is_newest, fingerprint, stack, user_id, saved_at) VALUES ($1, $2, true, $3, $4, $5, $6)
         ON CONFLICT DO NOTHING",
        project.0,
        base + 1,
        texts.fingerprint,
        texts.stack,
        user.0,
        at
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!("DELETE FROM grouping_rules WHERE project_id = $1 AND revision <= $2", project.0, base + 1 - VERSIONS_MAX)
        .execute(&mut **tx)
        .await?;
    Ok(inserted.rows_affected() > 0)
}
