//! Projects: making them, their name, their members.

use crate::actions::project_keys;
use crate::clock::Clock;
use crate::domain::ids::{ProjectId, UserId};
use crate::domain::project::{InvalidSlug, NAME_LEN_MAX, PLATFORMS, Project, Slug};
use crate::store::{self, Db};

/// Why there is no new project.
#[derive(Debug, thiserror::Error)]
pub enum CreateProjectError {
    /// Empty or too long.
    #[error("use 1 to {NAME_LEN_MAX} characters")]
    Name,
    /// The address made of the name, or the one given, cannot be used.
    #[error(transparent)]
    Slug(#[from] InvalidSlug),
    /// Another project has it.
    #[error("there is a project at /{0} already; choose another name")]
    Taken(String),
    /// The database did not do it.
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

impl From<sqlx::Error> for CreateProjectError {
    fn from(error: sqlx::Error) -> Self {
        Self::Internal(error.into())
    }
}

/// A project and the key of its DSN.
#[derive(Clone, Debug)]
pub struct NewProject {
    /// As stored.
    pub project: Project,
    /// 32 lower-case hex digits.
    pub public_key: String,
}

/// Makes a project with a key, its creator (or else every owner) as member, and the three rules every project starts with.
/// `slug`: made from the name where `None`. An unknown platform is kept as ''.
pub async fn create(
    db: &Db,
    clock: &Clock,
    name: &str,
    slug: Option<&str>,
    platform: &str,
    creator: Option<UserId>,
) -> Result<NewProject, CreateProjectError> {
    let name = check_name(name).ok_or(CreateProjectError::Name)?;
    let slug = match slug {
        Some(slug) => Slug::parse(slug)?,
        None => Slug::from_name(&name)?,
    };
    let (now, public_key) = (clock.now(), project_keys::random());
    let mut tx = store::begin(db).await?;
    let project = store::projects::insert(&mut tx, &slug, &name, check_platform(platform), now).await?;
    let project = project.ok_or_else(|| CreateProjectError::Taken(slug.to_string()))?;
    store::keys::insert(&mut tx, project.id, &public_key, "Default", now).await?;
    match creator {
        Some(creator) => store::members::insert(&mut tx, project.id, creator, now).await?,
        None => store::members::insert_owners(&mut tx, project.id, now).await?,
    }
    store::projects::insert_default_rules(&mut tx, project.id, now).await?;
    tx.commit().await?;
    Ok(NewProject { project, public_key })
}

/// Changes name and platform; the slug stays, since addresses and links in old mail hold it. False: the name cannot be used.
pub async fn change(db: &Db, id: ProjectId, name: &str, platform: &str) -> anyhow::Result<bool> {
    let Some(name) = check_name(name) else { return Ok(false) };
    let mut tx = store::begin(db).await?;
    store::projects::update(&mut tx, id, &name, check_platform(platform)).await?;
    tx.commit().await?;
    Ok(true)
}

/// Adds somebody with access to the members; false: there is no such person.
pub async fn add_member(db: &Db, clock: &Clock, id: ProjectId, user: UserId) -> anyhow::Result<bool> {
    if store::users::find(db, user).await?.is_none() {
        return Ok(false);
    }
    let mut tx = store::begin(db).await?;
    store::members::insert(&mut tx, id, user, clock.now()).await?;
    tx.commit().await?;
    Ok(true)
}

/// Removes somebody from the members; false: they were not there.
pub async fn remove_member(db: &Db, id: ProjectId, user: UserId) -> anyhow::Result<bool> {
    let mut tx = store::begin(db).await?;
    let removed = store::members::delete(&mut tx, id, user).await?;
    tx.commit().await?;
    Ok(removed)
}

fn check_name(raw: &str) -> Option<String> {
    let name: String = raw.trim().chars().filter(|c| !c.is_control()).collect();
    (1..=NAME_LEN_MAX).contains(&name.chars().count()).then_some(name)
}

fn check_platform(raw: &str) -> &str {
    if PLATFORMS.iter().any(|(key, _)| *key == raw) { raw } else { "" }
}

/// How long the project keeps its events: a number of days up to `most`, or '' for as long as the installation does. `false`: neither.
pub async fn keep_events(db: &Db, id: ProjectId, days: &str, most: u32) -> anyhow::Result<bool> {
    let days = match days {
        "" => None,
        days => match days.parse::<u32>() {
            Ok(days) if (1..=most).contains(&days) => Some(days),
            _ => return Ok(false),
        },
    };
    let mut tx = store::begin(db).await?;
    store::retention::set(&mut tx, id, days).await?;
    tx.commit().await?;
    Ok(true)
}
