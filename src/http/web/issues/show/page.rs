//! The page itself.

use askama::Template;
use time::{Duration, OffsetDateTime};

use crate::domain::event_id::EventId;
use crate::domain::issue::Status;
use crate::http::Doors;
use crate::http::web::charts::Histogram;
use crate::http::web::feedback::report::Report;
use crate::http::web::issues::attachments;
use crate::http::web::issues::badge::{Badge, badges};
use crate::http::web::issues::find::Found;
use crate::http::web::issues::list::heading;
use crate::http::web::layout::{Shell, Tab};
use crate::http::web::page_error::PageError;
use crate::protocol::event::Event;
use crate::store::issue_reads::Issue;
use crate::store::{self, Db};

use super::changed::{self, ChangedCard, Marks};
use super::crumbs::{self, Crumbs};
use super::evidence::{self, Chip, Context, UserCard};
use super::exceptions::{self, StackCard};
use super::facts::{self, Facts};
use super::frame::FrameView;
use super::get::{Absent, Opened, Options};
use super::nav::{self, Navigator};
use super::report::{self, ReportCard};
use super::request::{self, RequestCard, Table};
use super::side::{self, Distribution, Happened};
use super::similar::{self, Similar};
use super::stack::Row;
use super::text::{Shown, cut};
use super::why::{self, Why};
use super::{history, text};

/// Longest message on the page; the raw event has the rest.
const MESSAGE_MAX: usize = 8_192;
/// Reports that are drawn; the list of the project has the rest.
const FEEDBACK_MAX: i64 = 5;

/// An issue with one of its events.
#[derive(Template)]
#[template(path = "pages/issues/show.html")]
pub struct Page {
    shell: Shell,
    id: i64,
    short_id: String,
    base: String,
    level: &'static str,
    kind: String,
    message: Shown,
    badges: Vec<Badge>,
    may_work: bool,
    similar: Vec<Similar>,
    open: bool,
    facts: Facts,
    chart: Histogram,
    happened: Vec<Happened>,
    distributions: Vec<Distribution>,
    slug: String,
    /// What people say about this event, then about others of the issue.
    feedback: Vec<Report>,
    retention_days: u32,
    thins: bool,
    event: Option<EventPart>,
    /// There is an event, but it cannot be unpacked.
    is_unreadable: bool,
}

/// Everything that is about the event.
pub struct EventPart {
    nav: Navigator,
    report: Option<ReportCard>,
    stack: Option<StackCard>,
    template: Option<FrameView>,
    crumbs: Option<Crumbs>,
    request: Option<RequestCard>,
    user: Option<UserCard>,
    tags: Vec<Chip>,
    contexts: Vec<Context>,
    tables: Vec<Table>,
    attachments: Vec<attachments::Row>,
    changed: Option<ChangedCard>,
    missing: String,
    why: Why,
}

/// Collects the page.
pub async fn load(
    doors: &Doors,
    found: Found,
    opened: Result<Opened, Absent>,
    recommended: Option<EventId>,
    options: Options,
) -> Result<Page, PageError> {
    let (db, now) = (&doors.db, doors.clock.now());
    let Found { issue, access, .. } = found;
    let shell = Shell::for_project(doors, &access, Tab::Issues).await?;
    let base = format!("/{}/issues", issue.project_slug);
    let event = opened.as_ref().ok().map(|opened| &opened.event);
    let is_unreadable = opened.as_ref().err() == Some(&Absent::Unreadable);
    let (changed, marks) = event.map(changed::of).unwrap_or_default();
    let (facts, chart) = numbers(doors, &issue, event, now).await?;
    let (kind, _) = heading(&issue);
    Ok(Page {
        id: issue.id.0,
        short_id: issue.short_id(),
        level: issue.level.name(),
        message: if issue.type_.is_empty() && event.is_none() { Shown::default() } else { message_below(&issue, event, &marks) },
        kind: cut(&kind, 300),
        badges: badges(&issue, now),
        may_work: access.me.user.role.may_work(),
        similar: similar::load(db, &issue).await?,
        open: issue.status == Status::Unresolved,
        facts,
        chart,
        happened: side::activities(db, &issue).await?,
        distributions: side::distributions(db, &issue, &base).await?,
        slug: issue.project_slug.clone(),
        feedback: said(db, &issue, opened.as_ref().ok().map(|opened| opened.stored.summary.event_id)).await?,
        retention_days: store::retention::days_of(db, issue.project_id, doors.config.retention_days).await?,
        thins: doors.config.max_storage_bytes.is_some(),
        event: match opened {
            Ok(opened) => Some(part(doors, &issue, opened, recommended, &options, &base, (changed, &marks)).await?),
            Err(_) => None,
        },
        is_unreadable,
        base,
        shell,
    })
}

async fn said(db: &Db, issue: &Issue, event: Option<EventId>) -> sqlx::Result<Vec<Report>> {
    let found = store::feedback::reads::of_issue(db, issue.project_id, issue.id, event, FEEDBACK_MAX).await?;
    Ok(found.into_iter().map(Report::of).collect())
}

async fn numbers(doors: &Doors, issue: &Issue, event: Option<&Event<'_>>, now: OffsetDateTime) -> Result<(Facts, Histogram), PageError> {
    let db = &doors.db;
    let hours = store::chart_reads::issue_hours(db, &[(issue.project_id, issue.id)], now - history::REACH).await?;
    let hours = hours.get(&issue.id).map(Vec::as_slice).unwrap_or_default();
    let last_hour = store::issue_parts::events_since(db, issue.project_id, issue.id, now - Duration::HOUR).await?;
    let grid = history::grid(issue, now);
    let releases = store::chart_reads::releases_between(db, issue.project_id, grid.start, now).await?;
    Ok((facts::of(issue, event, hours, last_hour, now), history::draw(&grid, hours, &releases)))
}

async fn part(
    doors: &Doors,
    issue: &Issue,
    opened: Opened,
    recommended: Option<EventId>,
    options: &Options,
    base: &str,
    (changed, marks): (Option<ChangedCard>, &Marks),
) -> Result<EventPart, PageError> {
    let Opened { stored, event, .. } = opened;
    let here = format!("/issues/{}/events/{}", issue.id, stored.summary.event_id);
    Ok(EventPart {
        nav: nav::load(&doors.db, issue, &stored.summary, recommended).await?,
        report: report::card(&event),
        stack: exceptions::card(&event, options.frames, options.member, marks),
        template: exceptions::template(&event),
        crumbs: crumbs::card(&event, options.all_crumbs, marks),
        request: request::card(&event, marks),
        user: evidence::user(&event, base, marks),
        tags: evidence::tags(&event, base),
        contexts: evidence::contexts(&event, marks),
        tables: evidence::tables(&event, marks),
        attachments: attachments::rows(doors, stored.project_id, stored.summary.event_id, &here).await?,
        changed,
        missing: evidence::missing(&event),
        why: why::load(&doors.db, issue, &stored.hash, event.grouping).await?,
    })
}

/// The whole message of the event, or the first line the issue knows.
pub fn message(issue: &Issue, event: Option<&Event>) -> String {
    let raised = event.and_then(|event| event.exceptions.last()).and_then(|exception| exception.value.as_deref());
    let logged = event.and_then(|event| event.logentry.as_ref()).map(|entry| entry.text());
    let text = raised.or(logged).filter(|text| !text.is_empty()).unwrap_or(&issue.value);
    text::split_at_char(text, MESSAGE_MAX).0.to_owned()
}

/// The message under the title; nothing where the title already is the whole message.
fn message_below(issue: &Issue, event: Option<&Event>, marks: &Marks) -> Shown {
    let message = message(issue, event);
    let shown = if issue.type_.is_empty() && message.trim() == issue.value.trim() { Shown::default() } else { Shown::new(&message) };
    marks.on(shown, || message_path(event))
}

/// Where [`message`] stands in the event.
fn message_path(event: Option<&Event>) -> String {
    match event.map(|event| event.exceptions.len()) {
        Some(0) | None => "logentry.formatted".to_owned(),
        Some(count) => format!("exception.values.{}.value", count - 1),
    }
}

impl Page {
    /// Whether the page is about this event.
    fn is_this(&self, event: &EventId) -> bool {
        self.event.as_ref().is_some_and(|part| part.nav.event_id == event.to_string())
    }

    fn why(&self) -> Option<&Why> {
        self.event.as_ref().map(|event| &event.why)
    }

    /// The address of this event, for the links that show more of it.
    fn here(&self) -> String {
        match &self.event {
            Some(event) => format!("/issues/{}/events/{}", self.id, event.nav.event_id),
            None => format!("/issues/{}", self.id),
        }
    }
}
