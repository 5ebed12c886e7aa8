//! The one way from an address to a project: through what the caller may see. Anything else does not exist for them.

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;

use crate::domain::ids::ProjectId;
use crate::domain::project::Project;
use crate::http::Doors;
use crate::http::web::page_error::PageError;
use crate::http::web::signed_in::SignedIn;
use crate::store;

/// A project, and somebody who may see it. As an extractor it reads `{project}` of the route.
#[derive(Clone, Debug)]
pub struct ProjectAccess {
    /// Who.
    pub me: SignedIn,
    /// What.
    pub project: Project,
}

impl ProjectAccess {
    /// By id, for addresses that name an issue, an event or a rule; 404 when it is not theirs to see.
    pub async fn by_id(doors: &Doors, me: SignedIn, id: ProjectId) -> Result<Self, PageError> {
        let project = store::projects::find_visible_by_id(&doors.db, id, &me.user).await?.ok_or(PageError::NotFound)?;
        Ok(Self { me, project })
    }

    /// May change issues and rules; else a 403 that says who can.
    pub fn must_work(&self) -> Result<(), PageError> {
        if self.me.user.role.may_work() {
            return Ok(());
        }
        Err(PageError::read_only())
    }
}

impl FromRequestParts<Doors> for ProjectAccess {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, PageError> {
        let me = SignedIn::from_request_parts(parts, doors).await?;
        let params = RawPathParams::from_request_parts(parts, doors).await.map_err(|_| PageError::NotFound)?;
        let slug = params.iter().find(|(name, _)| *name == "project").map(|(_, slug)| slug.to_owned());
        let slug = slug.expect("ProjectAccess is only used on routes with {project}");
        let project = store::projects::find_visible(&doors.db, &slug.replace('\0', ""), &me.user).await?.ok_or(PageError::NotFound)?;
        Ok(Self { me, project })
    }
}
