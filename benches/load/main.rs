//! `make bench`: what Bugle does with realistic load, and the floor beside it. Everything runs on this machine.
//!
//! `load [--short] [--shape NAME]… [--count EVENTS] [--rounds N] [--no-floor] [--pure]`; the tables printed are Markdown.

#![expect(clippy::disallowed_methods, reason = "a load generator lives in real time")]
#![expect(clippy::print_stdout, reason = "the tables it prints are what it is run for")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;

mod client;
mod events;
mod floor;
mod process;
mod pure;
mod report;
mod target;

use client::Sent;
use events::{Body, Shape};
use report::Measured;
use target::Running;

/// How often the counter is read that tells how many events are visible.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// What is not visible after this is lost.
const VISIBLE_MAX: Duration = Duration::from_secs(300);
/// Part of the capacity at which answers are timed.
const EASY: f64 = 0.7;
/// Seconds of sending at that rate.
const EASY_SECONDS: f64 = 8.0;
/// Sent before the measurement, to fill caches.
const WARM_UP_COUNT: usize = 300;

struct Plan {
    shapes: Vec<Shape>,
    count: u64,
    rounds: usize,
    with_floor: bool,
    pure_only: bool,
}

impl Plan {
    fn parse(args: &[String]) -> anyhow::Result<Self> {
        let has = |name: &str| args.iter().any(|arg| arg == name);
        let values = |name: &'static str| args.windows(2).filter(move |pair| pair[0] == name).map(|pair| pair[1].as_str());
        let (count, rounds) = if has("--short") { (3_000, 1) } else { (20_000, 2) };
        let shapes: Vec<_> = values("--shape").filter_map(|name| Shape::ALL.into_iter().find(|shape| shape.name() == name)).collect();
        Ok(Self {
            shapes: if shapes.is_empty() { Shape::ALL.to_vec() } else { shapes },
            count: values("--count").next().map_or(Ok(count), str::parse)?,
            rounds: values("--rounds").next().map_or(Ok(rounds), str::parse)?,
            with_floor: !has("--no-floor"),
            pure_only: has("--pure"),
        })
    }
}

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if let [word, data_dir] = &args[..]
        && word == "floor"
    {
        return runtime.block_on(floor::serve(data_dir.as_ref()));
    }
    let plan = Plan::parse(&args)?;
    pure::print();
    if plan.pure_only {
        return Ok(());
    }
    runtime.block_on(measure_all(&plan))
}

async fn measure_all(plan: &Plan) -> anyhow::Result<()> {
    report::print_head();
    for round in 1..=plan.rounds {
        for shape in &plan.shapes {
            let bodies = Arc::new(events::bodies(*shape, plan.count));
            let floor = if plan.with_floor { Some(measure_floor(&bodies).await.context("measuring the floor")?) } else { None };
            let bugle = measure_bugle(*shape, &bodies, round == 1).await.context("measuring Bugle")?;
            report::print(*shape, round, &bodies, &bugle, floor.as_ref());
        }
    }
    Ok(())
}

async fn measure_floor(bodies: &Arc<Vec<Body>>) -> anyhow::Result<Measured> {
    let running = Running::floor()?;
    let mut db = running.connect().await?;
    client::send(&running.target, &Arc::new(events::bodies(Shape::Mix, WARM_UP_COUNT as u64)), None).await?;
    let memory = running.watch_postgres();
    let before = running.usage(&mut db).await?;
    let sent = client::send(&running.target, bodies, None).await?;
    let after = running.usage(&mut db).await?;
    Ok(Measured::new(&sent, sent.took, before, after, running.peak_rss(), memory.peak()))
}

async fn measure_bugle(shape: Shape, bodies: &Arc<Vec<Body>>, also_easy: bool) -> anyhow::Result<Measured> {
    let running = Running::bugle()?;
    let mut db = running.connect().await?;
    let warm_up = client::send(&running.target, &Arc::new(events::bodies(shape, WARM_UP_COUNT as u64)), None).await?;
    wait_visible(&mut db, &warm_up, 0, Instant::now()).await?;
    let memory = running.watch_postgres();
    let before = running.usage(&mut db).await?;
    let began = Instant::now();
    let sent = client::send(&running.target, bodies, None).await?;
    let already = warm_up.accepted.len();
    wait_visible(&mut db, &sent, already, began).await?;
    let finished = began.elapsed();
    let after = running.usage(&mut db).await?;
    let counted = target::counted(&mut db).await?;
    counted.verify(already + sent.accepted.len())?;
    let mut measured = Measured::new(&sent, finished, before, after, running.peak_rss(), memory.peak());
    measured.issue_count = Some(counted.issues);
    if also_easy && shape == Shape::Mix {
        measured.easy = Some(measure_easy(&running, &mut db, already + sent.accepted.len(), measured.finished_per_second).await?);
        measured.server_peak = measured.server_peak.max(running.peak_rss());
    }
    Ok(measured)
}

/// At 70 % of what it can do: how long answers take, and how long until events are visible.
async fn measure_easy(running: &Running, db: &mut sqlx::PgConnection, already: usize, capacity: f64) -> anyhow::Result<report::Easy> {
    let per_second = EASY * capacity;
    let bodies = Arc::new(events::bodies(Shape::Mix, (EASY_SECONDS * per_second) as u64));
    let (target, bodies, mut watcher) = (running.target.clone(), Arc::clone(&bodies), running.connect().await?);
    let began = Instant::now();
    let count = bodies.len();
    let sending = tokio::spawn(async move { client::send(&target, &bodies, Some(per_second)).await });
    let mut seen = Vec::new();
    loop {
        let visible = usize::try_from(target::stored(&mut watcher).await?)?.saturating_sub(already);
        seen.push((began.elapsed(), visible));
        if visible >= count || (sending.is_finished() && began.elapsed() > VISIBLE_MAX) {
            break;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let sent = sending.await??;
    wait_visible(db, &sent, already, began).await?;
    Ok(report::Easy::new(per_second, &sent, &seen))
}

/// Until everything that was accepted is visible.
async fn wait_visible(db: &mut sqlx::PgConnection, sent: &Sent, already: usize, began: Instant) -> anyhow::Result<()> {
    let wanted = i64::try_from(already + sent.accepted.len())?;
    loop {
        let visible = target::stored(db).await?;
        if visible >= wanted {
            return Ok(());
        }
        anyhow::ensure!(began.elapsed() < VISIBLE_MAX, "{} of {wanted} accepted events are lost", wanted - visible);
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
