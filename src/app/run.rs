//! A whole life: start, serve, stop in the order in which nothing is lost.

use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::http_server::HttpServer;
use super::installation::{Installation, Opening};
use super::patience::Patience;
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

/// Serves until `SIGTERM` or `SIGINT`; the second one does not wait. Events are taken from the beginning, whether or not the database is
/// there: where it has to recover, or comes later, they wait in the spool.
pub async fn run(settings: Checked) -> anyhow::Result<()> {
    let stop = stop_on_signals()?;
    let opening = tokio::select! {
        begun = Opening::begin(settings) => begun?,
        () = stop.cancelled() => return Ok(()),
    };
    let patience = Patience::of_this_process(&opening.config.trusted_proxies);
    let listener = listen(&opening.config).await?;
    let app = App::wire(opening.db.clone(), Clock::system(), opening.config.clone())?;
    app.doors.opening.begin();
    let server = HttpServer::start(listener, app.router(), &patience)?;
    info!("takes events at http://{}, pages follow once the database is ready", server.address());
    let opened = tokio::select! {
        opened = open(opening, &app) => opened.map(Some),
        () = stop.cancelled() => Ok(None),
    };
    let Ok(Some(installation)) = opened else {
        take_no_more(&app, server).await;
        return opened.map(drop);
    };
    serve(&app, server, &stop).await;
    installation.close().await;
    info!("stopped");
    Ok(())
}

async fn listen(config: &Config) -> anyhow::Result<TcpListener> {
    TcpListener::bind(config.bind)
        .await
        .with_context(|| format!("listening on {} (BUGLE_BIND); is another program, or another Bugle, using that port?", config.bind))
}

/// The database and the first people in it; from then on there are pages.
async fn open(opening: Opening, app: &App) -> anyhow::Result<Installation> {
    let installation = opening.finish(true).await?;
    if let Err(problem) = first_people(app, &installation.config).await {
        installation.close().await;
        return Err(problem);
    }
    app.doors.keys.refresh(&app.doors.db).await;
    app.doors.opening.end();
    Ok(installation)
}

async fn serve(app: &App, server: HttpServer, stop: &CancellationToken) {
    let working = CancellationToken::new();
    let running = workers::start(app, &working);
    info!(version = env!("CARGO_PKG_VERSION"), "Bugle {} listens on http://{}", env!("CARGO_PKG_VERSION"), server.address());
    stop.cancelled().await;
    info!("stopping: answering what was asked, digesting what was accepted");
    take_no_more(app, server).await;
    drain(app, working, running).await;
}

/// Answers what was asked; from then on nothing is added to the spool.
async fn take_no_more(app: &App, server: HttpServer) {
    server.stop(ANSWER_GRACE).await;
    if let Err(problem) = ingest::keep_refused(&app.doors).await {
        warn!("what limits refused in the last second is missing in the accounting: {problem:#}");
    }
    app.spool.close().await;
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
