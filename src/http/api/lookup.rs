//! From what stands in a path to what it names, if the caller may see it. What they may not see does not exist for them.

use super::error::ApiError;
use super::params::Params;
use crate::domain::event_id::EventId;
use crate::domain::ids::{IssueId, ProjectId};
use crate::domain::project::Project;
use crate::domain::user::User;
use crate::http::Doors;
use crate::store::issue_reads::{self, Issue};
use crate::store::{event_reads, merges, projects};

/// Slug of the one organization an installation is.
pub const ORGANIZATION: &str = "bugle";
/// Its id.
pub const ORGANIZATION_ID: &str = "1";

/// `project=-1` asks for all projects.
const ALL_PROJECTS: &str = "-1";

/// Insists on the organization, by slug or id.
pub fn organization(raw: &str) -> Result<(), ApiError> {
    if raw == ORGANIZATION || raw == ORGANIZATION_ID { Ok(()) } else { Err(ApiError::NotFound) }
}

/// The project of a path `{org}/{project}`.
pub async fn project_of(doors: &Doors, viewer: &User, org: &str, raw: &str) -> Result<Project, ApiError> {
    organization(org)?;
    project(doors, viewer, raw).await
}

/// A project by slug or id. Slugs are never only digits.
pub async fn project(doors: &Doors, viewer: &User, raw: &str) -> Result<Project, ApiError> {
    let found = match raw.parse::<i64>() {
        Ok(id) => projects::find_visible_by_id(&doors.db, ProjectId(id), viewer).await?,
        Err(_) if raw.contains('\0') => None,
        Err(_) => projects::find_visible(&doors.db, raw, viewer).await?,
    };
    found.ok_or(ApiError::NotFound)
}

/// Those of `project=`, by id or slug; all the viewer sees without it.
pub async fn chosen_projects(doors: &Doors, viewer: &User, params: &Params) -> Result<Vec<ProjectId>, ApiError> {
    let chosen: Vec<&str> = params.all("project").collect();
    if chosen.is_empty() || chosen.contains(&ALL_PROJECTS) {
        return Ok(projects::list_visible(&doors.db, viewer).await?.into_iter().map(|project| project.id).collect());
    }
    let mut ids = Vec::new();
    for raw in chosen {
        ids.push(project(doors, viewer, raw).await?.id);
    }
    Ok(ids)
}

/// Those of `id=`, all of one project.
pub async fn chosen_issues(doors: &Doors, project: ProjectId, params: &Params) -> Result<Vec<IssueId>, ApiError> {
    let mut ids = Vec::new();
    for raw in params.all("id") {
        let id = raw.parse().map(IssueId).map_err(|_| ApiError::BadRequest(format!("Invalid id: {raw}")))?;
        let issue = issue_reads::find(&doors.db, id).await?.filter(|issue| issue.project_id == project);
        ids.push(issue.ok_or(ApiError::NotFound)?.id);
    }
    Ok(ids)
}

/// The issue, or the one it is part of now.
async fn find_or_merged(doors: &Doors, id: IssueId) -> sqlx::Result<Option<Issue>> {
    if let Some(issue) = issue_reads::find(&doors.db, id).await? {
        return Ok(Some(issue));
    }
    match merges::leads_to(&doors.db, id).await? {
        Some(into) => issue_reads::find(&doors.db, into).await,
        None => Ok(None),
    }
}

/// An issue by id (`431`) or short id (`SHOP-431`), also of one that was merged into it.
pub async fn issue(doors: &Doors, viewer: &User, raw: &str) -> Result<Issue, ApiError> {
    let (prefix, number) = raw.rsplit_once('-').map_or((None, raw), |(prefix, number)| (Some(prefix), number));
    let id = number.parse::<i64>().map_err(|_| ApiError::NotFound)?;
    let issue = find_or_merged(doors, IssueId(id)).await?.ok_or(ApiError::NotFound)?;
    if prefix.is_some_and(|prefix| !prefix.eq_ignore_ascii_case(&issue.short_prefix)) {
        return Err(ApiError::NotFound);
    }
    projects::find_visible_by_id(&doors.db, issue.project_id, viewer).await?.ok_or(ApiError::NotFound)?;
    Ok(issue)
}

/// An event of an issue by id, or `latest`, `oldest`, `recommended`.
pub async fn event_of_issue(doors: &Doors, issue: &Issue, raw: &str) -> Result<EventId, ApiError> {
    let (project, id) = (issue.project_id, issue.id);
    match raw {
        "latest" => event_reads::latest(&doors.db, project, id).await?.ok_or(ApiError::NotFound),
        "oldest" => event_reads::oldest(&doors.db, project, id).await?.ok_or(ApiError::NotFound),
        "recommended" => event_reads::recommended(&doors.db, project, id).await?.ok_or(ApiError::NotFound),
        _ => event_id(raw),
    }
}

/// An event id in a path.
pub fn event_id(raw: &str) -> Result<EventId, ApiError> {
    EventId::parse(raw).map_err(|_| ApiError::NotFound)
}
