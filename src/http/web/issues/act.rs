//! What people decide on the pages: resolve, ignore, reopen, one or many, and Undo. Every answer is a 303 with a note.

use axum::extract::{Form, Path, State};
use axum::response::Response;
use serde::Deserialize;

use crate::actions::issues::{self as actions, BULK_MAX, Decided, Refusal};
use crate::domain::ids::IssueId;
use crate::domain::issue::{Decision, IgnoreUntil};
use crate::http::Doors;
use crate::http::web::flash::{self, Note};
use crate::http::web::issues::{address, delete, find, list, merge};
use crate::http::web::next;
use crate::http::web::page_error::PageError;
use crate::http::web::signed_in::SignedIn;
use crate::store::{self, issue_search};

/// What the forms of an issue page carry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Ask {
    /// Ignore: `escalates` or `forever`.
    until: Option<String>,
    /// Where to go afterwards.
    next: Option<String>,
}

impl From<Refusal> for PageError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::ReadOnly => Self::read_only(),
            Refusal::Failed(error) => error.into(),
        }
    }
}

/// `POST /issues/{id}/{verb}`
pub async fn one(
    State(doors): State<Doors>,
    me: SignedIn,
    Path((id, verb)): Path<(String, String)>,
    Form(ask): Form<Ask>,
) -> Result<Response, PageError> {
    let decision = decision(&verb, ask.until.as_deref()).ok_or(PageError::NotFound)?;
    let issue = find::visible(&doors, me.clone(), &id).await?.issue;
    let decided = actions::decide(&doors.db, &doors.clock, &me.user, &[issue.id], decision).await?;
    let fallback = address::issue(issue.id);
    let next = ask.next.as_deref().filter(|path| next::is_own_path(path)).unwrap_or(&fallback);
    Ok(flash::redirect(&doors, next, note(&decided, decision, Some(&issue.short_id()))))
}

/// `POST /issues/bulk`: `do`, and `id` several times or `all` with the search.
pub async fn bulk(State(doors): State<Doors>, me: SignedIn, Form(fields): Form<Vec<(String, String)>>) -> Result<Response, PageError> {
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    if field("do") == Some("merge") {
        return merge::bulk(&doors, &me, &chosen(&fields), field("next")).await;
    }
    let next = field("next").filter(|path| next::is_own_path(path)).unwrap_or("/issues");
    let issues = match field("all") {
        Some(_) => all_matching(&doors, &me, field("base").unwrap_or_default(), field("query").unwrap_or_default()).await?,
        None => chosen(&fields),
    };
    if field("do") == Some("delete") {
        return Ok(delete::ask(&doors, &issues, next));
    }
    let decision = field("do").and_then(|verb| decision(verb, field("until"))).ok_or_else(unknown)?;
    if issues.is_empty() {
        return Ok(flash::redirect(&doors, next, Note::warn("No issue was selected.")));
    }
    let decided = actions::decide(&doors.db, &doors.clock, &me.user, &issues, decision).await?;
    Ok(flash::redirect(&doors, next, note(&decided, decision, None)))
}

/// `POST /issues/undo/{at}`: takes back what the caller did at that moment (microseconds since the epoch).
pub async fn undo(State(doors): State<Doors>, me: SignedIn, Path(at): Path<i64>, Form(ask): Form<Ask>) -> Result<Response, PageError> {
    let at = store::moment::of_micros(at).ok_or(PageError::NotFound)?;
    let undone = actions::undo(&doors.db, &me.user, at).await?;
    let note = match undone.len() {
        0 => Note::warn("This can no longer be taken back: the issue has changed since."),
        1 => Note::ok("Taken back."),
        count => Note::ok(format!("Taken back for {count} issues.")),
    };
    let fallback = match undone.as_slice() {
        [only] => address::issue(*only),
        _ => "/issues".to_owned(),
    };
    let next = ask.next.as_deref().filter(|path| next::is_own_path(path)).unwrap_or(&fallback);
    Ok(flash::redirect(&doors, next, note))
}

fn decision(verb: &str, until: Option<&str>) -> Option<Decision> {
    match verb {
        "resolve" => Some(Decision::Resolve),
        "reopen" => Some(Decision::Reopen),
        "ignore" => IgnoreUntil::parse(until.unwrap_or("escalates")).map(Decision::Ignore),
        _ => None,
    }
}

fn unknown() -> PageError {
    PageError::BadRequest("The form did not say what to do with the selected issues.".to_owned())
}

fn chosen(fields: &[(String, String)]) -> Vec<IssueId> {
    let ids = fields.iter().filter(|(name, _)| name == "id").filter_map(|(_, value)| value.parse().ok().map(IssueId));
    ids.take(BULK_MAX).collect()
}

/// Everything that matches the search, at most [`BULK_MAX`].
async fn all_matching(doors: &Doors, me: &SignedIn, base: &str, query: &str) -> Result<Vec<IssueId>, PageError> {
    let mut projects = store::projects::list_visible(&doors.db, &me.user).await?;
    if base != "/issues" {
        projects.retain(|project| base == format!("/{}/issues", project.slug));
    }
    let ids: Vec<_> = projects.iter().map(|project| project.id).collect();
    let tags = store::facets::tag_keys(&doors.db, &ids).await?;
    let query = list::understood(query, &tags, doors.clock.now()).map_err(|problem| PageError::BadRequest(problem.message))?;
    Ok(issue_search::ids(&doors.db, &ids, &query, i64::try_from(BULK_MAX).unwrap_or(i64::MAX)).await?)
}

fn note(decided: &Decided, decision: Decision, short_id: Option<&str>) -> Note {
    let state = match decision {
        Decision::Resolve => "resolved",
        Decision::Ignore(IgnoreUntil::Escalates) => "ignored until it escalates",
        Decision::Ignore(IgnoreUntil::Forever) => "ignored for ever",
        Decision::Reopen => "open again",
    };
    let subject = |count: usize, verb: (&str, &str)| match (short_id, count) {
        (Some(short_id), _) => format!("{short_id} {}", verb.0),
        (None, 1) => format!("1 issue {}", verb.0),
        (None, count) => format!("{count} issues {}", verb.1),
    };
    if decided.changed.is_empty() {
        return Note::warn(format!("{} already {state}.", subject(decided.found.len(), ("was", "were"))));
    }
    let text = format!("{} {state}.", subject(decided.changed.len(), ("is", "are")));
    Note::ok(text).with_undo(format!("/issues/undo/{}", decided.at.unix_timestamp_nanos() / 1_000))
}
