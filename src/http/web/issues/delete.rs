//! `/issues/delete`. *What goes, and what becomes of events that come later?* Asked once more, because nothing brings it back.

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::response::{IntoResponse, Response};

use crate::actions::deletions::{self as actions, DELETE_MAX, Future, Refusal};
use crate::domain::ids::IssueId;
use crate::domain::issue::OVERFLOW_KIND;
use crate::http::Doors;
use crate::http::web::flash::{self, Note};
use crate::http::web::issues::list::heading;
use crate::http::web::issues::number::Number;
use crate::http::web::issues::show::text::cut;
use crate::http::web::issues::{address, find};
use crate::http::web::layout::{self, Shell, Tab};
use crate::http::web::next;
use crate::http::web::page_error::PageError;
use crate::http::web::signed_in::SignedIn;
use crate::store::issue_reads::Issue;

/// Longest title in the list, in characters.
const TITLE_LEN_MAX: usize = 200;

#[derive(Template)]
#[template(path = "pages/issues/delete.html")]
struct Page {
    shell: Shell,
    rows: Vec<Row>,
    events: Number,
    /// Where the list is.
    base: String,
    /// Where to go afterwards.
    next: String,
    /// Where to go instead.
    back: String,
    /// Later events can be told from others.
    may_discard: bool,
}

struct Row {
    id: i64,
    short_id: String,
    kind: String,
    value: String,
    events: Number,
    last_seen_at: time::OffsetDateTime,
}

/// Names and values, in their order.
type Fields = Vec<(String, String)>;

/// `GET /issues/delete?id=…&id=…&next=…`
pub async fn get(State(doors): State<Doors>, me: SignedIn, Query(fields): Query<Fields>) -> Result<Response, PageError> {
    if !me.user.role.may_work() {
        return Err(Refusal::ReadOnly.into());
    }
    let chosen = chosen(&fields);
    if !(1..=DELETE_MAX).contains(&chosen.len()) {
        return Ok(ask(&doors, &chosen, own_next(&fields).unwrap_or("/issues")));
    }
    let mut issues = Vec::new();
    let mut access = None;
    for id in chosen {
        match find::visible(&doors, me.clone(), &id.to_string()).await {
            Ok(found) if !found.moved => {
                issues.push(found.issue);
                access = Some(found.access);
            }
            Ok(_) | Err(PageError::NotFound) => {}
            Err(problem) => return Err(problem),
        }
    }
    let (Some(access), Some(first)) = (access, issues.first()) else { return Err(PageError::NotFound) };
    let base = format!("/{}/issues", first.project_slug);
    let own = issues.iter().all(|issue| issue.project_id == first.project_id);
    let page = Page {
        rows: issues.iter().map(row).collect(),
        events: issues.iter().map(|issue| issue.event_count).sum::<i64>().into(),
        next: own_next(&fields).unwrap_or(&base).to_owned(),
        back: if issues.len() == 1 { address::issue(first.id) } else { own_next(&fields).unwrap_or(&base).to_owned() },
        base: base.clone(),
        may_discard: issues.iter().all(|issue| issue.kind != OVERFLOW_KIND),
        shell: if own { Shell::for_project(&doors, &access, Tab::Issues).await? } else { Shell::load(&doors, &me, Tab::Issues).await? },
    };
    Ok(layout::html(&page)?.into_response())
}

/// `POST /issues/delete`: `id` several times, `future` is `accept` or `discard`.
pub async fn post(State(doors): State<Doors>, me: SignedIn, Form(fields): Form<Fields>) -> Result<Response, PageError> {
    let future = match field(&fields, "future") {
        Some("accept") => Future::Accepted,
        Some("discard") => Future::Discarded,
        _ => return Err(PageError::BadRequest("The form did not say what becomes of events that come later.".to_owned())),
    };
    let next = own_next(&fields).unwrap_or("/issues");
    match actions::delete(&doors.db, &doors.clock, &me.user, &chosen(&fields), future).await {
        Ok(gone) => Ok(flash::redirect(&doors, next, Note::ok(said(&gone, future)))),
        Err(problem @ (Refusal::Nothing | Refusal::TooMany | Refusal::Untold)) => {
            Ok(flash::redirect(&doors, next, Note::warn(problem.to_string())))
        }
        Err(problem) => Err(problem.into()),
    }
}

/// From the list: on to the page that asks once more.
pub fn ask(doors: &Doors, issues: &[IssueId], next: &str) -> Response {
    match issues.len() {
        0 => flash::redirect(doors, next, Note::warn("No issue was selected.")),
        1..=DELETE_MAX => {
            let ids: String = issues.iter().map(|id| format!("id={id}&")).collect();
            axum::response::Redirect::to(&format!("/issues/delete?{ids}next={}", address::encoded(next))).into_response()
        }
        _ => flash::redirect(doors, next, Note::warn(Refusal::TooMany.to_string())),
    }
}

fn said(gone: &[Issue], future: Future) -> String {
    let subject = match gone {
        [only] => format!("{} is deleted", only.short_id()),
        many => format!("{} issues are deleted", many.len()),
    };
    match future {
        Future::Accepted => format!("{subject}."),
        Future::Discarded => {
            format!("{subject}, and further events are dropped. This can be taken back in the settings, under “Discarded”.")
        }
    }
}

fn row(issue: &Issue) -> Row {
    let (kind, value) = heading(issue);
    Row {
        id: issue.id.0,
        short_id: issue.short_id(),
        kind: cut(&kind, TITLE_LEN_MAX),
        value: cut(&value, TITLE_LEN_MAX),
        events: issue.event_count.into(),
        last_seen_at: issue.last_seen_at,
    }
}

fn field<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

fn own_next(fields: &Fields) -> Option<&str> {
    field(fields, "next").filter(|path| next::is_own_path(path))
}

fn chosen(fields: &Fields) -> Vec<IssueId> {
    let ids = fields.iter().filter(|(name, _)| name == "id").filter_map(|(_, value)| value.parse().ok().map(IssueId));
    ids.take(DELETE_MAX + 1).collect()
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
