//! Who belongs to a project: gets its mail and, below the role of admin, sees it at all.

use sqlx::PgExecutor;
use time::OffsetDateTime;

use crate::domain::ids::{ProjectId, UserId};
use crate::domain::user::User;
use crate::store::{Tx, users};

/// The members of a project who have access, by name.
pub async fn list(db: impl PgExecutor<'_>, project: ProjectId) -> sqlx::Result<Vec<User>> {
    let rows = sqlx::query!(
        "SELECT u.id, u.email, u.name, u.role, u.theme FROM project_members m JOIN users u ON u.id = m.user_id
         WHERE m.project_id = $1 AND u.disabled_at IS NULL ORDER BY lower(u.name), u.id",
        project.0
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(|r| users::user(r.id, r.email, r.name, &r.role, &r.theme)).collect()
}

/// Everybody with access who is not a member yet, by name.
pub async fn list_others(db: impl PgExecutor<'_>, project: ProjectId) -> sqlx::Result<Vec<User>> {
    let rows = sqlx::query!(
        "SELECT u.id, u.email, u.name, u.role, u.theme FROM users u
         WHERE u.disabled_at IS NULL AND NOT EXISTS (SELECT 1 FROM project_members m WHERE m.project_id = $1 AND m.user_id = u.id)
         ORDER BY lower(u.name), u.id",
        project.0
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(|r| users::user(r.id, r.email, r.name, &r.role, &r.theme)).collect()
}

/// The projects somebody belongs to.
pub async fn list_projects(db: impl PgExecutor<'_>, user: UserId) -> sqlx::Result<Vec<ProjectId>> {
    let ids =
        sqlx::query_scalar!("SELECT project_id FROM project_members WHERE user_id = $1 ORDER BY project_id", user.0).fetch_all(db).await?;
    Ok(ids.into_iter().map(ProjectId).collect())
}

/// Slugs of the projects each person belongs to, as `(person, slug)`, by slug.
pub async fn list_slugs(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<(UserId, String)>> {
    let rows = sqlx::query!("SELECT m.user_id, p.slug FROM project_members m JOIN projects p ON p.id = m.project_id ORDER BY p.slug")
        .fetch_all(db)
        .await?;
    Ok(rows.into_iter().map(|r| (UserId(r.user_id), r.slug)).collect())
}

/// Adds somebody; nothing changes if they are there.
pub async fn insert(tx: &mut Tx, project: ProjectId, user: UserId, at: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO project_members (project_id, user_id, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        project.0,
        user.0,
        at
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Adds every owner with access: what a project made on the command line starts with.
pub async fn insert_owners(tx: &mut Tx, project: ProjectId, at: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO project_members (project_id, user_id, created_at)
         SELECT $1, id, $2 FROM users WHERE role = 'owner' AND disabled_at IS NULL ON CONFLICT DO NOTHING",
        project.0,
        at
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Makes somebody a member of every project that has no members at all: projects made before the first owner.
pub async fn insert_into_orphaned(tx: &mut Tx, user: UserId, at: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO project_members (project_id, user_id, created_at)
         SELECT p.id, $1, $2 FROM projects p
         WHERE NOT EXISTS (SELECT 1 FROM project_members m WHERE m.project_id = p.id) ON CONFLICT DO NOTHING",
        user.0,
        at
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Removes somebody from a project; false if they were not there.
pub async fn delete(tx: &mut Tx, project: ProjectId, user: UserId) -> sqlx::Result<bool> {
    let done =
        sqlx::query!("DELETE FROM project_members WHERE project_id = $1 AND user_id = $2", project.0, user.0).execute(&mut **tx).await?;
    Ok(done.rows_affected() == 1)
}
