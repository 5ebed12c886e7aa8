//! `make bench`: what Bugle does with realistic load, and the floor beside it. Everything runs on this machine.
//!
//! `load [--short] [--shape NAME]… [--count EVENTS] [--rounds N] [--no-floor] [--pure]`, or
//! `load --growth [--sizes EVENTS,…]`; the tables printed are Markdown.

#![expect(clippy::disallowed_methods, reason = "a load generator lives in real time")]
#![expect(clippy::print_stdout, reason = "the tables it prints are what it is run for")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;

mod bars;
mod client;
mod events;
mod floor;
mod growth;
mod process;
mod pure;
mod report;
mod seed;
mod target;

use client::Sent;
use events::{Body, Shape};
use report::Measured;
use target::Running;

/// How often the counter is read that tells how many events are visible.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// What is not visible after this is lost.
const VISIBLE_MAX: Duration = Duration::from_secs(300);
/// Parts of the capacity at which answers are timed.
const STEADY: [f64; 2] = [0.7, 1.0];
/// Seconds of sending at that rate.
const STEADY_SECONDS: f64 = 8.0;
/// How long nothing is sent before the memory of an idle server is read.
const IDLE: Duration = Duration::from_secs(15);
/// Sent before the measurement, to fill caches.
const WARM_UP_COUNT: usize = 300;

struct Plan {
    shapes: Vec<Shape>,
    count: u64,
    rounds: usize,
    with_floor: bool,
    pure_only: bool,
    /// Measure at these numbers of stored events instead.
    growth: Option<growth::Plan>,
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
            growth: has("--growth").then(|| growth::Plan::parse(values("--sizes").next())).transpose()?,
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
    if let Some(growth) = &plan.growth {
        return runtime.block_on(growth::measure(growth));
    }
    pure::print();
    if plan.pure_only {
        return Ok(());
    }
    runtime.block_on(measure_all(&plan))
}

async fn measure_all(plan: &Plan) -> anyhow::Result<()> {
    report::print_head();
    let mut outcomes = Vec::new();
    let mut first_bodies = Vec::new();
    for round in 1..=plan.rounds {
        for shape in &plan.shapes {
            let bodies = Arc::new(events::bodies(*shape, plan.count));
            let floor = if plan.with_floor { Some(measure_floor(&bodies).await.context("measuring the floor")?) } else { None };
            let bugle = measure_bugle(*shape, &bodies, round == 1).await.context("measuring Bugle")?;
            report::print(*shape, round, &bodies, &bugle, floor.as_ref());
            outcomes.push(bars::Outcome { shape: *shape, gzip: report::gzip_len(&bodies), bugle, floor });
            if round == 1 {
                first_bodies.push(bodies.iter().take(100).cloned().collect::<Vec<_>>());
            }
        }
    }
    println!();
    for (outcome, bodies) in outcomes.iter().zip(&first_bodies) {
        report::print_notes(outcome.shape, bodies, &outcome.bugle);
    }
    bars::print(&outcomes);
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

async fn measure_bugle(shape: Shape, bodies: &Arc<Vec<Body>>, also_steady: bool) -> anyhow::Result<Measured> {
    let running = Running::bugle()?;
    let mut db = running.connect().await?;
    // Nothing is sent twice: events that are alike to the last local would be half of what the first dictionaries know.
    let warm_up = Arc::new(events::numbered(shape, bodies.len() as u64, WARM_UP_COUNT as u64));
    let warm_up = client::send(&running.target, &warm_up, None).await?;
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
    measured.dictionary_part = Some(target::dictionary_part(&mut db).await?);
    if also_steady && shape == Shape::Mix {
        let mut already = counted.events as usize;
        for part in STEADY {
            let (steady, count) = measure_steady(&running, &mut db, already, (part, measured.finished_per_second)).await?;
            measured.steady.push(steady);
            already += count;
        }
        target::counted(&mut db).await?.verify(already)?;
        measured.server_peak = measured.server_peak.max(running.peak_rss());
        tokio::time::sleep(IDLE).await;
        measured.idle_rss = Some(running.rss());
    }
    Ok(measured)
}

/// At a part of what it can do: how long answers take, how long until events are visible; and how many were sent.
async fn measure_steady(
    running: &Running,
    db: &mut sqlx::PgConnection,
    already: usize,
    (part, capacity): (f64, f64),
) -> anyhow::Result<(report::Steady, usize)> {
    let per_second = part * capacity;
    let bodies = Arc::new(events::numbered(Shape::Mix, already as u64, (STEADY_SECONDS * per_second) as u64));
    let (target, bodies, mut watcher) = (running.target.clone(), Arc::clone(&bodies), running.connect().await?);
    let before = running.usage(db).await?;
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
    let disk = running.usage(db).await?.disk - before.disk;
    Ok((report::Steady::new((part, per_second), disk, &sent, &seen), sent.accepted.len()))
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
