//! `bugle token`.

use anyhow::{Context, bail};
use clap::{Args, Subcommand};

use crate::actions;
use crate::app::installation::Installation;
use crate::cli::say::say;
use crate::clock::Clock;
use crate::domain::user::Email;
use crate::store;

/// What to do with tokens.
#[derive(Subcommand)]
pub enum Command {
    /// Make a token; the last line printed is the token, which is shown only now
    Create(Create),
}

/// A new token.
#[derive(Args)]
pub struct Create {
    /// Address of the person it acts for
    #[arg(long)]
    user: String,
    /// What it is for
    #[arg(long)]
    name: String,
    /// What it may do; repeat for several [default: everything that reads]
    #[arg(long = "scope")]
    scopes: Vec<String>,
}

impl Command {
    /// Does it.
    pub async fn run(self, installation: &Installation, clock: &Clock) -> anyhow::Result<()> {
        let Self::Create(create) = self;
        let email = Email::parse(&create.user)?;
        let known = store::users::find_credentials(&installation.db, email.as_str()).await.context("looking for the person")?;
        let Some(known) = known.filter(|known| known.disabled_at.is_none()) else { bail!("nobody here has the address {}", create.user) };
        let token = actions::tokens::create(&installation.db, clock, known.user.id, &create.name, &create.scopes).await?;
        say!("made a token for {}; it is shown only now:\n{token}", known.user.email);
        Ok(())
    }
}
