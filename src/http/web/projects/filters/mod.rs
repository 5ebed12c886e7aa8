//! `/{project}/settings/filters`. *What do I not want at all, and what would be missing?* Each filter can be tried on the newest events
//! before it is switched on, and says what it dropped since.

mod trial;

use std::collections::HashMap;

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;
use tracing::info;

use crate::actions;
use crate::domain::filters::{Chosen, Filter};
use crate::http::Doors;
use crate::http::web::charts::{Bucket, Spark, spark};
use crate::http::web::flash::{self, Note};
use crate::http::web::format;
use crate::http::web::issues::buckets::Grid;
use crate::http::web::layout::{self, Shell, Tab};
use crate::http::web::page_error::PageError;
use crate::http::web::project_access::ProjectAccess;
use crate::store;
use crate::store::outcome_reads::{self, Drops};
use trial::{Found, Trial};

/// How far back drops are counted, in days.
const COUNTED_DAYS: usize = 14;

#[derive(Template)]
#[template(path = "pages/projects/filters.html")]
struct Page {
    shell: Shell,
    slug: String,
    name: String,
    may_change: bool,
    rows: Vec<Row>,
    days: usize,
    /// What it was tried on; '' where nothing was tried.
    tried: String,
    is_bad: bool,
}

/// One filter.
struct Row {
    filter: Filter,
    label: &'static str,
    hint: &'static str,
    text: String,
    on: bool,
    faults: Vec<String>,
    dropped: i64,
    days: Spark,
    found: Option<Found>,
}

/// The fields of the form: patterns under the name of their filter, the others present where they are on, `do` for the button.
type Fields = HashMap<String, String>;

/// Shows the page.
pub async fn get(State(doors): State<Doors>, access: ProjectAccess) -> Result<Html<String>, PageError> {
    let chosen = store::filters::get(&doors.db, access.project.id).await?;
    show(&doors, &access, &typed(&chosen), None).await
}

/// Saves the filters or tries them, or shows by line what cannot be understood.
pub async fn save(State(doors): State<Doors>, access: ProjectAccess, Form(fields): Form<Fields>) -> Result<Response, PageError> {
    access.me.must_administer()?;
    let Ok(chosen) = understood(&fields) else {
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, show(&doors, &access, &fields, None).await?).into_response());
    };
    if fields.get("do").is_some_and(|what| what == "try") {
        let trial = trial::run(&doors, access.project.id, &chosen).await?;
        return Ok(show(&doors, &access, &fields, Some(trial)).await?.into_response());
    }
    actions::filters::change(&doors.db, access.project.id, &chosen).await?;
    let count = chosen.on.len() + chosen.patterns.iter().map(Vec::len).sum::<usize>();
    info!(project.id = access.project.id.0, user.id = access.me.user.id.0, filter.count = count, "changed the filters of a project");
    let note = Note::ok("Saved. It holds for new events within seconds; what is stored stays.");
    Ok(flash::redirect(&doors, &format!("/{}/settings/filters", access.project.slug), note))
}

/// What the form would say of what is saved.
fn typed(chosen: &Chosen) -> Fields {
    let patterns = Filter::ALL.into_iter().filter(|filter| filter.has_patterns());
    let patterns = patterns.map(|filter| (filter.name().to_owned(), chosen.patterns_of(filter).join("\n")));
    patterns.chain(chosen.on.iter().map(|filter| (filter.name().to_owned(), "on".to_owned()))).collect()
}

/// The filters that were typed, or what is wrong with each.
fn understood(fields: &Fields) -> Result<Chosen, HashMap<Filter, Vec<String>>> {
    let (mut chosen, mut faults) = (Chosen::default(), HashMap::new());
    for filter in Filter::ALL {
        match fields.get(filter.name()) {
            Some(text) if filter.has_patterns() => {
                if let Err(lines) = chosen.read(filter, text) {
                    faults.insert(filter, lines.iter().map(ToString::to_string).collect());
                }
            }
            Some(_) => chosen.on.push(filter),
            None => {}
        }
    }
    if faults.is_empty() { Ok(chosen) } else { Err(faults) }
}

async fn show(doors: &Doors, access: &ProjectAccess, fields: &Fields, trial: Option<Trial>) -> Result<Html<String>, PageError> {
    let shell = Shell::for_project(doors, access, Tab::Settings).await?;
    let grid = Grid::ending(shell.now, 24, COUNTED_DAYS);
    let names = Filter::ALL.map(|filter| filter.name().to_owned());
    let drops = outcome_reads::drops(&doors.db, access.project.id, grid.start, &names).await?;
    let mut faults = understood(fields).err().unwrap_or_default();
    let is_bad = !faults.is_empty();
    let tried = trial.as_ref().map(said).unwrap_or_default();
    let mut found = trial.map(|trial| trial.found).unwrap_or_default();
    let rows = Filter::ALL.into_iter().map(|filter| {
        let (label, hint) = words(filter);
        let text = fields.get(filter.name()).cloned().unwrap_or_default();
        let own: Vec<_> = drops.iter().filter(|one| one.reason == filter.name()).collect();
        Row {
            filter,
            label,
            hint,
            on: !text.is_empty(),
            text,
            faults: faults.remove(&filter).unwrap_or_default(),
            dropped: own.iter().map(|one| one.item_count).sum(),
            days: days(&grid, &own),
            found: found.remove(&filter),
        }
    });
    layout::html(&Page {
        slug: access.project.slug.clone(),
        name: access.project.name.clone(),
        may_change: access.me.user.role.may_administer(),
        rows: rows.collect(),
        days: COUNTED_DAYS,
        tried,
        is_bad,
        shell,
    })
}

fn said(trial: &Trial) -> String {
    match trial.oldest_at {
        Some(oldest) => {
            let events = format::many(trial.event_count, "event", "events");
            format!("Nothing is saved yet. Tried on the newest {events}, the first of {}.", format::exact(oldest))
        }
        None => "Nothing is saved yet, and no event is stored to try it on.".to_owned(),
    }
}

/// What a filter dropped on each of the last days.
fn days(grid: &Grid, drops: &[&Drops]) -> Spark {
    let mut buckets = vec![Bucket::default(); grid.count];
    for one in drops {
        let bucket = usize::try_from((one.hour - grid.start).whole_seconds() / grid.length.whole_seconds().max(1)).ok();
        if let Some(bucket) = bucket.and_then(|n| buckets.get_mut(n)) {
            bucket.count += one.item_count;
        }
    }
    spark(&buckets, "14 days", "in the last of them")
}

/// Label and explanation.
fn words(filter: Filter) -> (&'static str, &'static str) {
    match filter {
        Filter::Message => ("Error type or message", "TypeError: Failed to fetch*, ConnectionResetError, *extension*"),
        Filter::Release => ("Release", "*-dev, shop@1.*"),
        Filter::Environment => ("Environment", "local*, ci"),
        Filter::Logger => ("Logger", "django.security.DisallowedHost"),
        Filter::Url => ("URL of the request or of the failing script", "*://*.ngrok.app/*, chrome-extension://*"),
        Filter::Address => ("IP address of the client, or of the machine that sent the event", "203.0.113.7, 10.0.0.0/8, 2001:db8::/32"),
        Filter::LegacyBrowser => ("Old browsers", "Internet Explorer, and Chrome before 63, Firefox 67, Safari 12, Edge 79, Opera 51."),
        Filter::Crawler => ("Crawlers", "Search engines, link previews, uptime checks and other programs that say so in their user agent."),
        Filter::Localhost => ("Localhost", "Requests to localhost, *.localhost or a loopback address, or from one."),
        Filter::HealthCheck => ("Health checks", "Requests and transactions such as /healthz, /livez, /ping, /api/health."),
    }
}
