//! `bugle check`: one line per thing that has to work, each with what to do where it does not.

use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use time::Duration;

use crate::app::installation::Installation;
use crate::cli::counts;
use crate::cli::say::say;
use crate::clock::Clock;
use crate::config::{Checked, Config};
use crate::geoip::GeoIp;
use crate::notify::{self, Mailer};
use crate::spool::{self, Mark, Position, SpoolLimits, survey};
use crate::store;
use crate::store::partitions::Family;

/// Verifies configuration, database, spool, disk and mail.
#[derive(Args)]
pub struct Check {
    /// Send a test mail to this address
    #[arg(long, value_name = "TO")]
    send_mail: Option<String>,
    /// Prove that every counter equals the rows it summarizes; reads all of them, and stops nobody
    #[arg(long)]
    counts: bool,
}

/// Events outside of their partition are counted up to here.
const STRAYS_MAX: i64 = 1_000_000;
/// While the server runs and the database answers, nothing should wait for longer.
const WAITING_MAX: Duration = Duration::minutes(5);
/// Dead letters are counted up to here.
const LETTERS_MAX: i64 = 1_000;

impl Check {
    /// Checks everything, even after a failure; the exit code is 1 where anything failed.
    pub async fn run(self, settings: Checked) -> ExitCode {
        let mut report = Report::default();
        report.note("settings", Ok(format!("fine; data directory {}", settings.data_dir().display())));
        match Installation::open_beside(settings).await {
            Ok(installation) => {
                self.look_at(&installation, &mut report).await;
                installation.close().await;
            }
            Err(problem) => report.note("database", Err(problem)),
        }
        if report.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }

    async fn look_at(&self, installation: &Installation, report: &mut Report) {
        report.note("database", database(installation).await);
        report.note("people", people(installation).await);
        report.note("disk", disk(&installation.config));
        report.note("data directory", writable(&installation.config));
        report.note("spool", spool(installation).await);
        report.note("dead letters", dead_letters(installation).await);
        report.note("partitions", partitions(installation).await);
        report.note("public address", Ok(public_address(&installation.config)));
        report.note("places of addresses", places(&installation.config));
        report.note("mail", self.mail(&installation.config).await);
        if self.counts {
            report.note("counts", counts::prove(installation, &Clock::system()).await);
        }
    }

    async fn mail(&self, config: &Config) -> anyhow::Result<String> {
        let mailer = Mailer::new(config)?;
        let Some(to) = &self.send_mail else {
            return Ok(match mailer.is_configured() {
                true => format!("configured, sender {}; try it: bugle check --send-mail you@example.org", config.mail.from),
                false => "BUGLE_SMTP_URL is not set: mails are kept and shown in the admin page".to_owned(),
            });
        };
        if !mailer.is_configured() {
            bail!("BUGLE_SMTP_URL is not set, so nothing can be sent to {to}");
        }
        notify::trial::send(&mailer, &Clock::system(), to).await?;
        Ok(format!("the mail server took a test mail to {to}"))
    }
}

/// Prints as it goes: a hanging step shows which one it is.
#[derive(Default)]
struct Report {
    failed: bool,
}

impl Report {
    fn note(&mut self, what: &str, outcome: anyhow::Result<String>) {
        match outcome {
            Ok(said) => say!("ok      {what}: {said}"),
            Err(problem) => {
                self.failed = true;
                say!("FAILED  {what}: {problem:#}");
            }
        }
    }
}

/// A broken file keeps nothing from starting, which is why somebody has to say it.
fn places(config: &Config) -> anyhow::Result<String> {
    match &config.geoip_file {
        Some(path) => GeoIp::describe(path),
        None => Ok("BUGLE_GEOIP_FILE is not set: events get none".to_owned()),
    }
}

async fn database(installation: &Installation) -> anyhow::Result<String> {
    let version = store::server_version(&installation.db).await.context("asking Postgres for its version")?;
    let whose = match (&installation.config.database_url, installation.is_beside_another()) {
        (Some(_), _) => "of DATABASE_URL",
        (None, true) => "private, run by the Bugle that is serving",
        (None, false) => "private, started for this check",
    };
    Ok(format!("PostgreSQL {version} ({whose}), schema up to date"))
}

async fn people(installation: &Installation) -> anyhow::Result<String> {
    Ok(match store::users::any(&installation.db).await.context("looking for accounts")? {
        true => "there is somebody who can sign in".to_owned(),
        false => {
            "nobody yet; starting the server prints a setup link, or: bugle user create --email you@example.org --role owner".to_owned()
        }
    })
}

fn disk(config: &Config) -> anyhow::Result<String> {
    let limits = SpoolLimits::for_disk(&config.data_dir).context("asking for the free space")?;
    let space = spool::disk(&config.data_dir).context("asking for the free space")?;
    let mb = |bytes: u64| bytes / 1_000_000;
    if space.free_bytes < limits.min_free_bytes {
        bail!(
            "only {} MB are free at {}; below {} MB no events are accepted",
            mb(space.free_bytes),
            config.data_dir.display(),
            mb(limits.min_free_bytes)
        );
    }
    Ok(format!("{} MB free of {} MB", mb(space.free_bytes), mb(space.total_bytes)))
}

/// What waits; beside a running Bugle it should not wait for long.
async fn spool(installation: &Installation) -> anyhow::Result<String> {
    let (config, dir) = (&installation.config, installation.config.data_dir.join("spool"));
    let Some(node) = survey::node_id(&dir) else { return Ok("not made yet".to_owned()) };
    let row = store::spool_positions::find(&installation.db, node).await.context("reading the position in the spool")?;
    let mark = row.map(|row| Mark { position: Position::from_row(row.segment, row.offset), ahead: row.ahead });
    let depth = survey::depth(&dir, mark.as_ref()).context("looking into the spool")?;
    let limits = SpoolLimits::for_disk(&dir).context("asking for the free space")?;
    let limits = limits.with(config.spool.max_bytes, Duration::hours(i64::from(config.spool.max_hours)));
    let room = format!("room for {} MB and {} hours", limits.max_bytes / 1_000_000, config.spool.max_hours);
    let age = depth.waiting_since.map_or(Duration::ZERO, |since| Clock::system().now() - since);
    let waits = format!(
        "{} requests of {} MB wait, the oldest for {} minutes",
        depth.entry_count,
        depth.byte_count / 1_000_000,
        age.whole_minutes()
    );
    if depth.entry_count == 0 {
        return Ok(format!("everything accepted is stored; {room}"));
    }
    if installation.is_beside_another() && age >= WAITING_MAX {
        bail!("{waits}; the database answers, so look into the log of the server for what keeps it from storing them ({room})");
    }
    Ok(format!("{waits}; {room}"))
}

/// A real write and sync, beside the spool, which may be in use.
fn writable(config: &Config) -> anyhow::Result<String> {
    let trial = config.data_dir.join(format!("check.{}", std::process::id()));
    let written = std::fs::File::create(&trial).and_then(|mut file| {
        std::io::Write::write_all(&mut file, b"check")?;
        file.sync_all()
    });
    std::fs::remove_file(&trial).ok();
    written.with_context(|| format!("writing to {}", config.data_dir.display()))?;
    Ok("can be written and synced".to_owned())
}

async fn dead_letters(installation: &Installation) -> anyhow::Result<String> {
    Ok(match store::dead_letters::count_up_to(&installation.db, None, LETTERS_MAX).await.context("counting the dead letters")? {
        0 => "none".to_owned(),
        LETTERS_MAX => format!("{LETTERS_MAX} or more; bugle dead-letter list shows why"),
        count => format!("{count}; bugle dead-letter list shows why"),
    })
}

async fn partitions(installation: &Installation) -> anyhow::Result<String> {
    let strays = store::partitions::count_strays(&installation.db, Family::Events, STRAYS_MAX)
        .await
        .context("looking into the default partition")?;
    if strays > 0 {
        bail!(
            "{strays} events lie outside of the partitions of their days; a running Bugle moves them within ten minutes, if its clock is right"
        );
    }
    let count = store::partitions::list(&installation.db, Family::Events).await.context("listing the partitions")?.len();
    Ok(format!("{count} days, and no event outside of them"))
}

fn public_address(config: &Config) -> String {
    let local = ["http://localhost", "http://127.", "http://[::1]"].iter().any(|start| config.url.starts_with(start));
    match (local, config.url.starts_with("https:")) {
        (true, _) => format!("{}; only this machine can send events (set BUGLE_URL to what others can reach)", config.url),
        (false, false) => format!("{}; without https, passwords and events travel in the open", config.url),
        (false, true) => config.url.clone(),
    }
}
