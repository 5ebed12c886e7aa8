//! Making issues one, from the list and from the page of an issue.

use axum::extract::{Form, Path, State};
use axum::response::Response;
use serde::Deserialize;

use crate::actions::merges::{self as actions, Merged, Refusal};
use crate::domain::ids::IssueId;
use crate::http::Doors;
use crate::http::web::flash::{self, Note};
use crate::http::web::issues::{address, find};
use crate::http::web::next;
use crate::http::web::page_error::PageError;
use crate::http::web::signed_in::SignedIn;

/// What the form of an issue page carries.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Ask {
    /// `SHOP-431` or `431`.
    with: String,
}

/// `POST /issues/bulk` with `do=merge`: the selected issues become the one of them with the most events.
pub async fn bulk(doors: &Doors, me: &SignedIn, issues: &[IssueId], back: Option<&str>) -> Result<Response, PageError> {
    let back = back.filter(|path| next::is_own_path(path)).unwrap_or("/issues");
    let merged = actions::merge(&doors.db, &doors.clock, &me.user, issues, None).await;
    answer(doors, merged, back)
}

/// `POST /issues/{id}/merge`: the two become the one with more events.
pub async fn with(State(doors): State<Doors>, me: SignedIn, Path(id): Path<String>, Form(ask): Form<Ask>) -> Result<Response, PageError> {
    let issue = find::visible(&doors, me.clone(), &id).await?.issue;
    if !me.user.role.may_work() {
        return Err(Refusal::ReadOnly.into());
    }
    let back = address::issue(issue.id);
    let other = match find::visible(&doors, me.clone(), ask.with.trim()).await {
        Ok(found) if found.issue.id != issue.id => found.issue,
        Ok(_) => return Ok(flash::redirect(&doors, &back, Note::warn("That is this issue already."))),
        Err(PageError::NotFound) => return Ok(flash::redirect(&doors, &back, Note::warn("There is no issue with this id."))),
        Err(problem) => return Err(problem),
    };
    let merged = actions::merge(&doors.db, &doors.clock, &me.user, &[issue.id, other.id], None).await;
    answer(&doors, merged, &back)
}

fn answer(doors: &Doors, merged: Result<Merged, Refusal>, back: &str) -> Result<Response, PageError> {
    match merged {
        Ok(merged) => {
            let count = merged.gone.len() + 1;
            let text =
                format!("{count} issues are one now: {}. What was merged can be split off again below “Merged”.", merged.into.short_id());
            Ok(flash::redirect(doors, &address::issue(merged.into.id), Note::ok(text)))
        }
        Err(problem @ (Refusal::TooFew | Refusal::TooMany | Refusal::SeveralProjects)) => {
            Ok(flash::redirect(doors, back, Note::warn(problem.to_string())))
        }
        Err(problem) => Err(problem.into()),
    }
}

impl From<Refusal> for PageError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::ReadOnly => Self::read_only(),
            Refusal::Failed(error) => error.into(),
            refused => Self::BadRequest(refused.to_string()),
        }
    }
}
