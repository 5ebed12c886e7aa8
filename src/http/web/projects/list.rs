//! `/projects`. *Is anything burning, and where?*

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{Html, Redirect};
use serde::Deserialize;
use time::{Duration, OffsetDateTime};

use crate::domain::project::platform_name;
use crate::http::Doors;
use crate::http::web::charts::{Bucket, Spark, spark};
use crate::http::web::format;
use crate::http::web::layout::{self, Shell, Tab};
use crate::http::web::page_error::PageError;
use crate::http::web::project_access::ProjectAccess;
use crate::http::web::signed_in::SignedIn;
use crate::store;
use crate::store::project_overview::{self, COUNT_MAX, HourRow, OverviewRow};

/// Bars of the sparkline: the last 24 hours, aligned to the clock.
const HOURS: usize = 24;
/// From this many projects on there is a box to find one.
const FILTER_FROM: usize = 25;

#[derive(Template)]
#[template(path = "pages/projects/list.html")]
struct Page {
    shell: Shell,
    rows: Vec<Row>,
    summary: String,
    trouble: String,
    query: String,
    filterable: bool,
    may_create: bool,
}

struct Row {
    of: OverviewRow,
    platform: String,
    spark: Spark,
    event_count: i64,
    release: String,
    quiet: bool,
}

/// The filter.
#[derive(Deserialize)]
pub struct Filter {
    #[serde(default)]
    query: String,
}

/// `/`: to the only project, or to the list.
pub async fn home(State(doors): State<Doors>, me: SignedIn) -> Result<Redirect, PageError> {
    let projects = store::projects::list_visible(&doors.db, &me.user).await?;
    Ok(match &projects[..] {
        [only] if only.first_event_at.is_none() => Redirect::to(&format!("/{}/setup", only.slug)),
        [only] => Redirect::to(&format!("/{}/issues", only.slug)),
        _ => Redirect::to("/projects"),
    })
}

/// `/{project}`: to its issues.
pub async fn project_home(access: ProjectAccess) -> Redirect {
    Redirect::to(&format!("/{}/issues", access.project.slug))
}

/// Shows the list.
pub async fn get(State(doors): State<Doors>, me: SignedIn, Query(filter): Query<Filter>) -> Result<Html<String>, PageError> {
    let shell = Shell::load(&doors, &me, Tab::Projects).await?;
    let all = project_overview::list(&doors.db, &me.user, shell.now).await?;
    let ids: Vec<_> = all.iter().map(|row| row.id).collect();
    let since = first_hour(shell.now);
    let hours = project_overview::hours(&doors.db, &ids, since).await?;
    let rows: Vec<Row> = all.into_iter().map(|of| row(of, &hours, since)).collect();
    let (summary, trouble) = (summary(&rows), trouble(&rows));
    let filterable = rows.len() >= FILTER_FROM;
    let wanted = filter.query.trim().to_lowercase();
    let found = rows.into_iter().filter(|row| row.of.name.to_lowercase().contains(&wanted) || row.of.slug.contains(&wanted)).collect();
    let may_create = me.user.role.may_administer();
    layout::html(&Page { shell, rows: found, summary, trouble, query: filter.query, filterable, may_create })
}

fn first_hour(now: OffsetDateTime) -> OffsetDateTime {
    let this_hour = now.replace_time(time::Time::from_hms(now.hour(), 0, 0).expect("an hour of a valid time is valid"));
    this_hour - Duration::hours(i64::try_from(HOURS - 1).expect("a day is short"))
}

fn row(of: OverviewRow, hours: &[HourRow], since: OffsetDateTime) -> Row {
    let mut counts = [0i64; HOURS];
    for hour in hours.iter().filter(|hour| hour.project_id == of.id) {
        if let Some(count) = usize::try_from((hour.hour - since).whole_hours()).ok().and_then(|n| counts.get_mut(n)) {
            *count += hour.event_count;
        }
    }
    let buckets: Vec<Bucket> = counts.iter().enumerate().map(|(n, &count)| Bucket { count, hot: of.spiking && n + 1 == HOURS }).collect();
    let event_count = counts.iter().sum();
    Row {
        platform: platform_name(&of.platform).to_owned(),
        spark: spark(&buckets, "24 hours", "in this hour"),
        event_count,
        release: of.latest_release.as_deref().map(format::short_release).unwrap_or_default(),
        quiet: event_count == 0 && of.last_event_at.is_some(),
        of,
    }
}

fn summary(rows: &[Row]) -> String {
    let events: i64 = rows.iter().map(|row| row.event_count).sum();
    let projects = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    format!("{} in 24 hours in {}.", format::many(events, "event", "events"), format::many(projects, "project", "projects"))
}

fn trouble(rows: &[Row]) -> String {
    let spiking: Vec<&str> = rows.iter().filter(|row| row.of.spiking).map(|row| row.of.name.as_str()).collect();
    match &spiking[..] {
        [] => String::new(),
        [one] => format!("{one} is above its usual rate."),
        [one, more @ ..] => {
            format!("{one} and {} are above their usual rate.", format::many(i64::try_from(more.len()).unwrap_or(0), "other", "others"))
        }
    }
}

impl Row {
    fn unresolved(&self) -> String {
        if self.of.unresolved_count >= COUNT_MAX { "9,999+".to_owned() } else { format::count(self.of.unresolved_count) }
    }
}
