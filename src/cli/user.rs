//! `bugle user`.

use std::io::Read;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};

use crate::actions;
use crate::app::installation::Installation;
use crate::cli::say::say;
use crate::clock::Clock;
use crate::domain::user::Role;

/// What to do with people.
#[derive(Subcommand)]
pub enum Command {
    /// Make an account; without --password-stdin, print a one-time link to choose a password
    Create(Create),
    /// Print a one-time link to choose a new password
    ResetPassword(ResetPassword),
}

/// A new account.
#[derive(Args)]
pub struct Create {
    /// Address to sign in with
    #[arg(long)]
    email: String,
    /// What they are called [default: the part of the address before the @]
    #[arg(long, default_value = "")]
    name: String,
    /// owner, admin, member or viewer
    #[arg(long, default_value = "member", value_parser = role)]
    role: Role,
    /// Read the password from standard input
    #[arg(long)]
    password_stdin: bool,
}

/// A new password.
#[derive(Args)]
pub struct ResetPassword {
    /// Whose
    #[arg(long)]
    email: String,
}

fn role(raw: &str) -> Result<Role, String> {
    Role::parse(raw).ok_or_else(|| "use owner, admin, member or viewer".to_owned())
}

impl Command {
    /// Does it.
    pub async fn run(self, installation: &Installation, clock: &Clock) -> anyhow::Result<()> {
        match self {
            Self::Create(create) => create.run(installation, clock).await,
            Self::ResetPassword(reset) => print_link(installation, clock, &reset.email).await,
        }
    }
}

impl Create {
    async fn run(self, installation: &Installation, clock: &Clock) -> anyhow::Result<()> {
        let password = self.password_stdin.then(read_password).transpose()?;
        actions::users::create(&installation.db, clock, &self.email, &self.name, self.role, password.as_deref()).await?;
        say!("created {} as {}", self.email, self.role);
        match password {
            Some(_) => Ok(()),
            None => print_link(installation, clock, &self.email).await,
        }
    }
}

async fn print_link(installation: &Installation, clock: &Clock, email: &str) -> anyhow::Result<()> {
    let link = actions::resets::link_for(&installation.db, clock, &installation.config.url, email).await?;
    let Some(link) = link else { bail!("nobody here has the address {email}") };
    say!("this link works once, for {} hours:\n{link}", actions::resets::RESET_HOURS);
    Ok(())
}

/// The first line, without its end: `echo` adds one.
fn read_password() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("reading the password from standard input")?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
