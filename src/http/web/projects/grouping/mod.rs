//! `/{project}/settings/grouping`. *Which events belong together, where Bugle cannot know it?* Rules, what they would do, and the versions before.

mod lines;
mod preview;

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;
use tracing::info;

use crate::actions::grouping_rules::{self as actions, NotSaved};
use crate::domain::grouping_rules::{Faults, GroupingRules, RuleTexts, TEXT_BYTES_MAX};
use crate::domain::rehearsal::Rehearsal;
use crate::http::Doors;
use crate::http::web::flash::{self, Note};
use crate::http::web::layout::{self, Shell, Tab};
use crate::http::web::page_error::PageError;
use crate::http::web::project_access::ProjectAccess;
use crate::store::{self, grouping_rules};

use lines::{Line, lines};
use preview::Preview;

#[derive(Template)]
#[template(path = "pages/projects/grouping.html")]
struct Page {
    shell: Shell,
    slug: String,
    name: String,
    may_change: bool,
    /// The version that the form is based on.
    base: i64,
    fields: [Field; 2],
    /// What there is to know about what is in the form.
    notice: String,
    /// Some lines cannot be understood, or somebody else has saved.
    problem: String,
    preview: Option<Preview>,
    versions: Vec<grouping_rules::Version>,
}

/// One of the two texts.
struct Field {
    name: &'static str,
    label: &'static str,
    placeholder: &'static str,
    text: String,
    rows: usize,
    /// What is to be said about its lines.
    lines: Vec<Line>,
    has_faults: bool,
}

/// What the address asks for.
#[derive(Debug, Default, Deserialize)]
pub struct Wanted {
    /// A version to take up again.
    version: Option<i64>,
    /// A fingerprint rule to begin with.
    add: Option<String>,
    /// A stack trace rule to end with.
    add_stack: Option<String>,
}

/// The form.
#[derive(Debug, Default, Deserialize)]
pub struct Typed {
    #[serde(default)]
    base: i64,
    #[serde(default)]
    fingerprint: String,
    #[serde(default)]
    stack: String,
    /// `try` or `save`.
    #[serde(rename = "do", default)]
    verb: String,
}

/// What is in the form, and what is said about it.
#[derive(Default)]
struct Draft {
    base: i64,
    texts: RuleTexts,
    faults: Faults,
    notice: String,
    problem: String,
    rehearsal: Option<Rehearsal>,
}

/// Shows the rules that hold, an older version, or a rule to be tried.
pub async fn get(State(doors): State<Doors>, access: ProjectAccess, Query(wanted): Query<Wanted>) -> Result<Html<String>, PageError> {
    let saved = grouping_rules::newest(&doors.db, access.project.id).await?;
    let mut draft = Draft { base: saved.revision, texts: saved.texts, ..Draft::default() };
    if let Some(version) = wanted.version {
        draft.texts = grouping_rules::version(&doors.db, access.project.id, version).await?.ok_or(PageError::NotFound)?;
        draft.notice = format!("This is version {version} again. It holds once you save it.");
    }
    let added = added(&mut draft.texts, &wanted);
    if added && access.me.user.role.may_administer() {
        draft.notice = "A rule is added, and tried below. Nothing is saved yet.".to_owned();
        rehearse(&doors, &access, &mut draft).await?;
    }
    show(&doors, &access, draft).await
}

/// The first fingerprint rule that matches wins, so a new one comes first; the last word of stack trace rules holds.
fn added(texts: &mut RuleTexts, wanted: &Wanted) -> bool {
    let line =
        |text: &Option<String>| text.as_deref().map(clean).map(|text| text.replace('\n', " ")).filter(|text| !text.trim().is_empty());
    let (first, last) = (line(&wanted.add), line(&wanted.add_stack));
    if let Some(rule) = &first {
        texts.fingerprint = format!("{rule}\n{}", texts.fingerprint);
    }
    if let Some(rule) = &last {
        let before = texts.stack.trim_end();
        texts.stack = if before.is_empty() { format!("{rule}\n") } else { format!("{before}\n{rule}\n") };
    }
    first.is_some() || last.is_some()
}

/// Tries what was typed, or saves it.
pub async fn post(State(doors): State<Doors>, access: ProjectAccess, Form(typed): Form<Typed>) -> Result<Response, PageError> {
    access.me.must_administer()?;
    let texts = RuleTexts { fingerprint: clean(&typed.fingerprint), stack: clean(&typed.stack) };
    let mut draft = Draft { base: typed.base, texts, ..Draft::default() };
    if typed.verb == "try" {
        let is_understood = rehearse(&doors, &access, &mut draft).await?;
        let status = if is_understood { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        return Ok((status, show(&doors, &access, draft).await?).into_response());
    }
    let (project, user, now) = (&access.project, access.me.user.id, doors.clock.now());
    match actions::save(&doors.db, project.id, typed.base, &draft.texts, user, now).await {
        Ok(()) => {
            info!(project.id = project.id.0, user.id = user.0, "changed the grouping rules of a project");
            let note = Note::ok("Saved. It holds for new events within seconds; what is stored stays where it is.");
            Ok(flash::redirect(&doors, &format!("/{}/settings/grouping", project.slug), note))
        }
        Err(NotSaved::Faults(faults)) => {
            draft.fault(faults);
            Ok((StatusCode::UNPROCESSABLE_ENTITY, show(&doors, &access, draft).await?).into_response())
        }
        Err(NotSaved::Outdated) => {
            draft.base = grouping_rules::newest(&doors.db, project.id).await?.revision;
            draft.problem =
                "Nothing was saved: somebody else saved other rules meanwhile, see the versions below. Saving again replaces them.".into();
            Ok((StatusCode::CONFLICT, show(&doors, &access, draft).await?).into_response())
        }
        Err(NotSaved::Database(error)) => Err(error.into()),
    }
}

/// Browsers send lines with `\r\n`; the database knows no NUL.
fn clean(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\0', "")
}

/// Tries the draft on what is stored; false: some lines cannot be understood.
async fn rehearse(doors: &Doors, access: &ProjectAccess, draft: &mut Draft) -> Result<bool, PageError> {
    match GroupingRules::parse(&draft.texts) {
        Ok(rules) => {
            draft.rehearsal = Some(doors.grouping.rehearse(&doors.db, &doors.library, access.project.id, rules).await?);
            Ok(true)
        }
        Err(faults) => {
            draft.fault(faults);
            Ok(false)
        }
    }
}

impl Draft {
    fn fault(&mut self, faults: Faults) {
        self.problem = "Nothing was saved: some lines cannot be understood.".to_owned();
        self.faults = faults;
    }
}

async fn show(doors: &Doors, access: &ProjectAccess, draft: Draft) -> Result<Html<String>, PageError> {
    let project = &access.project;
    let uses = |is_stack: bool| {
        let all = draft.rehearsal.iter().flat_map(|rehearsal| &rehearsal.uses);
        all.filter(|rule| rule.is_stack == is_stack).collect::<Vec<_>>()
    };
    let field = |name, label, placeholder, text: &str, is_stack, faults| Field {
        name,
        label,
        placeholder,
        rows: text.lines().count().clamp(5, 24) + 1,
        lines: lines(text, faults, &uses(is_stack), &project.short_prefix),
        has_faults: !faults.is_empty(),
        text: text.chars().take(2 * TEXT_BYTES_MAX).collect(),
    };
    layout::html(&Page {
        shell: Shell::for_project(doors, access, Tab::Settings).await?,
        slug: project.slug.clone(),
        name: project.name.clone(),
        may_change: access.me.user.role.may_administer(),
        base: draft.base,
        fields: [
            field("fingerprint", "Fingerprint rules", FINGERPRINT_EXAMPLE, &draft.texts.fingerprint, false, &draft.faults.fingerprint),
            field("stack", "Stack trace rules", STACK_EXAMPLE, &draft.texts.stack, true, &draft.faults.stack),
        ],
        notice: draft.notice,
        problem: draft.problem,
        preview: draft.rehearsal.as_ref().map(|rehearsal| Preview::of(rehearsal, &project.short_prefix)),
        versions: store::grouping_rules::versions(&doors.db, project.id).await?,
    })
}

const FINGERPRINT_EXAMPLE: &str = "error.type:ReadTimeout path:**/shipping/** -> shipping-timeout, {{ function }}\nmessage:\"deadlock detected*\" -> deadlock title=\"Deadlock\"";
const STACK_EXAMPLE: &str = "path:**/generated/** -group\nmodule:shop.middleware.* -app";
