//! The workers of a running Bugle, and when each looks.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use anyhow::Context;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::App;
use super::memory;
use super::worker::{self, Work};
use crate::http::ingest;
use crate::jobs;
use crate::notify;
use crate::store;

/// How often partitions are made ahead and those past the retention dropped.
const PARTITIONS_EVERY: Duration = Duration::from_secs(600);
/// Events in the default partition are counted up to this many.
const STRAYS_MAX: i64 = 1_000_000;
/// How often what was refused at the door is written to the accounting.
const REFUSALS_EVERY: Duration = Duration::from_secs(10);
/// How often rows are removed that time has made useless.
const TRIM_EVERY: Duration = Duration::from_secs(300);
/// How often dictionaries are looked for that other nodes made.
const DICTIONARIES_EVERY: Duration = Duration::from_secs(15);
/// How often closed minutes are looked at for spikes.
const SPIKES_EVERY: Duration = Duration::from_secs(5);

/// How often dead letters are looked for that somebody wants tried again, while nothing arrives.
const RETRIES_EVERY: Duration = Duration::from_secs(5);
/// How often pending alerts and queued mails are looked for: the first mail of a new project leaves at once.
const MAIL_EVERY: Duration = Duration::from_secs(1);
/// How often the list of project keys is read though nobody sends: so that a restart without the database knows the newest.
const KEYS_EVERY: Duration = Duration::from_secs(60);

/// How often what limits refused is put into the spool: what `kill -9` can make the accounting forget.
const REFUSED_EVERY: Duration = Duration::from_secs(1);

/// Starts all loops; each ends after the step under way once `stop` is cancelled.
pub fn start(app: &App, stop: &CancellationToken) -> JoinSet<()> {
    let mut running = JoinSet::new();
    running.spawn(worker::run(Digesting { app: app.clone(), worked: AtomicBool::new(false) }, stop.clone()));
    running.spawn(worker::run(Partitions(app.clone()), stop.clone()));
    running.spawn(worker::run(Retention(app.clone()), stop.clone()));
    running.spawn(worker::run(Refusals(app.clone()), stop.clone()));
    running.spawn(worker::run(Trim(app.clone()), stop.clone()));
    running.spawn(worker::run(Dictionaries(app.clone()), stop.clone()));
    running.spawn(worker::run(Spikes(app.clone()), stop.clone()));
    running.spawn(worker::run(Fold(app.clone()), stop.clone()));
    running.spawn(worker::run(Deliver(app.clone()), stop.clone()));
    running.spawn(worker::run(Limited(app.clone()), stop.clone()));
    running.spawn(worker::run(Keys(app.clone()), stop.clone()));
    running
}

async fn tick(every: Duration) {
    // The end of this wait is a look at the database, never a decision about time.
    let never = CancellationToken::new();
    super::pause::pause(every, &never).await;
}

struct Digesting {
    app: App,
    /// Worked since memory was last given back.
    worked: AtomicBool,
}

impl Digesting {
    /// Nothing has come for a while.
    fn rest(&self) {
        if self.worked.swap(false, Relaxed) {
            memory::give_back();
        }
    }
}

impl Work for Digesting {
    fn name(&self) -> &'static str {
        "digest"
    }

    async fn wait(&self) {
        tokio::select! {
            () = self.app.digest.wait() => {}
            () = tick(RETRIES_EVERY) => self.rest(),
        }
    }

    async fn step(&self) -> anyhow::Result<usize> {
        let done = self.app.digest.run_once().await?;
        self.worked.fetch_or(done > 0, Relaxed);
        Ok(done)
    }
}

struct Partitions(App);

impl Work for Partitions {
    fn name(&self) -> &'static str {
        "partitions"
    }

    async fn wait(&self) {
        tick(PARTITIONS_EVERY).await;
    }

    async fn step(&self) -> anyhow::Result<usize> {
        let doors = &self.0.doors;
        let changed = jobs::partitions::run_once(&doors.db, &doors.clock, doors.config.retention_days).await;
        let strays = store::partitions::count_strays(&doors.db, STRAYS_MAX).await.context("looking into the default partition")?;
        doors.accounting.note_strays(strays.unsigned_abs());
        changed.context("making and dropping partitions")
    }
}

struct Retention(App);

impl Work for Retention {
    fn name(&self) -> &'static str {
        "retention"
    }

    async fn wait(&self) {
        tick(PARTITIONS_EVERY).await;
    }

    async fn step(&self) -> anyhow::Result<usize> {
        let doors = &self.0.doors;
        let days = doors.config.retention_days;
        let deleted = jobs::retention::run_once(&doors.db, &doors.clock, days).await.context("deleting events of projects")?;
        let max_bytes = doors.config.max_storage_bytes;
        let thinned = jobs::storage::run_once(&doors.db, &doors.clock, max_bytes).await.context("keeping the database small")?;
        Ok(deleted + thinned)
    }
}

struct Refusals(App);

impl Work for Refusals {
    fn name(&self) -> &'static str {
        "refusals"
    }

    async fn wait(&self) {
        tick(REFUSALS_EVERY).await;
    }

    async fn step(&self) -> anyhow::Result<usize> {
        let doors = &self.0.doors;
        jobs::refused::run_once(&doors.db, &doors.accounting).await.context("writing what was refused to the accounting")?;
        Ok(0) // what was refused meanwhile waits for the next tick: a flood of refusals is a write every few seconds
    }
}

struct Trim(App);

impl Work for Trim {
    fn name(&self) -> &'static str {
        "trim"
    }

    async fn wait(&self) {
        tick(TRIM_EVERY).await;
    }

    async fn step(&self) -> anyhow::Result<usize> {
        let doors = &self.0.doors;
        jobs::trim::run_once(&doors.db, &doors.clock, doors.config.retention_days).await.context("trimming old rows")
    }
}

struct Dictionaries(App);

impl Work for Dictionaries {
    fn name(&self) -> &'static str {
        "dictionaries"
    }

    async fn wait(&self) {
        tokio::select! {
            () = self.0.digest.packer().wanted() => {}
            () = tick(DICTIONARIES_EVERY) => {}
        }
    }

    async fn step(&self) -> anyhow::Result<usize> {
        let doors = &self.0.doors;
        jobs::dictionaries::run_once(&doors.db, &doors.clock, self.0.digest.packer()).await.context("making dictionaries")
    }
}

struct Spikes(App);

impl Work for Spikes {
    fn name(&self) -> &'static str {
        "spikes"
    }

    async fn wait(&self) {
        tick(SPIKES_EVERY).await;
    }

    async fn step(&self) -> anyhow::Result<usize> {
        jobs::spikes::run_once(&self.0.doors.db, &self.0.doors.clock).await.context("looking for spikes")
    }
}

struct Fold(App);

impl Work for Fold {
    fn name(&self) -> &'static str {
        "fold"
    }

    async fn wait(&self) {
        tick(MAIL_EVERY).await;
    }

    async fn step(&self) -> anyhow::Result<usize> {
        let doors = &self.0.doors;
        notify::fold::run_once(&doors.db, &doors.clock, &doors.config).await.context("folding alerts into mails")
    }
}

struct Deliver(App);

impl Work for Deliver {
    fn name(&self) -> &'static str {
        "deliver"
    }

    async fn wait(&self) {
        tick(MAIL_EVERY).await;
    }

    async fn step(&self) -> anyhow::Result<usize> {
        let doors = &self.0.doors;
        notify::deliver::run_once(&doors.db, &doors.clock, &self.0.mailer).await.context("delivering mail")
    }
}

struct Limited(App);

impl Work for Limited {
    fn name(&self) -> &'static str {
        "limited"
    }

    async fn wait(&self) {
        tick(REFUSED_EVERY).await;
    }

    /// One step keeps everything, so there is nothing to go on with at once.
    async fn step(&self) -> anyhow::Result<usize> {
        ingest::keep_refused(&self.0.doors).await.map(|_| 0)
    }
}

struct Keys(App);

impl Work for Keys {
    fn name(&self) -> &'static str {
        "keys"
    }

    async fn wait(&self) {
        tick(KEYS_EVERY).await;
    }

    async fn step(&self) -> anyhow::Result<usize> {
        let doors = &self.0.doors;
        doors.keys.refresh(&doors.db).await;
        Ok(0)
    }
}
