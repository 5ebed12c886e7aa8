//! `scrubbing`: what the projects that chose something want taken out.

use sqlx::PgExecutor;

use super::Tx;
use crate::domain::ids::ProjectId;
use crate::domain::scrubbing::{Addresses, Scrubbing};

struct Row {
    project_id: i64,
    has_defaults: bool,
    names: Vec<String>,
    safe: Vec<String>,
    keeps_emails: bool,
    addresses: String,
}

impl From<Row> for Scrubbing {
    fn from(row: Row) -> Self {
        let Row { has_defaults, names, safe, keeps_emails, .. } = row;
        // What a later version may have written keeps less.
        let addresses = Addresses::parse(&row.addresses).unwrap_or(Addresses::DropEverywhere);
        Self { has_defaults, names, safe, keeps_emails, addresses }
    }
}

/// What a project chose; the default where it chose nothing.
pub async fn get(db: impl PgExecutor<'_>, project: ProjectId) -> sqlx::Result<Scrubbing> {
    Ok(list(db, &[project]).await?.pop().map(|(_, chosen)| chosen).unwrap_or_default())
}

/// What these projects chose.
pub async fn list(db: impl PgExecutor<'_>, projects: &[ProjectId]) -> sqlx::Result<Vec<(ProjectId, Scrubbing)>> {
    let ids: Vec<i64> = projects.iter().map(|project| project.0).collect();
    let rows = sqlx::query_as!(
        Row,
        "SELECT project_id, has_defaults, names, safe, keeps_emails, addresses FROM scrubbing WHERE project_id = ANY ($1)",
        &ids
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (ProjectId(row.project_id), Scrubbing::from(row))).collect())
}

/// Replaces what a project chose.
pub async fn upsert(tx: &mut Tx, project: ProjectId, chosen: &Scrubbing) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        INSERT INTO scrubbing AS s (project_id, revision, has_defaults, names, safe, keeps_emails, addresses)
        VALUES ($1, 1, $2, $3, $4, $5, $6)
        ON CONFLICT (project_id) DO UPDATE
        SET revision = s.revision + 1, has_defaults = excluded.has_defaults, names = excluded.names, safe = excluded.safe,
            keeps_emails = excluded.keeps_emails, addresses = excluded.addresses
        "#,
        project.0,
        chosen.has_defaults,
        &chosen.names,
        &chosen.safe,
        chosen.keeps_emails,
        chosen.addresses.name(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
