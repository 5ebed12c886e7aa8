//! The rules of the projects, prepared: what is scrubbed, what is not wanted at all, what belongs together. Those who chose nothing share the
//! defaults.
//!
//! Read before a batch, at most every [`REFRESH_EVERY`]; of rules that did not change only their revisions. Nothing is read without rules:
//! where they were never read and the database does not answer, the batch waits.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context;
use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex;
use tracing::warn;

use crate::domain::filters::Filters;
use crate::domain::grouping_rules::GroupingRules;
use crate::domain::ids::ProjectId;
use crate::pipeline::scrub;
use crate::store::{self, Db};

/// How old the rules may get: a change holds on every node within this and the time a batch takes.
const REFRESH_EVERY: Duration = Duration::seconds(2);

/// The rules of one project.
#[derive(Clone, Debug)]
pub struct Rules {
    /// What is scrubbed.
    pub scrub: scrub::Rules,
    /// What is dropped.
    pub filters: Filters,
    /// What belongs together.
    pub grouping: GroupingRules,
}

static DEFAULT: Rules = Rules { scrub: scrub::Rules::DEFAULT, filters: Filters::NONE, grouping: GroupingRules::NONE };

/// How often the rules of a project were changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Revision {
    /// What is scrubbed and what is filtered.
    wanted: i64,
    grouping: i64,
}

/// The rules of all projects at one moment. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Rulebook(Arc<HashMap<ProjectId, (Revision, Arc<Rules>)>>);

impl Rulebook {
    /// The rules of a project.
    pub fn of(&self, project: ProjectId) -> &Rules {
        self.0.get(&project).map_or(&DEFAULT, |(_, rules)| rules)
    }
}

/// Keeps the newest rulebook.
#[derive(Debug, Default)]
pub struct Shelf(Mutex<Newest>);

#[derive(Debug, Default)]
struct Newest {
    book: Rulebook,
    read_at: Option<OffsetDateTime>,
    is_failing: bool,
}

impl Shelf {
    /// The rules that hold now. An error only where they were never read.
    pub async fn newest(&self, db: &Db, now: OffsetDateTime) -> anyhow::Result<Rulebook> {
        let mut newest = self.0.lock().await;
        if newest.read_at.is_some_and(|at| now >= at && now - at < REFRESH_EVERY) {
            return Ok(newest.book.clone());
        }
        match read(db, &newest.book).await {
            Ok(book) => *newest = Newest { book, read_at: Some(now), is_failing: false },
            Err(error) if newest.read_at.is_none() => return Err(error).context("reading the rules of the projects"),
            Err(error) => {
                if !std::mem::replace(&mut newest.is_failing, true) {
                    warn!("the rules of the projects cannot be read, those known stay valid: {error}");
                }
            }
        }
        Ok(newest.book.clone())
    }
}

/// What did not change is taken over.
async fn read(db: &Db, before: &Rulebook) -> sqlx::Result<Rulebook> {
    let revisions = revisions(db).await?;
    let known = |project: &ProjectId, revision: Revision| before.0.get(project).filter(|(known, _)| *known == revision);
    if revisions.len() == before.0.len() && revisions.iter().all(|(project, revision)| known(project, *revision).is_some()) {
        return Ok(before.clone());
    }
    let changed: Vec<ProjectId> =
        revisions.iter().filter(|(project, revision)| known(project, **revision).is_none()).map(|(project, _)| *project).collect();
    let mut fresh: HashMap<ProjectId, Rules> = changed.iter().map(|project| (*project, DEFAULT.clone())).collect();
    for (project, chosen) in store::scrubbing::list(db, &changed).await? {
        fresh.entry(project).or_insert_with(|| DEFAULT.clone()).scrub = scrub::Rules::of(&chosen);
    }
    for (project, chosen) in store::filters::list(db, &changed).await? {
        fresh.entry(project).or_insert_with(|| DEFAULT.clone()).filters = Filters::of(&chosen);
    }
    for (project, saved) in store::grouping_rules::list(db, &changed).await? {
        fresh.entry(project).or_insert_with(|| DEFAULT.clone()).grouping = GroupingRules::parse_known(&saved.texts);
    }
    let taken_over = |project: &ProjectId| before.0.get(project).map(|(_, rules)| Arc::clone(rules));
    let entry = |(project, revision): (ProjectId, Revision)| {
        let rules = fresh.remove(&project).map(Arc::new).or_else(|| taken_over(&project))?;
        Some((project, (revision, rules)))
    };
    Ok(Rulebook(Arc::new(revisions.into_iter().filter_map(entry).collect())))
}

/// Of every project that chose something.
async fn revisions(db: &Db) -> sqlx::Result<HashMap<ProjectId, Revision>> {
    let mut revisions: HashMap<ProjectId, Revision> = HashMap::new();
    for (project, revision) in store::filters::revisions(db).await? {
        revisions.entry(project).or_default().wanted = revision;
    }
    for (project, revision) in store::grouping_rules::revisions(db).await? {
        revisions.entry(project).or_default().grouping = revision;
    }
    Ok(revisions)
}
