//! The command line: what is asked, and the answer on standard output. Logs go to standard error.
//!
//! The last line a command prints is what a script wants: a DSN, a token, a link.
//!
//! Deliberately absent: rules. Commands call `actions`, `jobs` and `store` like the other doors.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::app::{self, installation::Installation};
use crate::cli::say::say;
use crate::clock::Clock;
use crate::config::{Checked, Raw};
use crate::domain::scrubbing::Scrubbing;
use crate::telemetry::Logging;

mod check;
mod counts;
mod dead_letter;
mod dsn;
mod grouping;
mod project;
mod say;
mod scrub;
mod table;
mod token;
mod user;

/// For what may hang at the end: a name look-up, a slow disk. The process ends anyway.
const RUNTIME_GRACE: Duration = Duration::from_secs(2);
/// How long a thread for blocking work lives on without any: its buffers are gone before the memory of a flood is given back.
const BLOCKING_KEPT: Duration = Duration::from_secs(3);

/// Self-hosted error tracking for every Sentry SDK: one binary, one Postgres.
#[derive(Parser)]
#[command(name = "bugle", version, max_term_width = 120, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Raw,
}

#[derive(Subcommand)]
enum Command {
    /// Start the server; pending migrations run first (the default)
    Serve,
    /// Run pending migrations and exit
    Migrate,
    /// Verify configuration, database, spool, disk and mail; explain what is wrong
    Check(check::Check),
    /// Make accounts and reset passwords
    #[command(subcommand)]
    User(user::Command),
    /// Make and list projects
    #[command(subcommand)]
    Project(project::Command),
    /// Print the DSN of a project
    Dsn(dsn::Dsn),
    /// Make tokens for the Web API
    #[command(subcommand)]
    Token(token::Command),
    /// Look at what could not be digested, try it again, drop it
    #[command(subcommand)]
    DeadLetter(dead_letter::Command),
    /// Try the scrubbing rules on an event in a file
    Scrub(scrub::Scrub),
}

/// Reads the arguments, does what they say, and answers the exit code: 0 done, 1 failed, 2 not understood.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let level = if matches!(cli.command, None | Some(Command::Serve)) { "info" } else { "warn" };
    match Logging::parse(cli.settings.log.as_deref(), cli.settings.log_format.as_deref(), level) {
        Ok(logging) => logging.start(),
        Err(fault) => return refuse(&fault.to_string()),
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_keep_alive(BLOCKING_KEPT).build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(problem) => return fail(&anyhow::Error::new(problem).context("starting the runtime")),
    };
    let code = runtime.block_on(run(cli));
    runtime.shutdown_timeout(RUNTIME_GRACE);
    code
}

async fn run(cli: Cli) -> ExitCode {
    let command = match cli.command {
        Some(Command::Scrub(scrub)) if scrub.project.is_none() => return ended(scrub.run(Scrubbing::default())),
        command => command,
    };
    let settings = match Checked::parse(&cli.settings) {
        Ok(settings) => settings,
        Err(faults) => return refuse(&faults.to_string()),
    };
    let outcome = match command {
        None | Some(Command::Serve) => app::run(settings).await,
        Some(Command::Check(check)) => return check.run(settings).await,
        Some(command) => administer(command, settings).await,
    };
    ended(outcome)
}

fn ended(outcome: anyhow::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => fail(&problem),
    }
}

/// Works beside a running Bugle, and without one.
async fn administer(command: Command, settings: Checked) -> anyhow::Result<()> {
    let installation = Installation::open_beside(settings).await?;
    let clock = Clock::system();
    let done = match command {
        Command::Serve | Command::Check(_) => Ok(()),
        Command::Migrate => migrated(&installation),
        Command::User(command) => command.run(&installation, &clock).await,
        Command::Project(command) => command.run(&installation, &clock).await,
        Command::Dsn(command) => command.run(&installation).await,
        Command::Token(command) => command.run(&installation, &clock).await,
        Command::DeadLetter(command) => command.run(&installation, &clock).await,
        Command::Scrub(scrub) => scrub.run_in(&installation).await,
    };
    installation.close().await;
    done
}

/// Opening the installation has done it.
fn migrated(_: &Installation) -> anyhow::Result<()> {
    say!("the schema is up to date");
    Ok(())
}

fn refuse(why: &str) -> ExitCode {
    eprintln!("{}", why.lines().map(|line| format!("bugle: {line}")).collect::<Vec<_>>().join("\n"));
    ExitCode::from(2)
}

fn fail(problem: &anyhow::Error) -> ExitCode {
    eprintln!("bugle: {problem:#}");
    ExitCode::FAILURE
}
