//! `bugle dead-letter`.

use std::io::Write;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use serde_json::json;
use time::format_description::well_known::Rfc3339;

use super::table;
use crate::actions::dead_letters;
use crate::app::installation::Installation;
use crate::cli::say::say;
use crate::clock::Clock;
use crate::domain::ids::ProjectId;
use crate::store::dead_letters::DeadLetter;
use crate::store::sealing::SealKey;
use crate::store::{self, Db};

/// Most letters listed at once.
const LISTED_MAX: i64 = 1_000;

/// What to do with what could not be digested.
#[derive(Subcommand)]
pub enum Command {
    /// List them, newest first
    List(List),
    /// Print one with its reason and its body
    Show(Show),
    /// Let the digest try one, or all, again
    Retry(Which),
    /// Remove one, or all, for good
    Drop(Which),
}

/// The list.
#[derive(Args)]
pub struct List {
    /// Most to list
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=LISTED_MAX))]
    limit: i64,
    /// Only those of this project
    #[arg(long, value_name = "SLUG")]
    project: Option<String>,
    /// One JSON array
    #[arg(long)]
    json: bool,
}

/// One letter.
#[derive(Args)]
pub struct Show {
    /// As listed
    id: i64,
}

/// One letter, those of a project, or all of them.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// As listed
    id: Option<i64>,
    /// Every one of this project
    #[arg(long, value_name = "SLUG")]
    project: Option<String>,
    /// Every one
    #[arg(long)]
    all: bool,
}

impl Command {
    /// Does it.
    pub async fn run(self, installation: &Installation, clock: &Clock) -> anyhow::Result<()> {
        let db = &installation.db;
        match self {
            Self::List(list) => list.run(installation).await,
            Self::Show(show) => show.run(installation).await,
            Self::Retry(which) => {
                let count = which.found(dead_letters::retry(db, clock, which.letters(db).await?).await?)?;
                say!("{count} will be tried again by the running server, or at its next start");
                Ok(())
            }
            Self::Drop(which) => {
                say!("dropped {}", which.found(dead_letters::drop(db, which.letters(db).await?).await?)?);
                Ok(())
            }
        }
    }
}

impl Which {
    async fn letters(&self, db: &Db) -> anyhow::Result<dead_letters::Which> {
        Ok(match (self.id, &self.project) {
            (Some(id), _) => dead_letters::Which::One(id),
            (None, Some(slug)) => dead_letters::Which::Of(project(db, slug).await?),
            (None, None) => dead_letters::Which::All,
        })
    }

    /// Asking for one that is not there is a mistake; all of none is not.
    fn found(&self, count: u64) -> anyhow::Result<u64> {
        match self.id {
            Some(id) if count == 0 => bail!("there is no dead letter {id}"),
            _ => Ok(count),
        }
    }
}

impl List {
    async fn run(self, installation: &Installation) -> anyhow::Result<()> {
        let of = match &self.project {
            Some(slug) => Some(project(&installation.db, slug).await?),
            None => None,
        };
        let letters = store::dead_letters::list(&installation.db, of, None, self.limit).await.context("listing the dead letters")?;
        if self.json {
            let rows: Vec<_> = letters.iter().map(as_json).collect();
            say!("{}", serde_json::to_string_pretty(&rows)?);
        } else if letters.is_empty() {
            say!("no dead letters: everything that arrived was digested");
        } else {
            let rows: Vec<_> = letters
                .iter()
                .map(|one| {
                    [
                        one.id.to_string(),
                        one.project_id.to_string(),
                        date(one),
                        one.item_type.clone(),
                        one.retry_count.to_string(),
                        one.reason.clone(),
                    ]
                })
                .collect();
            say!("{}", table::render(["id", "project", "received", "item", "retries", "reason"], &rows).trim_end());
        }
        Ok(())
    }
}

impl Show {
    async fn run(self, installation: &Installation) -> anyhow::Result<()> {
        let letter = store::dead_letters::find(&installation.db, self.id).await.context("looking for the dead letter")?;
        let contents = store::dead_letters::find_contents(&installation.db, self.id).await.context("reading it")?;
        let (Some(letter), Some(contents)) = (letter, contents) else { bail!("there is no dead letter {}", self.id) };
        let receipt = serde_json::to_string_pretty(&contents.receipt)?;
        let key = SealKey::of(&installation.config.secret_key.0);
        let body = contents.open(&key).context("the letter was encrypted under another BUGLE_SECRET_KEY")?;
        say!("{}\n{receipt}", serde_json::to_string_pretty(&as_json(&letter))?);
        // As it is: the sender's bytes, perhaps compressed.
        let mut out = std::io::stdout().lock();
        out.write_all(&body).and_then(|()| out.write_all(b"\n")).context("writing to standard output")
    }
}

async fn project(db: &Db, slug: &str) -> anyhow::Result<ProjectId> {
    let found = store::projects::find_by_slug(db, slug).await.context("looking for the project")?;
    Ok(found.with_context(|| format!("there is no project “{slug}”"))?.id)
}

fn date(letter: &DeadLetter) -> String {
    letter.received_at.format(&Rfc3339).unwrap_or_default()
}

fn as_json(letter: &DeadLetter) -> serde_json::Value {
    json!({
        "id": letter.id, "project": letter.project_id, "receivedAt": date(letter), "item": letter.item_type,
        "eventId": letter.event_id.map(|id| id.to_string()), "reason": letter.reason, "retries": letter.retry_count, "bodyBytes": letter.body_len,
    })
}
