//! The wiring: which parts a running Bugle is made of, and in which order its workers take a step.

use anyhow::Context;
use axum::Router;
use time::Duration;

use crate::clock::Clock;
use crate::config::Config;
use crate::digest::{self, Digest};
use crate::http::{self, Doors};
use crate::jobs;
use crate::notify::{self, Mailer};
use crate::spool::{Spool, SpoolLimits};
use crate::store::Db;

pub mod database;

/// Everything that runs, without the loops that drive it; tests step it by hand. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// What the handlers use.
    pub doors: Doors,
    /// From the spool to the database.
    pub digest: Digest,
    /// To the mail server.
    pub mailer: Mailer,
}

impl App {
    /// Wires the parts. Does no I/O beyond the data directory of `config`.
    pub fn wire(db: Db, clock: Clock, config: Config) -> anyhow::Result<Self> {
        let spool_dir = config.data_dir.join("spool");
        let limits = SpoolLimits::for_disk(&spool_dir).with_context(|| format!("asking for the space of {}", spool_dir.display()))?;
        let spool = Spool::open(&spool_dir, limits)?;
        let settings = digest::Settings {
            event_bytes: config.limits.event_bytes,
            envelope_bytes: config.limits.envelope_bytes,
            retention: Duration::days(i64::from(config.retention_days)),
        };
        let digest = Digest::new(db.clone(), clock.clone(), spool.clone(), settings);
        let mailer = Mailer::new(&config)?;
        Ok(Self { doors: Doors::new(db, clock, config, spool), digest, mailer })
    }

    /// Every route.
    pub fn router(&self) -> Router {
        http::router(self.doors.clone())
    }

    /// Lets every worker take one step, in the order in which work flows: digest, jobs, mail.
    /// Answers how many things were done; 0 means idle until something arrives or time passes.
    pub async fn step(&self) -> anyhow::Result<usize> {
        let prepared = jobs::partitions::run_once(&self.doors.db, &self.doors.clock, self.doors.config.retention_days).await?;
        let digested = self.digest.run_once().await?;
        let swept = jobs::spikes::run_once(&self.doors.db, &self.doors.clock).await?;
        let folded = notify::fold::run_once(&self.doors.db, &self.doors.clock, &self.doors.config).await?;
        let delivered = notify::deliver::run_once(&self.doors.db, &self.doors.clock, &self.mailer).await?;
        Ok(prepared + digested + swept + folded + delivered)
    }
}
