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
use crate::pipeline::normalize::user_agent;
use crate::store;
use crate::store::partitions::Family;

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
/// How often events are looked for that feedback is about.
const FEEDBACK_EVERY: Duration = Duration::from_secs(10);
/// How often events are looked for whose issue was deleted.
const REMOVAL_EVERY: Duration = Duration::from_secs(5);
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

/// How often it is looked whether the GeoIP file was replaced.
const GEOIP_EVERY: Duration = Duration::from_secs(60);

/// Starts all loops; each ends after the step under way once `stop` is cancelled.
pub fn start(app: &App, stop: &CancellationToken) -> JoinSet<()> {
    let mut running = JoinSet::new();
    running.spawn(worker::run(Digesting { app: app.clone(), worked: AtomicBool::new(false) }, stop.clone()));
    running.spawn(worker::run(timed("partitions", PARTITIONS_EVERY, app, partitions), stop.clone()));
    running.spawn(worker::run(timed("retention", PARTITIONS_EVERY, app, retention), stop.clone()));
    running.spawn(worker::run(timed("refusals", REFUSALS_EVERY, app, refusals), stop.clone()));
    running.spawn(worker::run(timed("trim", TRIM_EVERY, app, trim), stop.clone()));
    running.spawn(worker::run(Dictionaries(app.clone()), stop.clone()));
    running.spawn(worker::run(timed("feedback", FEEDBACK_EVERY, app, feedback), stop.clone()));
    running.spawn(worker::run(timed("removal", REMOVAL_EVERY, app, removal), stop.clone()));
    running.spawn(worker::run(timed("spikes", SPIKES_EVERY, app, spikes), stop.clone()));
    running.spawn(worker::run(timed("fold", MAIL_EVERY, app, fold), stop.clone()));
    running.spawn(worker::run(timed("deliver", MAIL_EVERY, app, deliver), stop.clone()));
    running.spawn(worker::run(timed("limited", REFUSED_EVERY, app, limited), stop.clone()));
    running.spawn(worker::run(timed("geoip", GEOIP_EVERY, app, geoip), stop.clone()));
    running.spawn(worker::run(timed("keys", KEYS_EVERY, app, keys), stop.clone()));
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
            user_agent::forget();
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

/// Work that time brings: a step every so often, and again at once while there is more.
struct Timed<Step> {
    name: &'static str,
    every: Duration,
    app: App,
    step: Step,
}

fn timed<Step>(name: &'static str, every: Duration, app: &App, step: Step) -> Timed<Step> {
    Timed { name, every, app: app.clone(), step }
}

impl<Step, Done> Work for Timed<Step>
where
    Step: Fn(App) -> Done + Send + Sync,
    Done: Future<Output = anyhow::Result<usize>> + Send,
{
    fn name(&self) -> &'static str {
        self.name
    }

    async fn wait(&self) {
        tick(self.every).await;
    }

    async fn step(&self) -> anyhow::Result<usize> {
        (self.step)(self.app.clone()).await
    }
}

async fn partitions(app: App) -> anyhow::Result<usize> {
    let doors = &app.doors;
    let changed = jobs::partitions::run_once(&doors.db, &doors.clock, doors.config.retention_days).await;
    let strays =
        store::partitions::count_strays(&doors.db, Family::Events, STRAYS_MAX).await.context("looking into the default partition")?;
    doors.accounting.note_strays(strays.unsigned_abs());
    changed.context("making and dropping partitions")
}

async fn retention(app: App) -> anyhow::Result<usize> {
    let doors = &app.doors;
    let days = doors.config.retention_days;
    let deleted = jobs::retention::run_once(&doors.db, &doors.clock, days).await.context("deleting events of projects")?;
    let max_bytes = doors.config.max_storage_bytes;
    let thinned = jobs::storage::run_once(&doors.db, &doors.clock, max_bytes).await.context("keeping the database small")?;
    Ok(deleted + thinned)
}

async fn refusals(app: App) -> anyhow::Result<usize> {
    let doors = &app.doors;
    jobs::refused::run_once(&doors.db, &doors.accounting).await.context("writing what was refused to the accounting")?;
    Ok(0) // what was refused meanwhile waits for the next tick: a flood of refusals is a write every few seconds
}

async fn trim(app: App) -> anyhow::Result<usize> {
    let doors = &app.doors;
    jobs::trim::run_once(&doors.db, &doors.clock, doors.config.retention_days).await.context("trimming old rows")
}

async fn feedback(app: App) -> anyhow::Result<usize> {
    jobs::feedback::run_once(&app.doors.db, &app.doors.clock).await.context("finding the issues of feedback")
}

async fn removal(app: App) -> anyhow::Result<usize> {
    jobs::removal::run_once(&app.doors.db).await.context("removing what was deleted")
}

async fn spikes(app: App) -> anyhow::Result<usize> {
    jobs::spikes::run_once(&app.doors.db, &app.doors.clock).await.context("looking for spikes")
}

async fn fold(app: App) -> anyhow::Result<usize> {
    let doors = &app.doors;
    notify::fold::run_once(&doors.db, &doors.clock, &doors.config).await.context("folding alerts into mails")
}

async fn deliver(app: App) -> anyhow::Result<usize> {
    let doors = &app.doors;
    notify::deliver::run_once(&doors.db, &doors.clock, &app.mailer).await.context("delivering mail")
}

/// One step keeps everything, so there is nothing to go on with at once.
async fn limited(app: App) -> anyhow::Result<usize> {
    ingest::keep_refused(&app.doors).await.map(|_| 0)
}

/// Reads a file, so not on the threads that answer.
async fn geoip(app: App) -> anyhow::Result<usize> {
    if let Some(geoip) = app.geoip {
        tokio::task::spawn_blocking(move || geoip.refresh()).await.context("looking for a new GeoIP file")?;
    }
    Ok(0)
}

async fn keys(app: App) -> anyhow::Result<usize> {
    let doors = &app.doors;
    doors.keys.refresh(&doors.db).await;
    Ok(0)
}
