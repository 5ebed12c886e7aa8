//! The page: one line on top says what needs a person, or that all is well; below it the numbers.

use std::path::Path;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Html;
use serde::Deserialize;
use time::{Duration, OffsetDateTime};

use crate::domain::ids::ProjectId;
use crate::domain::project::Project;
use crate::http::Doors;
use crate::http::web::format;
use crate::http::web::layout::{self, Shell, Tab};
use crate::http::web::page_error::PageError;
use crate::http::web::signed_in::SignedIn;
use crate::spool::{self, Depth};
use crate::store;
use crate::store::dead_letters::DeadLetter;
use crate::store::instance::Size;
use crate::store::mails::MailCounts;
use crate::store::partitions::Family;

/// Dead letters on one page.
const LETTERS_MAX: i64 = 50;
/// Dead letters are counted up to this many.
const LETTERS_COUNT_MAX: i64 = 10_000;
/// Waiting records from which the digest has fallen behind.
const SPOOL_MANY: u64 = 10_000;
/// Age of the oldest waiting record from which something must be wrong.
const SPOOL_OLD: Duration = Duration::minutes(5);
/// Part of the disk that should stay free, in percent.
const DISK_FREE_MIN: u64 = 10;
/// Events outside of their partition are counted up to this many.
const STRAYS_MAX: i64 = 10_000;
/// Days for which a partition should be there ahead of time; `jobs::partitions` makes three.
const DAYS_AHEAD_MIN: i64 = 1;

#[derive(Template)]
#[template(path = "pages/admin/health.html")]
struct Page {
    shell: Shell,
    postgres_version: String,
    private_postgres: bool,
    needs: Vec<Need>,
    waiting_count: u64,
    waiting_bytes: String,
    waiting_since: Option<OffsetDateTime>,
    spool_bytes_max: String,
    spool_hours_max: u32,
    letters: Vec<Letter>,
    letter_count: i64,
    /// The project whose letters are shown; '' for all.
    wanted: String,
    slugs: Vec<(String, String)>,
    older: String,
    mail: MailCounts,
    sends_mail: bool,
    disk: Option<Disk>,
    sizes: Vec<Size>,
    retention_days: u32,
    oldest_partition: String,
    newest_partition: String,
    partition_count: usize,
}

/// Something that needs a person.
struct Need {
    text: String,
    link: &'static str,
}

struct Letter {
    of: DeadLetter,
    project: String,
}

struct Disk {
    used_percent: u64,
    used: String,
    total: String,
    low: bool,
}

/// Where the page of dead letters begins.
#[derive(Deserialize)]
pub struct Before {
    /// `failed_at` in microseconds and the id, of the last letter of the page before.
    before: Option<String>,
    /// Letters of this project only, by slug.
    #[serde(default)]
    project: String,
}

/// Shows the page.
pub async fn get(State(doors): State<Doors>, me: SignedIn, Query(page): Query<Before>) -> Result<Html<String>, PageError> {
    me.must_administer()?;
    let shell = Shell::load(&doors, &me, Tab::Instance).await?;
    let db = &doors.db;
    let projects = store::projects::list(db).await?;
    let wanted = match page.project.as_str() {
        "" => None,
        slug => Some(projects.iter().find(|project| project.slug == slug).ok_or(PageError::NotFound)?.clone()),
    };
    let wanted_id = wanted.as_ref().map(|project| project.id);
    let letters = store::dead_letters::list(db, wanted_id, page.before.as_deref().and_then(parse_cursor), LETTERS_MAX).await?;
    let letter_count = store::dead_letters::count_up_to(db, wanted_id, LETTERS_COUNT_MAX).await?;
    let older = if i64::try_from(letters.len()).unwrap_or(0) == LETTERS_MAX {
        letters.last().map(|last| cursor(last, &page.project)).unwrap_or_default()
    } else {
        String::new()
    };
    let mail = store::mails::count(db, shell.now - Duration::DAY).await?;
    let partitions = store::partitions::list(db, Family::Events).await?;
    let days: Vec<time::Date> = partitions.iter().map(|partition| partition.day).collect();
    let sizes = store::instance::sizes(db).await?;
    let (depth, disk) = (doors.spool.depth(), disk(&doors.config.data_dir));
    let all_count = store::dead_letters::count_up_to(db, None, LETTERS_COUNT_MAX).await?;
    let mut needs = needs(all_count, &mail, disk.as_ref());
    needs.extend(backlog(&depth, shell.now));
    needs.extend(missing_partitions(&days, shell.now));
    needs.extend(strays(store::partitions::count_strays(db, Family::Events, STRAYS_MAX).await?));
    let max_bytes = doors.config.max_storage_bytes.and_then(|bytes| i64::try_from(bytes).ok());
    needs.extend(max_bytes.filter(|max| store_bytes(&sizes) > *max).map(too_large));
    layout::html(&Page {
        postgres_version: store::instance::server_version(db).await?,
        private_postgres: doors.config.database_url.is_none(),
        needs,
        waiting_count: depth.entry_count,
        waiting_bytes: format::bytes(depth.byte_count),
        waiting_since: depth.waiting_since,
        spool_bytes_max: format::bytes(doors.spool.limits().max_bytes),
        spool_hours_max: doors.config.spool.max_hours,
        letters: letters.into_iter().map(|of| Letter { project: name(&projects, of.project_id), of }).collect(),
        letter_count,
        wanted: page.project,
        slugs: projects.iter().map(|project| (project.slug.clone(), project.name.clone())).collect(),
        older,
        mail,
        sends_mail: doors.config.mail.smtp_url.is_some(),
        disk,
        sizes,
        retention_days: doors.config.retention_days,
        oldest_partition: days.iter().min().map(ToString::to_string).unwrap_or_default(),
        newest_partition: days.iter().max().map(ToString::to_string).unwrap_or_default(),
        partition_count: days.len(),
        shell,
    })
}

fn needs(letter_count: i64, mail: &MailCounts, disk: Option<&Disk>) -> Vec<Need> {
    let mut needs = Vec::new();
    if letter_count > 0 {
        let text = format!("{} could not be read.", format::many(letter_count, "item", "items"));
        needs.push(Need { text, link: "#dead" });
    }
    if mail.failed_count > 0 {
        let text = format!("{} could not be delivered in the last 24 hours.", format::many(mail.failed_count, "mail", "mails"));
        needs.push(Need { text, link: "/admin/mail" });
    }
    if disk.is_some_and(|disk| disk.low) {
        needs.push(Need { text: format!("Less than {DISK_FREE_MIN}% of the disk is free."), link: "#disk" });
    }
    needs
}

fn strays(count: i64) -> Option<Need> {
    let text = format!(
        "{} outside of the partitions of their days. They are moved within minutes; if this stays, look at the log and at the clock.",
        format::many(count, "event lies", "events lie")
    );
    (count > 0).then_some(Need { text, link: "#partitions" })
}

fn store_bytes(sizes: &[Size]) -> i64 {
    sizes.iter().map(|size| size.bytes).sum()
}

fn too_large(max: i64) -> Need {
    let text = format!(
        "The database is larger than {}, as BUGLE_MAX_STORAGE_BYTES says. Events of past days are being thinned out.",
        format::bytes(max)
    );
    Need { text, link: "#partitions" }
}

/// What waits for long is told as well as much that waits.
fn backlog(depth: &Depth, now: OffsetDateTime) -> Option<Need> {
    let age = depth.waiting_since.map_or(Duration::ZERO, |since| now - since);
    let text = if age >= SPOOL_OLD {
        format!("Events wait to be read since {} minutes. The log says what keeps them from the database.", age.whole_minutes())
    } else if depth.entry_count >= SPOOL_MANY {
        format!("{} events wait to be read.", format::count(depth.entry_count))
    } else {
        return None;
    };
    Some(Need { text, link: "#spool" })
}

fn missing_partitions(days: &[time::Date], now: OffsetDateTime) -> Option<Need> {
    let wanted = (now + Duration::days(DAYS_AHEAD_MIN)).date();
    let there = days.contains(&wanted);
    (!there).then(|| Need {
        text: format!("There is no partition for {wanted} yet. Events of that day would go into the default one."),
        link: "#partitions",
    })
}

fn disk(dir: &Path) -> Option<Disk> {
    let space = spool::disk(dir).ok().filter(|space| space.total_bytes > 0)?;
    let used = space.total_bytes.saturating_sub(space.free_bytes);
    Some(Disk {
        used_percent: used.saturating_mul(100) / space.total_bytes,
        used: format::bytes(used),
        total: format::bytes(space.total_bytes),
        low: space.free_bytes.saturating_mul(100) / space.total_bytes < DISK_FREE_MIN,
    })
}

fn name(projects: &[Project], id: ProjectId) -> String {
    projects.iter().find(|project| project.id == id).map_or_else(|| format!("deleted ({id})"), |project| project.name.clone())
}

fn cursor(letter: &DeadLetter, project: &str) -> String {
    format!("/admin?project={project}&before={}-{}#dead", letter.failed_at.unix_timestamp_nanos() / 1_000, letter.id)
}

fn parse_cursor(raw: &str) -> Option<(OffsetDateTime, i64)> {
    let (at, id) = raw.split_once('-')?;
    Some((store::moment::of_micros(at.parse().ok()?)?, id.parse().ok()?))
}
