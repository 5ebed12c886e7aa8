//! An installation that is open for work: data directory, secret, database with the present schema. Serving and the
//! administrative commands both begin here.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use sqlx::Connection;
use sqlx::migrate::MigrateError;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::database;
use super::pause::pause;
use crate::config::{Checked, Config};
use crate::postgres::{Address, Cluster, DataLock, LockError, Prepared, Settings};
use crate::store::{self, Db};

/// Connections of the pool; the private cluster accepts 40.
const CONNECTIONS_MAX: u32 = 20;
/// How long a page or a worker waits for a connection before it says that the database does not answer.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// Between two looks for a database server that is away at the start.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

/// How long a command waits for a Bugle that holds the data directory to have its database ready.
const NEIGHBOUR_WAIT: Duration = Duration::from_secs(20);
/// Between two looks meanwhile.
const NEIGHBOUR_RETRY: Duration = Duration::from_millis(250);

/// Open for work. Close it with [`Installation::close`], so that a private Postgres stops cleanly.
pub struct Installation {
    /// The settings.
    pub config: Config,
    /// The pool.
    pub db: Db,
    /// Running only where we started it.
    cluster: Option<Cluster>,
    /// `None`: a running Bugle has it, and we work beside it.
    lock: Option<DataLock>,
}

/// An installation on its way: everything that needs no database is there.
pub struct Opening {
    /// The settings.
    pub config: Config,
    /// The pool; it has no connection yet.
    pub db: Db,
    cluster: Option<Prepared>,
    lock: DataLock,
}

impl Opening {
    /// Takes the data directory for itself, makes the private Postgres where there is none, and knows where the database will be.
    pub async fn begin(settings: Checked) -> anyhow::Result<Self> {
        let lock = DataLock::take(settings.data_dir())?;
        Self::begin_locked(settings, lock).await
    }

    async fn begin_locked(settings: Checked, lock: DataLock) -> anyhow::Result<Self> {
        let config = settings.open()?;
        let (options, cluster, lock) = match &config.database_url {
            Some(url) => (database::external(url)?, None, lock),
            None => {
                let (prepared, lock) = prepare_cluster(lock, Settings::durable(config.pg_bindir.clone())).await?;
                (database::private(prepared.address()), Some(prepared), lock)
            }
        };
        Ok(Self { config, db: pool(options), cluster, lock })
    }

    /// Starts the private Postgres or, if `patient`, waits for the server of `DATABASE_URL`, and brings the schema up to date.
    pub async fn finish(self, patient: bool) -> anyhow::Result<Installation> {
        let Self { config, db, cluster, lock } = self;
        let cluster = match cluster {
            Some(prepared) => Some(start_cluster(prepared).await?),
            None => None,
        };
        reach(&db, cluster.is_some(), patient).await?;
        migrate(&db).await?;
        Ok(Installation { config, db, cluster, lock: Some(lock) })
    }
}

impl Installation {
    /// For a command: works beside a running Bugle, waiting a while for one that is just starting or stopping, or without one.
    pub async fn open_beside(settings: Checked) -> anyhow::Result<Self> {
        let (begin, never) = (Instant::now(), CancellationToken::new());
        loop {
            let problem = match DataLock::take(settings.data_dir()) {
                Ok(lock) => return Opening::begin_locked(settings, lock).await?.finish(false).await,
                Err(LockError::Held { .. }) => match Self::open_running(settings.clone()).await {
                    Ok(installation) => return Ok(installation),
                    Err(problem) => problem,
                },
                Err(other) => return Err(other.into()),
            };
            if begin.elapsed() > NEIGHBOUR_WAIT {
                return Err(problem);
            }
            pause(NEIGHBOUR_RETRY, &never).await;
        }
    }

    async fn open_running(settings: Checked) -> anyhow::Result<Self> {
        let config = settings.open()?;
        let options = match &config.database_url {
            Some(url) => database::external(url)?,
            None => database::private(&running_address(&config.data_dir)?),
        };
        let db = pool(options);
        reach(&db, config.database_url.is_none(), false).await?;
        migrate(&db).await?;
        Ok(Self { config, db, cluster: None, lock: None })
    }

    /// Whether another process serves this data directory.
    pub fn is_beside_another(&self) -> bool {
        self.lock.is_none()
    }

    /// Closes the pool, then stops the private Postgres if it is ours.
    pub async fn close(self) {
        self.db.close().await;
        let Self { cluster: Some(cluster), lock, .. } = self else { return };
        let stopped = tokio::task::spawn_blocking(move || cluster.stop()).await;
        if stopped.is_err() {
            warn!("stopping the private Postgres panicked");
        }
        drop(lock);
    }
}

fn running_address(data_dir: &Path) -> anyhow::Result<Address> {
    Address::find(data_dir)?.with_context(|| {
        format!(
            "a Bugle runs with the data directory {}, but there is no private Postgres in it yet; \
             give this command the same DATABASE_URL, or wait until it has started",
            data_dir.display()
        )
    })
}

/// Making a cluster takes seconds, the first time.
async fn prepare_cluster(lock: DataLock, settings: Settings) -> anyhow::Result<(Prepared, DataLock)> {
    tokio::task::spawn_blocking(move || Cluster::prepare(&lock, &settings).map(|prepared| (prepared, lock)))
        .await
        .context("preparing the private Postgres panicked")?
}

/// The server's life hangs on a thread of its own, so any thread may wait for it here.
async fn start_cluster(prepared: Prepared) -> anyhow::Result<Cluster> {
    tokio::task::spawn_blocking(move || prepared.start()).await.context("the start of the private Postgres panicked")?
}

/// The local socket needs no ping before each use; a connection that died is noticed and replaced.
fn pool(options: PgConnectOptions) -> Db {
    // A connection keeps the buffer of the largest batch it ever carried, unless told otherwise.
    PgPoolOptions::new()
        .max_connections(CONNECTIONS_MAX)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .after_release(|connection, _| {
            connection.shrink_buffers();
            Box::pin(async { Ok(true) })
        })
        .connect_lazy_with(options)
}

/// Returns once a connection was made.
async fn reach(db: &Db, is_private: bool, patient: bool) -> anyhow::Result<()> {
    let never = CancellationToken::new();
    let mut wait = RETRY.0;
    loop {
        let problem = match db.acquire().await {
            Ok(_) => return Ok(()),
            Err(problem) => problem,
        };
        if is_private || !patient || !is_passing(&problem) {
            let whose = if is_private { "the private Postgres" } else { "the Postgres server of DATABASE_URL" };
            return Err(problem).with_context(|| format!("connecting to {whose}"));
        }
        warn!("the Postgres server of DATABASE_URL does not answer ({problem}); trying again in {} s", wait.as_secs_f32());
        pause(wait, &never).await;
        wait = (wait * 2).min(RETRY.1);
    }
}

/// A server that is away or starting comes back; a wrong password does not become right.
fn is_passing(problem: &sqlx::Error) -> bool {
    match problem {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => true,
        // 57P03: starting up or shutting down; 53300: too many connections.
        sqlx::Error::Database(told) => matches!(told.code().as_deref(), Some("57P03" | "53300" | "57P01")),
        _ => false,
    }
}

/// Brings the schema up to date. Several processes may do so at once; one works, the others wait.
pub async fn migrate(db: &Db) -> anyhow::Result<()> {
    match store::MIGRATIONS.run(db).await {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(theirs)) => {
            let ours = store::MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default();
            bail!(
                "the database was written by a newer Bugle (its schema is at {theirs}, this version, {}, knows {ours}). \
                 Start the newer version, or restore the backup made before the upgrade",
                env!("CARGO_PKG_VERSION")
            )
        }
        Err(problem) => Err(problem).context("bringing the schema up to date; nothing was changed by the migration that failed"),
    }
    .inspect(|()| info!("the schema is up to date"))
}
