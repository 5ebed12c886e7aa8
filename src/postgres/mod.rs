//! The private cluster: find the binaries, create, start, watch, stop. Used when no `DATABASE_URL` is given.
//!
//! One thread owns the server from its first start to its stop (see `supervisor`); everybody else only sees [`Cluster`].
//!
//! Deliberately absent: SQL and connections. This room knows processes and files; `app` opens the pool.

use std::path::{Path, PathBuf};

use anyhow::Context;

mod binaries;
mod child;
mod create;
mod identity;
mod lock;
mod log_lines;
mod password;
mod pid_file;
mod socket;
mod supervisor;

pub use binaries::MAJOR_MIN;
pub use lock::{DataLock, LockError};

/// The only role, a superuser of its own cluster.
pub const USER: &str = "bugle";
/// The only database besides those every cluster has.
pub const DATABASE: &str = "bugle";
/// Names the socket file; no network port is opened.
pub const PORT: u16 = 5432;

/// What may be chosen about the private cluster.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where `postgres` and `initdb` are; `None`: found by itself.
    pub bindir: Option<PathBuf>,
    /// `false` only for tests: without fsync a power cut loses data.
    pub durable: bool,
    /// Connections the server accepts.
    pub max_connections: u32,
}

impl Settings {
    /// What an installation runs with.
    pub fn durable(bindir: Option<PathBuf>) -> Self {
        Self { bindir, durable: true, max_connections: 40 }
    }
}

/// How to reach a private cluster. The password is a secret: not printed.
#[derive(Clone)]
pub struct Address {
    /// The directory with the socket, for the owner and root only.
    pub socket_dir: PathBuf,
    /// Of [`USER`].
    pub password: String,
}

impl Address {
    /// The cluster in a data directory, whoever runs it. `None` where none was ever made.
    pub fn find(data_dir: &Path) -> anyhow::Result<Option<Self>> {
        if !cluster_dir(data_dir).join("PG_VERSION").exists() {
            return Ok(None);
        }
        let password = password::read(data_dir)?;
        Ok(socket::find(data_dir)?.map(|socket_dir| Self { socket_dir, password }))
    }
}

/// A running private cluster. Dropping it stops it.
pub struct Cluster {
    supervisor: supervisor::Handle,
    address: Address,
}

/// A cluster whose files are there and whose address is known; it does not run yet.
pub struct Prepared {
    launch: child::Launch,
    cluster_dir: PathBuf,
    address: Address,
}

impl Prepared {
    /// How to reach it once it runs.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Starts it, and waits until it answers; after a crash that includes the recovery, which may take minutes. Blocks.
    pub fn start(self) -> anyhow::Result<Cluster> {
        let Self { launch, cluster_dir, address } = self;
        let supervisor = supervisor::start(launch, cluster_dir, address.socket_dir.clone()).context("starting the private Postgres")?;
        Ok(Cluster { supervisor, address })
    }
}

impl Cluster {
    /// Prepares and starts it. Blocks: call it where blocking is allowed.
    pub fn start(lock: &DataLock, settings: &Settings) -> anyhow::Result<Self> {
        Self::prepare(lock, settings)?.start()
    }

    /// Creates the cluster where there is none. Blocks. The lock proves that no other Bugle uses the directory; it must be held as long as
    /// the cluster lives.
    pub fn prepare(lock: &DataLock, settings: &Settings) -> anyhow::Result<Prepared> {
        let data_dir = lock.data_dir();
        let identity = identity::choose(data_dir)?;
        let binaries = binaries::find(settings.bindir.as_deref(), existing_major(data_dir)?)?;
        if !cluster_dir(data_dir).exists() {
            create::cluster(data_dir, &binaries, &identity).context("creating the private Postgres")?;
        }
        let address = Address { socket_dir: socket::prepare(data_dir, &identity)?, password: password::read(data_dir)? };
        let launch = child::Launch::server(&binaries, &identity, &cluster_dir(data_dir), &address.socket_dir, settings);
        Ok(Prepared { launch, cluster_dir: cluster_dir(data_dir), address })
    }

    /// How to reach it.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Process id of the postmaster; changes when it had to be started again. `None` while it is down.
    pub fn pid(&self) -> Option<u32> {
        self.supervisor.pid()
    }

    /// Stops it and waits: clients are disconnected, what was committed is on disk. Blocks for up to a minute and a bit.
    pub fn stop(mut self) {
        self.supervisor.stop();
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.supervisor.stop();
    }
}

/// Where the cluster's own files are.
fn cluster_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("pg")
}

/// The major version an existing cluster was made with; it can only be run by the same.
fn existing_major(data_dir: &Path) -> anyhow::Result<Option<u32>> {
    let file = cluster_dir(data_dir).join("PG_VERSION");
    match std::fs::read_to_string(&file) {
        Ok(text) => Ok(Some(text.trim().parse().with_context(|| format!("{} does not hold a version number", file.display()))?)),
        Err(problem) if problem.kind() == std::io::ErrorKind::NotFound && !cluster_dir(data_dir).exists() => Ok(None),
        Err(problem) => Err(problem).with_context(|| format!("reading {}", file.display())),
    }
}
