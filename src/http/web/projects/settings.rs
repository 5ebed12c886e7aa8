//! `/{project}/settings`. *Who may send what, and who belongs to it?* Sections with their own form.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::response::{Html, Response};
use serde::Deserialize;

use super::limits::Card;
use crate::actions::{project_keys, projects};
use crate::domain::ids::UserId;
use crate::domain::project::{PLATFORMS, dsn};
use crate::domain::user::User;
use crate::http::Doors;
use crate::http::web::flash::{self, Note};
use crate::http::web::format;
use crate::http::web::layout::{self, Shell, Tab};
use crate::http::web::page_error::PageError;
use crate::http::web::project_access::ProjectAccess;
use crate::store;

#[derive(Template)]
#[template(path = "pages/projects/settings.html")]
struct Page {
    shell: Shell,
    slug: String,
    name: String,
    platform: String,
    platforms: &'static [(&'static str, &'static str)],
    short_prefix: String,
    keys: Vec<Key>,
    members: Vec<User>,
    others: Vec<User>,
    may_change: bool,
    limits: Card,
    retention_days: u32,
    kept_days: u32,
    own_days: String,
}

struct Key {
    public_key: String,
    label: String,
    dsn: String,
    created_at: time::OffsetDateTime,
    on: bool,
    minute_limit: Option<i32>,
    hour_limit: Option<i32>,
}

impl Key {
    /// `100 events a minute`; '' where it has no limit of its own.
    fn limits(&self) -> String {
        let limit = |number: Option<i32>, period: &str| {
            Some(match number? {
                0 => format!("no limit per {period}"),
                number => format!("{} per {period}", format::grouped(number)),
            })
        };
        let limits = [limit(self.minute_limit, "minute"), limit(self.hour_limit, "hour")];
        limits.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// Name and platform.
#[derive(Deserialize)]
pub struct General {
    #[serde(default)]
    name: String,
    #[serde(default)]
    platform: String,
}

/// Days that events are kept; empty: as long as the installation says.
#[derive(Deserialize)]
pub struct Retention {
    #[serde(default)]
    days: String,
}

/// A new key.
#[derive(Deserialize)]
pub struct NewKey {
    #[serde(default)]
    label: String,
}

/// `on` or `off`.
#[derive(Deserialize)]
pub struct Turn {
    #[serde(default)]
    to: String,
}

/// Somebody to add.
#[derive(Deserialize)]
pub struct NewMember {
    user: i64,
}

/// Shows the page.
pub async fn get(State(doors): State<Doors>, access: ProjectAccess) -> Result<Html<String>, PageError> {
    let shell = Shell::for_project(&doors, &access, Tab::Settings).await?;
    let project = &access.project;
    let may_change = access.me.user.role.may_administer();
    let keys = store::keys::list(&doors.db, project.id).await?;
    let own_days = store::retention::find(&doors.db, project.id).await?;
    let others = if may_change { store::members::list_others(&doors.db, project.id).await? } else { Vec::new() };
    layout::html(&Page {
        slug: project.slug.clone(),
        name: project.name.clone(),
        platform: project.platform.clone(),
        platforms: PLATFORMS,
        short_prefix: project.short_prefix.clone(),
        keys: keys
            .into_iter()
            .map(|key| Key {
                dsn: dsn(&doors.config.url, &key.public_key, project.id.0),
                public_key: key.public_key,
                label: key.label,
                created_at: key.created_at,
                on: key.disabled_at.is_none(),
                minute_limit: key.minute_limit,
                hour_limit: key.hour_limit,
            })
            .collect(),
        members: store::members::list(&doors.db, project.id).await?,
        others,
        may_change,
        limits: Card::load(&doors, &access).await?,
        retention_days: doors.config.retention_days,
        kept_days: own_days.map_or(doors.config.retention_days, |own| own.min(doors.config.retention_days)),
        own_days: own_days.map(|days| days.to_string()).unwrap_or_default(),
        shell,
    })
}

/// Saves name and platform.
pub async fn save_general(State(doors): State<Doors>, access: ProjectAccess, Form(fields): Form<General>) -> Result<Response, PageError> {
    access.me.must_administer()?;
    let saved = projects::change(&doors.db, access.project.id, &fields.name.replace('\0', ""), &fields.platform).await?;
    let note = if saved { Note::ok("Saved.") } else { Note::bad("Nothing was saved: a name has 1 to 100 characters.") };
    Ok(back(&doors, &access, "", note))
}

/// Saves how long events are kept.
pub async fn save_retention(
    State(doors): State<Doors>,
    access: ProjectAccess,
    Form(fields): Form<Retention>,
) -> Result<Response, PageError> {
    access.me.must_administer()?;
    let most = doors.config.retention_days;
    let saved = projects::keep_events(&doors.db, access.project.id, fields.days.trim(), most).await?;
    let note = match saved {
        true => Note::ok("Saved. Events that are older go within minutes."),
        false => Note::bad(format!("Nothing was saved: type a number of days from 1 to {most}, or nothing.")),
    };
    Ok(back(&doors, &access, "#retention", note))
}

/// Makes a key.
pub async fn create_key(State(doors): State<Doors>, access: ProjectAccess, Form(fields): Form<NewKey>) -> Result<Response, PageError> {
    access.me.must_administer()?;
    let made = project_keys::create(&doors.db, &doors.clock, access.project.id, &fields.label.replace('\0', "")).await?;
    let note = match made {
        Some(_) => Note::ok("The new key works now."),
        None => Note::bad("No key was made: this project has as many as it may have. Use one that is turned off."),
    };
    Ok(back(&doors, &access, "#keys", note))
}

/// Turns a key on or off.
pub async fn turn_key(
    State(doors): State<Doors>,
    access: ProjectAccess,
    Path((_, key)): Path<(String, String)>,
    Form(turn): Form<Turn>,
) -> Result<Response, PageError> {
    access.me.must_administer()?;
    let on = turn.to == "on";
    if !project_keys::turn(&doors.db, &doors.clock, access.project.id, &key.replace('\0', ""), on).await? {
        return Err(PageError::NotFound);
    }
    let text = if on { "The key works again." } else { "The key is off. What comes with it is refused within seconds." };
    Ok(back(&doors, &access, "#keys", Note::ok(text)))
}

/// Adds a member.
pub async fn add_member(State(doors): State<Doors>, access: ProjectAccess, Form(fields): Form<NewMember>) -> Result<Response, PageError> {
    access.me.must_administer()?;
    if !projects::add_member(&doors.db, &doors.clock, access.project.id, UserId(fields.user)).await? {
        return Err(PageError::NotFound);
    }
    Ok(back(&doors, &access, "#members", Note::ok("Added. They see this project and get its mail.")))
}

/// Removes a member.
pub async fn remove_member(
    State(doors): State<Doors>,
    access: ProjectAccess,
    Path((_, user)): Path<(String, i64)>,
) -> Result<Response, PageError> {
    access.me.must_administer()?;
    if !projects::remove_member(&doors.db, access.project.id, UserId(user)).await? {
        return Err(PageError::NotFound);
    }
    Ok(back(&doors, &access, "#members", Note::ok("Removed. They get no more mail about this project.")))
}

/// Back to the page, with a word on what was done.
pub fn back(doors: &Doors, access: &ProjectAccess, anchor: &str, note: Note) -> Response {
    flash::redirect(doors, &format!("/{}/settings{anchor}", access.project.slug), note)
}
