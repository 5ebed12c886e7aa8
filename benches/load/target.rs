//! What is measured, as a process of its own on a data directory of its own: the release binary of Bugle, or the floor.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, bail, ensure};
use bugle::app::database;
use bugle::postgres::Address;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::{Connection, Executor, PgConnection, Row};

use super::client::Target;
use super::process;

/// A serving process with its private Postgres. Dropping it stops both.
pub struct Running {
    /// Where to send.
    pub target: Target,
    child: Child,
    postmaster: u32,
    data_dir: PathBuf,
    _folder: tempfile::TempDir,
}

/// What it has used so far.
#[derive(Clone, Copy)]
pub struct Usage {
    /// CPU seconds of the server.
    pub server: f64,
    /// CPU seconds of Postgres.
    pub postgres: f64,
    /// Bytes of the database.
    pub disk: i64,
}

impl Running {
    /// Starts Bugle and makes a project.
    pub fn bugle() -> anyhow::Result<Self> {
        let (folder, data_dir) = folder()?;
        let mut child =
            bugle_command(&data_dir).arg("serve").stdout(Stdio::null()).stderr(Stdio::piped()).spawn().context("starting Bugle")?;
        let mut lines = BufReader::new(child.stderr.take().context("piped")?).lines().map_while(Result::ok);
        let url =
            lines.find_map(|line| line.split_once("listens on http://").map(|(_, url)| url.split(' ').next().unwrap_or("").to_owned()));
        let address: SocketAddr = url.context("Bugle did not start")?.parse()?;
        std::thread::spawn(move || lines.for_each(drop));
        let made = bugle_command(&data_dir).args(["project", "create", "Shop"]).output()?;
        ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let dsn = url::Url::parse(String::from_utf8(made.stdout)?.lines().last().context("no DSN")?)?;
        let target = Target { address, path: format!("/api{}/envelope/", dsn.path()), key: dsn.username().to_owned() };
        let pid_file = std::fs::read_to_string(data_dir.join("pg/postmaster.pid"))?;
        let postmaster = pid_file.lines().next().context("empty")?.parse()?;
        Ok(Self { target, child, postmaster, data_dir, _folder: folder })
    }

    /// Starts the floor: this program again.
    pub fn floor() -> anyhow::Result<Self> {
        let (folder, data_dir) = folder()?;
        let mut child = Command::new(std::env::current_exe()?).arg("floor").arg(&data_dir).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("piped")?).read_line(&mut line)?;
        let (port, postmaster) = line.trim().split_once(' ').context("the floor did not start")?;
        let target = Target { address: format!("127.0.0.1:{port}").parse()?, path: "/".into(), key: String::new() };
        Ok(Self { target, child, postmaster: postmaster.parse()?, data_dir, _folder: folder })
    }

    /// A connection to its Postgres.
    pub async fn connect(&self) -> anyhow::Result<PgConnection> {
        let address = Address::find(&self.data_dir)?.context("no cluster")?;
        Ok(PgConnection::connect_with(&database::private(&address)).await?)
    }

    /// Where its files are.
    pub fn data_dir(&self) -> &std::path::Path {
        &self.data_dir
    }

    /// What it has used so far.
    pub async fn usage(&self, db: &mut PgConnection) -> anyhow::Result<Usage> {
        let disk = db.fetch_one("SELECT pg_database_size(current_database())").await?.get(0);
        let (server, postgres) = (process::cpu_seconds(self.child.id()), process::tree_cpu_seconds(self.postmaster));
        Ok(Usage { server, postgres, disk })
    }

    /// Largest resident memory of the server so far, in bytes.
    pub fn peak_rss(&self) -> u64 {
        process::peak_rss(self.child.id())
    }

    /// Resident memory of the server now, in bytes.
    pub fn rss(&self) -> u64 {
        process::rss(self.child.id())
    }

    /// Watches the memory of Postgres.
    pub fn watch_postgres(&self) -> process::PeakMemory {
        process::PeakMemory::watch(self.postmaster)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGTERM).ok();
        self.child.wait().ok();
    }
}

fn folder() -> anyhow::Result<(tempfile::TempDir, PathBuf)> {
    let folder = tempfile::tempdir()?;
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711))?; // Postgres may run as another user
    let data_dir = folder.path().join("data");
    Ok((folder, data_dir))
}

fn bugle_command(data_dir: &std::path::Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bugle"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("BUGLE_LOG_FORMAT", "text");
    command.env("BUGLE_DATA_DIR", data_dir).env("BUGLE_BIND", "127.0.0.1:0");
    command.env("BUGLE_NEW_ISSUE_LIMIT", "0"); // one shape makes an issue of every event
    command
}

/// What the tables of Bugle hold, counted independently.
#[derive(Debug, PartialEq, Eq)]
pub struct Counted {
    /// Rows of `events`.
    pub events: i64,
    /// Rows of `event_ids`.
    pub ids: i64,
    /// Sum of the counters of all issues.
    pub issue_sum: i64,
    /// Stored, by the outcomes.
    pub outcomes: i64,
    /// Rows of `issues`.
    pub issues: i64,
}

/// Counts all.
pub async fn counted(db: &mut PgConnection) -> anyhow::Result<Counted> {
    let row = db
        .fetch_one(
            "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM event_ids),
                (SELECT coalesce(sum(event_count), 0)::int8 FROM issues), (SELECT count(*) FROM issues)",
        )
        .await?;
    let (events, ids, issue_sum, issues) = (row.get(0), row.get(1), row.get(2), row.get(3));
    Ok(Counted { events, ids, issue_sum, outcomes: stored(db).await?, issues })
}

/// How many events are visible: cheap, a row per project and hour.
pub async fn stored(db: &mut PgConnection) -> anyhow::Result<i64> {
    let sum = "SELECT coalesce(sum(item_count), 0)::int8 FROM project_outcomes WHERE outcome = 'stored'";
    Ok(db.fetch_one(sum).await?.get(0))
}

/// Which part of the events is compressed with a dictionary: those that arrived before there was one are not.
pub async fn dictionary_part(db: &mut PgConnection) -> anyhow::Result<f64> {
    let part = "SELECT coalesce(avg((dictionary_id <> 0)::int)::float8, 0) FROM events";
    Ok(db.fetch_one(part).await?.get(0))
}

impl Counted {
    /// Fails unless every counter says `accepted`.
    pub fn verify(&self, accepted: usize) -> anyhow::Result<()> {
        let accepted = i64::try_from(accepted)?;
        if [self.events, self.ids, self.issue_sum, self.outcomes] != [accepted; 4] {
            bail!("{accepted} were accepted, but there are {self:?}");
        }
        Ok(())
    }
}
