//! From an address to an issue: only through what the caller may see.

use crate::domain::ids::IssueId;
use crate::http::Doors;
use crate::http::web::page_error::PageError;
use crate::http::web::project_access::ProjectAccess;
use crate::http::web::signed_in::SignedIn;
use crate::store;
use crate::store::issue_reads::Issue;

/// An issue, and somebody who may see it.
pub struct Found {
    /// The issue.
    pub issue: Issue,
    /// Its project, and who.
    pub access: ProjectAccess,
    /// They asked for one that is part of it now.
    pub moved: bool,
}

/// Reads `431` or `SHOP-431`, also of an issue that was merged into another one, which is what is found then; 404 for what is not there or
/// not theirs.
pub async fn visible(doors: &Doors, me: SignedIn, raw: &str) -> Result<Found, PageError> {
    let (prefix, number) = raw.rsplit_once('-').map_or((None, raw), |(prefix, number)| (Some(prefix), number));
    let id = number.parse().map(IssueId).map_err(|_| PageError::NotFound)?;
    let (issue, moved) = match store::issue_reads::find(&doors.db, id).await? {
        Some(issue) => (issue, false),
        None => {
            let into = store::merges::leads_to(&doors.db, id).await?.ok_or(PageError::NotFound)?;
            (store::issue_reads::find(&doors.db, into).await?.ok_or(PageError::NotFound)?, true)
        }
    };
    if prefix.is_some_and(|prefix| !prefix.eq_ignore_ascii_case(&issue.short_prefix)) {
        return Err(PageError::NotFound);
    }
    let access = ProjectAccess::by_id(doors, me, issue.project_id).await?;
    Ok(Found { issue, access, moved })
}
