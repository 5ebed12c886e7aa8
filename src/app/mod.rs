//! The wiring: which parts a running Bugle is made of, in which order they start and stop, and the loops that drive the workers.
//!
//! Deliberately absent: rules. What a worker does in one step is said in its own room.

use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use time::Duration;

use crate::clock::Clock;
use crate::config::Config;
use crate::digest::{self, Digest};
use crate::domain::attachment::Quota;
use crate::geoip::GeoIp;
use crate::http::{self, Doors};
use crate::jobs;
use crate::notify::{self, Mailer};
use crate::spool::{Spool, SpoolLimits};
use crate::store::Db;
use crate::store::sealing::SealKey;

mod access_log;
pub mod database;
pub mod grouping;
pub mod http_server;
pub mod installation;
mod lobby;
pub mod memory;
pub mod patience;
mod pause;
mod run;
mod upload;
mod worker;
mod workers;

pub use run::run;

/// Everything that runs, without the loops that drive it; tests step it by hand. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// What the handlers use.
    pub doors: Doors,
    /// What was accepted and is not digested yet.
    pub spool: Spool,
    /// From the spool to the database.
    pub digest: Digest,
    /// How mail leaves.
    pub mailer: Mailer,
    /// Where addresses are.
    pub geoip: Option<&'static GeoIp>,
}

impl App {
    /// Wires the parts; opens the spool in the data directory.
    pub fn wire(db: Db, clock: Clock, config: Config) -> anyhow::Result<Self> {
        let dir = config.data_dir.join("spool");
        let limits = SpoolLimits::for_disk(&dir).with_context(|| format!("asking for the free space at {}", dir.display()))?;
        let limits = limits.with(config.spool.max_bytes, Duration::hours(i64::from(config.spool.max_hours)));
        let spool = Spool::open(&dir, limits, clock.clone()).context("opening the spool")?;
        let settings = digest::Settings {
            event_bytes: config.limits.event_bytes,
            envelope_bytes: config.limits.envelope_bytes,
            attachments: Quota {
                bytes: config.limits.attachment_bytes,
                event_count: config.attachments.count,
                event_bytes: config.attachments.bytes,
            },
            // One for each time the parts are wired, which is once in the life of a process.
            geoip: config.geoip_file.as_deref().map(|path| &*Box::leak(Box::new(GeoIp::open(path)))),
            retention: Duration::days(i64::from(config.retention_days)),
            sample_after: config.sample_after,
            new_issues: config.new_issues,
            seal: SealKey::of(&config.secret_key.0),
        };
        let digest = Digest::new(db.clone(), clock.clone(), spool.clone(), settings);
        let mailer = Mailer::new(&config)?;
        Ok(Self {
            doors: Doors::new(db, clock, config, spool.clone(), digest.accounting(), Arc::new(grouping::Desk)),
            spool,
            digest,
            mailer,
            geoip: settings.geoip,
        })
    }

    /// Every route.
    pub fn router(&self) -> Router {
        http::router(self.doors.clone())
    }

    /// Lets every worker but `trim` take one step, in the order in which work flows: digest, jobs, mail.
    /// Answers how many things were done; 0 means idle until something arrives or time passes.
    pub async fn step(&self) -> anyhow::Result<usize> {
        let (db, clock) = (&self.doors.db, &self.doors.clock);
        let retention_days = self.doors.config.retention_days;
        let mut done = jobs::partitions::run_once(db, clock, retention_days).await.context("making and dropping partitions")?;
        done += http::ingest::keep_refused(&self.doors).await.context("keeping what limits refused")?;
        done += self.digest.run_once().await.context("digesting")?;
        done += jobs::dictionaries::run_once(db, clock, self.digest.packer()).await.context("making dictionaries")?;
        done += jobs::feedback::run_once(db, clock).await.context("finding the issues of feedback")?;
        done += jobs::removal::run_once(db).await.context("removing what was deleted")?;
        done += jobs::spikes::run_once(db, clock).await.context("looking for spikes")?;
        done += notify::fold::run_once(db, clock, &self.doors.config).await.context("folding alerts into mails")?;
        done += notify::deliver::run_once(db, clock, &self.mailer).await.context("delivering mail")?;
        Ok(done)
    }
}
