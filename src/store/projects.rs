//! Projects.

use sqlx::PgExecutor;
use time::OffsetDateTime;

use crate::domain::ids::{IssueId, ProjectId};
use crate::domain::project::{Project, Slug};
use crate::domain::user::User;
use crate::store::Tx;

/// One line of the project switcher.
pub struct SwitcherRow {
    /// Its part of every address.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// What it runs on, by key.
    pub platform: String,
    /// Unresolved issues, counted up to 1,000.
    pub unresolved_count: i64,
}

struct ProjectRow {
    id: i64,
    slug: String,
    name: String,
    platform: String,
    short_prefix: String,
    created_at: OffsetDateTime,
    first_event_at: Option<OffsetDateTime>,
    last_event_at: Option<OffsetDateTime>,
}

impl From<ProjectRow> for Project {
    fn from(r: ProjectRow) -> Self {
        Self {
            id: ProjectId(r.id),
            slug: r.slug,
            name: r.name,
            platform: r.platform,
            short_prefix: r.short_prefix,
            created_at: r.created_at,
            first_event_at: r.first_event_at,
            last_event_at: r.last_event_at,
        }
    }
}

/// By slug, whoever asks: for the command line. Pages use [`find_visible`].
pub async fn find_by_slug(db: impl PgExecutor<'_>, slug: &str) -> sqlx::Result<Option<Project>> {
    let row = sqlx::query_as!(
        ProjectRow,
        "SELECT id, slug, name, platform, short_prefix, created_at, first_event_at, last_event_at FROM projects WHERE slug = $1",
        slug
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Project::from))
}

/// By slug, if `viewer` may see it: administrators see all, others what they belong to.
pub async fn find_visible(db: impl PgExecutor<'_>, slug: &str, viewer: &User) -> sqlx::Result<Option<Project>> {
    let row = sqlx::query_as!(
        ProjectRow,
        "SELECT id, slug, name, platform, short_prefix, created_at, first_event_at, last_event_at FROM projects p
         WHERE slug = $1 AND ($2 OR EXISTS (SELECT 1 FROM project_members m WHERE m.project_id = p.id AND m.user_id = $3))",
        slug,
        viewer.role.may_administer(),
        viewer.id.0
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Project::from))
}

/// By id, if `viewer` may see it.
pub async fn find_visible_by_id(db: impl PgExecutor<'_>, id: ProjectId, viewer: &User) -> sqlx::Result<Option<Project>> {
    let row = sqlx::query_as!(
        ProjectRow,
        "SELECT id, slug, name, platform, short_prefix, created_at, first_event_at, last_event_at FROM projects p
         WHERE id = $1 AND ($2 OR EXISTS (SELECT 1 FROM project_members m WHERE m.project_id = p.id AND m.user_id = $3))",
        id.0,
        viewer.role.may_administer(),
        viewer.id.0
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Project::from))
}

/// All projects by name, for the command line and the API of administrators.
pub async fn list(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<Project>> {
    let rows = sqlx::query_as!(
        ProjectRow,
        "SELECT id, slug, name, platform, short_prefix, created_at, first_event_at, last_event_at FROM projects ORDER BY lower(name), id"
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Project::from).collect())
}

/// What `viewer` may see, by name.
pub async fn list_visible(db: impl PgExecutor<'_>, viewer: &User) -> sqlx::Result<Vec<Project>> {
    let rows = sqlx::query_as!(
        ProjectRow,
        "SELECT id, slug, name, platform, short_prefix, created_at, first_event_at, last_event_at FROM projects p
         WHERE $1 OR EXISTS (SELECT 1 FROM project_members m WHERE m.project_id = p.id AND m.user_id = $2)
         ORDER BY lower(name), id",
        viewer.role.may_administer(),
        viewer.id.0
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Project::from).collect())
}

/// The projects `viewer` may switch to, `current` and the most recently active first; at most `limit`.
pub async fn list_for_switcher(
    db: impl PgExecutor<'_>,
    viewer: &User,
    current: Option<ProjectId>,
    limit: i64,
) -> sqlx::Result<Vec<SwitcherRow>> {
    sqlx::query_as!(
        SwitcherRow,
        r#"SELECT p.slug, p.name, p.platform,
                  (SELECT count(*) FROM (SELECT 1 FROM issues i WHERE i.project_id = p.id AND i.status = 'unresolved' LIMIT 1000) capped)
                  AS "unresolved_count!"
           FROM projects p
           WHERE $1 OR EXISTS (SELECT 1 FROM project_members m WHERE m.project_id = p.id AND m.user_id = $2)
           ORDER BY p.id = $3 DESC, p.last_event_at DESC NULLS LAST, lower(p.name), p.id
           LIMIT $4"#,
        viewer.role.may_administer(),
        viewer.id.0,
        current.map_or(0, |id| id.0),
        limit
    )
    .fetch_all(db)
    .await
}

/// Adds a project; `None` when the slug is taken.
pub async fn insert(tx: &mut Tx, slug: &Slug, name: &str, platform: &str, at: OffsetDateTime) -> sqlx::Result<Option<Project>> {
    let id = sqlx::query_scalar!(
        "INSERT INTO projects (slug, name, platform, short_prefix, created_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT ON CONSTRAINT projects_slug_key DO NOTHING RETURNING id",
        slug.as_str(),
        name,
        platform,
        slug.short_prefix(),
        at
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(id.map(|id| Project {
        id: ProjectId(id),
        slug: slug.to_string(),
        name: name.to_owned(),
        platform: platform.to_owned(),
        short_prefix: slug.short_prefix(),
        created_at: at,
        first_event_at: None,
        last_event_at: None,
    }))
}

/// Changes name and platform.
pub async fn update(tx: &mut Tx, id: ProjectId, name: &str, platform: &str) -> sqlx::Result<()> {
    sqlx::query!("UPDATE projects SET name = $2, platform = $3 WHERE id = $1", id.0, name, platform).execute(&mut **tx).await?;
    Ok(())
}

/// The three rules every project starts with: new, regressed and spiking, to its members.
pub async fn insert_default_rules(tx: &mut Tx, id: ProjectId, at: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO alert_rules (project_id, kind, name, updated_at)
         VALUES ($1, 'new', 'New issues', $2), ($1, 'regressed', 'Regressions', $2), ($1, 'spiking', 'Spikes', $2)",
        id.0,
        at
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The issue of the first event.
pub async fn find_first_issue(db: impl PgExecutor<'_>, id: ProjectId) -> sqlx::Result<Option<IssueId>> {
    let issue = sqlx::query_scalar!("SELECT id FROM issues WHERE project_id = $1 ORDER BY id LIMIT 1", id.0).fetch_optional(db).await?;
    Ok(issue.map(IssueId))
}
