//! `/issues/{id}/merged`. *What is this issue made of, and what does not belong to it?*

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use time::OffsetDateTime;

use crate::actions::merges::Refusal;
use crate::actions::splits::{self, Opener};
use crate::domain::fingerprint::Hash;
use crate::http::Doors;
use crate::http::shared::counted;
use crate::http::web::flash::{self, Note};
use crate::http::web::issues::list::heading;
use crate::http::web::issues::number::Number;
use crate::http::web::issues::show::text::cut;
use crate::http::web::issues::{address, find};
use crate::http::web::layout::{self, Shell, Tab};
use crate::http::web::page_error::PageError;
use crate::http::web::signed_in::SignedIn;
use crate::store::merges::split::{self, LeadingHash, Snapshot};

/// Fingerprints on the page; the others are those of the same groups.
const HASHES_MAX: usize = 200;

#[derive(Template)]
#[template(path = "pages/issues/merged.html")]
struct Page {
    shell: Shell,
    id: i64,
    short_id: String,
    base: String,
    kind: String,
    may_work: bool,
    groups: Vec<Group>,
    /// Fingerprints that are not listed.
    more: usize,
}

/// Fingerprints that come from one issue.
struct Group {
    /// `SHOP-431`; empty: the issue itself.
    short_id: String,
    title: String,
    /// Who merged it, or why.
    reason: String,
    merged_at: Option<OffsetDateTime>,
    events: Option<Number>,
    first_seen_at: Option<OffsetDateTime>,
    last_seen_at: Option<OffsetDateTime>,
    hashes: Vec<Row>,
}

struct Row {
    hex: String,
    title: String,
    kept: Number,
    first_seen_at: OffsetDateTime,
    last_seen_at: Option<OffsetDateTime>,
    pinned: bool,
}

/// Shows the page.
pub async fn get(State(doors): State<Doors>, me: SignedIn, Path(id): Path<String>) -> Result<Response, PageError> {
    let found = find::visible(&doors, me, &id).await?;
    if found.moved {
        return Ok(Redirect::to(&format!("{}/merged", address::issue(found.issue.id))).into_response());
    }
    let find::Found { issue, access, .. } = found;
    let mut hashes = split::list_hashes(&doors.db, issue.project_id, issue.id).await?;
    let more = hashes.len().saturating_sub(HASHES_MAX);
    hashes.truncate(HASHES_MAX);
    let snapshots = split::snapshots(&doors.db, issue.project_id, issue.id).await?;
    let page = Page {
        id: issue.id.0,
        short_id: issue.short_id(),
        base: format!("/{}/issues", issue.project_slug),
        kind: cut(&heading(&issue).0, 300),
        may_work: access.me.user.role.may_work(),
        groups: groups(&hashes, &snapshots, &issue.short_prefix),
        more,
        shell: Shell::for_project(&doors, &access, Tab::Issues).await?,
    };
    Ok(layout::html(&page)?.into_response())
}

/// The issue's own first, then what was merged, latest first.
fn groups(hashes: &[LeadingHash], snapshots: &[Snapshot], prefix: &str) -> Vec<Group> {
    let known = |hash: &&LeadingHash| hash.origin.is_some_and(|id| snapshots.iter().any(|snapshot| snapshot.id == id));
    let own = Group {
        short_id: String::new(),
        title: String::new(),
        reason: String::new(),
        merged_at: None,
        events: None,
        first_seen_at: None,
        last_seen_at: None,
        hashes: hashes.iter().filter(|hash| !known(hash)).map(row).collect(),
    };
    let merged = snapshots.iter().map(|snapshot| Group {
        short_id: format!("{prefix}-{}", snapshot.id),
        title: cut(&snapshot.title, 200),
        reason: match &snapshot.user {
            Some(name) => format!("{name}: {}", snapshot.reason),
            None => snapshot.reason.clone(),
        },
        merged_at: Some(snapshot.merged_at),
        events: Some(snapshot.event_count.into()),
        first_seen_at: Some(snapshot.first_seen_at),
        last_seen_at: Some(snapshot.last_seen_at),
        hashes: hashes.iter().filter(|hash| hash.origin == Some(snapshot.id)).map(row).collect(),
    });
    [own].into_iter().chain(merged).filter(|group| !group.hashes.is_empty()).collect()
}

fn row(hash: &LeadingHash) -> Row {
    Row {
        hex: hash.hash.iter().map(|byte| format!("{byte:02x}")).collect(),
        title: cut(hash.title.as_deref().unwrap_or_default(), 160),
        kept: hash.kept_count.into(),
        first_seen_at: hash.first_seen_at,
        last_seen_at: hash.last_seen_at,
        pinned: hash.pinned,
    }
}

/// `POST /issues/{id}/split`: `hash` several times, in hex.
pub async fn split(
    State(doors): State<Doors>,
    me: SignedIn,
    Path(id): Path<String>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, PageError> {
    let issue = find::visible(&doors, me.clone(), &id).await?.issue;
    let hashes: Vec<Hash> = fields.iter().filter(|(name, _)| name == "hash").filter_map(|(_, value)| parse_hash(value)).collect();
    let opener = Opener { library: &doors.library, read: counted::read };
    let back = format!("{}/merged", address::issue(issue.id));
    match splits::split(&doors.db, &doors.clock, &opener, &me.user, issue.id, &hashes).await {
        Ok(made) => {
            let names = made.iter().map(crate::store::issue_reads::Issue::short_id).collect::<Vec<_>>().join(", ");
            let path = made.first().map_or(back, |first| address::issue(first.id));
            Ok(flash::redirect(&doors, &path, Note::ok(format!("Split off {}: {names}.", issue.short_id()))))
        }
        Err(problem @ (Refusal::Nothing | Refusal::Everything)) => Ok(flash::redirect(&doors, &back, Note::warn(problem.to_string()))),
        Err(problem) => Err(problem.into()),
    }
}

fn parse_hash(raw: &str) -> Option<Hash> {
    u128::from_str_radix(raw, 16).ok().filter(|_| raw.len() == 32).map(u128::to_be_bytes)
}
