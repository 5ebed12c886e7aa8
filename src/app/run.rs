//! A whole life: start, serve, stop in the order in which nothing is lost.

use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::http_server::HttpServer;
use super::installation::Installation;
use super::{App, workers};
use crate::actions::setup;
use crate::clock::Clock;
use crate::config::{Checked, Config};
use crate::http::ingest;
use crate::jobs;

/// For answers under way when the stop comes.
const ANSWER_GRACE: Duration = Duration::from_secs(20);
/// For digesting what was accepted. What is left stays in the spool and is digested at the next start.
const DRAIN_GRACE: Duration = Duration::from_secs(20);

/// Serves until `SIGTERM` or `SIGINT`; the second one does not wait.
pub async fn run(settings: Checked) -> anyhow::Result<()> {
    let stop = stop_on_signals()?;
    raise_file_limit();
    let installation = tokio::select! {
        opened = Installation::open(settings) => opened?,
        () = stop.cancelled() => return Ok(()),
    };
    let served = serve(&installation, &stop).await;
    installation.close().await;
    info!("stopped");
    served
}

async fn serve(installation: &Installation, stop: &CancellationToken) -> anyhow::Result<()> {
    let (config, clock) = (installation.config.clone(), Clock::system());
    let listener = TcpListener::bind(config.bind)
        .await
        .with_context(|| format!("listening on {} (BUGLE_BIND); is another program, or another Bugle, using that port?", config.bind))?;
    let app = App::wire(installation.db.clone(), clock, config.clone())?;
    first_people(&app, &config).await?;
    let working = CancellationToken::new();
    let running = workers::start(&app, &working);
    let server = HttpServer::start(listener, app.router())?;
    info!(version = env!("CARGO_PKG_VERSION"), "Bugle {} listens on http://{}", env!("CARGO_PKG_VERSION"), server.address());
    stop.cancelled().await;
    info!("stopping: answering what was asked, digesting what was accepted");
    server.stop(ANSWER_GRACE).await;
    ingest::keep_refused(&app.doors).await?;
    app.spool.close().await;
    drain(&app, working, running).await;
    Ok(())
}

/// Where nobody can sign in yet: the owner of the settings, or a link with which the first visitor becomes the owner.
async fn first_people(app: &App, config: &Config) -> anyhow::Result<()> {
    let (db, clock) = (&app.doors.db, &app.doors.clock);
    if let Some(owner) = &config.first_owner {
        let created = setup::create_first_owner(db, clock, &owner.email, &owner.password).await;
        if created.context("creating the owner of BUGLE_ADMIN_EMAIL and BUGLE_ADMIN_PASSWORD")? {
            info!("created the owner {}", owner.email);
        }
    } else if let Some(token) = setup::new_link(db, clock).await.context("making the setup link")? {
        info!("nobody can sign in yet. Open this link to create the owner; it works once:\n\n    {}/setup?token={token}\n", config.url);
    }
    Ok(())
}

/// The workers finish their step, then what is in the spool is digested, for as long as there is patience.
async fn drain(app: &App, working: CancellationToken, mut running: JoinSet<()>) {
    working.cancel();
    let all = async {
        while running.join_next().await.is_some() {}
        while matches!(app.digest.run_once().await, Ok(done) if done > 0) {}
        if let Err(problem) = jobs::refused::run_once(&app.doors.db, &app.doors.accounting).await {
            warn!("what was refused in the last seconds is missing in the accounting: {problem:#}");
        }
    };
    if tokio::time::timeout(DRAIN_GRACE, all).await.is_err() {
        running.abort_all();
    }
    let left = app.spool.depth().entry_count;
    if left > 0 {
        warn!(spool.entry_count = left, "accepted requests that stay in the spool until the next start: {left}");
    }
}

fn stop_on_signals() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    let told = stop.clone();
    tokio::spawn(async move {
        for attempt in 0.. {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if attempt > 0 {
                warn!("told to stop again: stopping at once; what was accepted is in the spool");
                std::process::exit(1);
            }
            told.cancel();
        }
    });
    Ok(stop)
}

/// Every connection is a file; the usual soft limit of 1024 is for programs that use `select`.
fn raise_file_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let raised = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(_, hard)| setrlimit(Resource::RLIMIT_NOFILE, hard.min(65_536), hard));
    if let Err(problem) = raised {
        warn!("raising the limit of open files: {problem}");
    }
}
