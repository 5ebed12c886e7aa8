//! `bugle dsn`.

use anyhow::{Context, bail};
use clap::Args;

use crate::app::installation::Installation;
use crate::cli::say::say;
use crate::domain::project;
use crate::store;

/// The DSN of a project, alone on standard output.
#[derive(Args)]
pub struct Dsn {
    /// The project's slug
    project_slug: String,
}

impl Dsn {
    /// Prints it.
    pub async fn run(self, installation: &Installation) -> anyhow::Result<()> {
        let found = store::projects::find_by_slug(&installation.db, &self.project_slug).await.context("looking for the project")?;
        let Some(found) = found else { bail!("there is no project “{}”; bugle project list shows all", self.project_slug) };
        let key = store::keys::find_first_enabled(&installation.db, found.id).await.context("looking for its key")?;
        let Some(key) = key else { bail!("every key of “{}” is disabled; enable or make one in its settings", self.project_slug) };
        say!("{}", project::dsn(&installation.config.url, &key, found.id.0));
        Ok(())
    }
}
