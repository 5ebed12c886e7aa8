//! `bugle project grouping`: what would become one issue under the newest version of the fingerprint, and moving on to it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::Context;
use clap::Args;

use crate::actions;
use crate::app::installation::Installation;
use crate::cli::say::say;
use crate::domain::fingerprint::Hash;
use crate::domain::ids::IssueId;
use crate::pipeline::fingerprint::{self, Version};
use crate::protocol::event;
use crate::store::grouping_versions::{self, Stored};
use crate::store::{self, dictionaries};

/// Latest events looked at of each issue.
const EVENTS_PER_ISSUE: i64 = 3;

/// A project and how far to look.
#[derive(Args)]
pub struct Grouping {
    /// The project
    slug: String,
    /// How many issues to look at, the ones seen last
    #[arg(long, default_value_t = 2_000)]
    issues: u16,
    /// Move the project on to the newest version. No issue is split or merged by that; new events that are one bug from then on go to one issue
    #[arg(long = "move")]
    moves: bool,
}

/// What the newest version says of issues that are there.
#[derive(Default)]
struct Preview {
    event_count: usize,
    titles: BTreeMap<IssueId, String>,
    issues_of: HashMap<Hash, BTreeSet<IssueId>>,
    hashes_of: BTreeMap<IssueId, BTreeSet<Hash>>,
}

impl Grouping {
    /// Shows it, and moves where that is asked for.
    pub async fn run(self, installation: &Installation) -> anyhow::Result<()> {
        let db = &installation.db;
        let projects = store::projects::list(db).await?;
        let project =
            projects.iter().find(|one| one.slug.as_str() == self.slug).with_context(|| format!("there is no project {}", self.slug))?;
        let pin = grouping_versions::find(db, project.id).await?.context("the project is gone")?;
        let newest = Version::NEWEST.number();
        say!("{} groups by version {} of the rules; the newest is {newest}", self.slug, pin.version);
        let mut preview = Preview::default();
        for stored in grouping_versions::latest_events(db, project.id, i64::from(self.issues), EVENTS_PER_ISSUE).await? {
            let json = dictionaries::open(db, project.id, stored.dictionary_id, &stored.payload).await?;
            preview.look(&stored, &json)?;
        }
        preview.print(project.short_prefix.as_str());
        if self.moves && pin.version < newest {
            actions::grouping::move_on(db, project.id, newest).await?;
            say!("moved on to version {newest}; hashes of version {} go on leading to their issues", pin.version);
        }
        Ok(())
    }
}

impl Preview {
    fn look(&mut self, stored: &Stored, json: &[u8]) -> anyhow::Result<()> {
        let event = event::from_stored(json).context("reading a stored event")?;
        let found = fingerprint::compute(&event, Version::NEWEST);
        self.event_count += 1;
        self.titles.insert(stored.issue_id, stored.title.clone());
        if let Some(first) = found.hashes.first() {
            self.issues_of.entry(*first).or_default().insert(stored.issue_id);
            self.hashes_of.entry(stored.issue_id).or_default().insert(*first);
        }
        Ok(())
    }

    fn print(&self, prefix: &str) {
        let joined: BTreeSet<&BTreeSet<IssueId>> = self.issues_of.values().filter(|issues| issues.len() > 1).collect();
        let apart = self.hashes_of.values().filter(|hashes| hashes.len() > 1).count();
        say!("looked at {} events of {} issues", self.event_count, self.titles.len());
        if joined.is_empty() {
            say!("no issues would become one");
        }
        for issues in joined {
            say!("one issue for new events:");
            for issue in issues {
                say!("  {prefix}-{issue}  {}", self.titles.get(issue).map(String::as_str).unwrap_or_default());
            }
        }
        if apart > 0 {
            say!("{apart} issues hold what a new project would keep apart; they stay whole");
        }
    }
}
