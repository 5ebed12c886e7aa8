//! `bugle project`.

use clap::{Args, Subcommand};
use serde_json::json;
use time::format_description::well_known::Rfc3339;

use super::grouping::Grouping;
use super::table;
use crate::actions;
use crate::app::installation::Installation;
use crate::cli::say::say;
use crate::clock::Clock;
use crate::domain::project;
use crate::store;

/// What to do with projects.
#[derive(Subcommand)]
pub enum Command {
    /// Make a project; the last line printed is its DSN
    Create(Create),
    /// List the projects
    List(List),
    /// Show what the newest rules of grouping would make one issue, and move a project on to them
    Grouping(Grouping),
}

/// A new project. Every owner becomes its member.
#[derive(Args)]
pub struct Create {
    /// What people call it
    name: String,
    /// Its part of addresses [default: made from the name]
    #[arg(long)]
    slug: Option<String>,
    /// What it runs on: django, node, …
    #[arg(long, default_value = "")]
    platform: String,
}

/// All projects.
#[derive(Args)]
pub struct List {
    /// One JSON array
    #[arg(long)]
    json: bool,
}

impl Command {
    /// Does it.
    pub async fn run(self, installation: &Installation, clock: &Clock) -> anyhow::Result<()> {
        match self {
            Self::Create(create) => create.run(installation, clock).await,
            Self::List(list) => list.run(installation).await,
            Self::Grouping(grouping) => grouping.run(installation).await,
        }
    }
}

impl Create {
    async fn run(self, installation: &Installation, clock: &Clock) -> anyhow::Result<()> {
        let made = actions::projects::create(&installation.db, clock, &self.name, self.slug.as_deref(), &self.platform, None).await?;
        say!("created the project “{}” ({})", made.project.name, made.project.slug);
        say!("{}", project::dsn(&installation.config.url, &made.public_key, made.project.id.0));
        Ok(())
    }
}

impl List {
    async fn run(self, installation: &Installation) -> anyhow::Result<()> {
        let projects = store::projects::list(&installation.db).await?;
        if self.json {
            let rows: Vec<_> = projects
                .iter()
                .map(|one| {
                    json!({
                        "id": one.id, "slug": one.slug.to_string(), "name": one.name, "platform": one.platform,
                        "createdAt": one.created_at.format(&Rfc3339).ok(), "lastEventAt": one.last_event_at.and_then(|at| at.format(&Rfc3339).ok()),
                    })
                })
                .collect();
            say!("{}", serde_json::to_string_pretty(&rows)?);
        } else if projects.is_empty() {
            say!("no projects yet; make one: bugle project create NAME");
        } else {
            let seen =
                |at: Option<time::OffsetDateTime>| at.and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_else(|| "no events yet".to_owned());
            let rows: Vec<_> = projects
                .iter()
                .map(|one| [one.id.to_string(), one.slug.to_string(), one.name.clone(), one.platform.clone(), seen(one.last_event_at)])
                .collect();
            say!("{}", table::render(["id", "slug", "name", "platform", "last event"], &rows).trim_end());
        }
        Ok(())
    }
}
