//! `filters`: what the projects that chose something do not want at all.

use sqlx::PgExecutor;

use super::Tx;
use crate::domain::filters::{Chosen, Filter};
use crate::domain::ids::ProjectId;

/// What a project chose; nothing where it chose nothing.
pub async fn get(db: impl PgExecutor<'_>, project: ProjectId) -> sqlx::Result<Chosen> {
    Ok(list(db, &[project]).await?.pop().map(|(_, chosen)| chosen).unwrap_or_default())
}

/// How often each project has changed its rules, be it what is filtered or what is scrubbed. Projects that chose nothing are left out.
pub async fn revisions(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<(ProjectId, i64)>> {
    let rows = sqlx::query!(
        r#"
        SELECT project_id AS "project_id!", sum(revision)::int8 AS "revision!"
        FROM (SELECT project_id, revision FROM scrubbing UNION ALL SELECT project_id, revision FROM filters) AS chosen
        GROUP BY project_id
        ORDER BY project_id
        "#
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (ProjectId(row.project_id), row.revision)).collect())
}

/// What these projects chose.
pub async fn list(db: impl PgExecutor<'_>, projects: &[ProjectId]) -> sqlx::Result<Vec<(ProjectId, Chosen)>> {
    let ids: Vec<i64> = projects.iter().map(|project| project.0).collect();
    let rows = sqlx::query!(
        r#"
        SELECT project_id, messages, releases, environments, loggers, urls, addresses, switched_on
        FROM filters
        WHERE project_id = ANY ($1)
        "#,
        &ids
    )
    .fetch_all(db)
    .await?;
    let chosen = rows.into_iter().map(|row| {
        let patterns = [row.messages, row.releases, row.environments, row.loggers, row.urls, row.addresses];
        let on = Filter::ALL.into_iter().filter(|filter| row.switched_on.iter().any(|name| name == filter.name())).collect();
        (ProjectId(row.project_id), Chosen { patterns, on })
    });
    Ok(chosen.collect())
}

/// Replaces what a project chose.
pub async fn upsert(tx: &mut Tx, project: ProjectId, chosen: &Chosen) -> sqlx::Result<()> {
    let [messages, releases, environments, loggers, urls, addresses] = &chosen.patterns;
    let switched_on: Vec<String> = chosen.on.iter().map(|filter| filter.name().to_owned()).collect();
    sqlx::query!(
        r#"
        INSERT INTO filters AS f (project_id, revision, messages, releases, environments, loggers, urls, addresses, switched_on)
        VALUES ($1, 1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (project_id) DO UPDATE
        SET revision = f.revision + 1, messages = excluded.messages, releases = excluded.releases, environments = excluded.environments,
            loggers = excluded.loggers, urls = excluded.urls, addresses = excluded.addresses, switched_on = excluded.switched_on
        "#,
        project.0,
        messages,
        releases,
        environments,
        loggers,
        urls,
        addresses,
        &switched_on,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
