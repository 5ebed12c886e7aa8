//! Figures of a measurement, as Markdown.

use std::time::Duration;

use super::client::Sent;
use super::events::{Body, Shape};
use super::target::Usage;

/// One measurement.
pub struct Measured {
    /// Answered with 200 per second.
    pub accepted_per_second: f64,
    /// Visible per second, from the first byte sent until the last event is there.
    pub finished_per_second: f64,
    /// Answered otherwise.
    pub refused_count: usize,
    /// How long answers took.
    pub latency: Latency,
    /// CPU seconds of the server per 1,000 events.
    pub server_cpu: f64,
    /// CPU seconds of Postgres per 1,000 events.
    pub postgres_cpu: f64,
    /// Peak resident memory of the server, in bytes.
    pub server_peak: u64,
    /// Peak memory of Postgres, what is shared counted once, in bytes.
    pub postgres_peak: u64,
    /// Bytes on disk per event, with indexes and counters, without write-ahead log.
    pub disk: f64,
    /// Issues there are at the end.
    pub issue_count: Option<i64>,
    /// Part of the events that were compressed with a dictionary; the first ones of an installation have none.
    pub dictionary_part: Option<f64>,
    /// At 70 % and at 100 % of capacity.
    pub steady: Vec<Steady>,
    /// Resident memory of the server when nothing has come for a while, in bytes.
    pub idle_rss: Option<u64>,
}

/// Percentiles.
pub struct Latency([Duration; 4]);

/// What was seen at a part of the capacity.
pub struct Steady {
    /// 0.7 or 1.0.
    pub part: f64,
    /// Bytes on disk per event of this phase, which comes last: with the dictionary that was trained before.
    pub disk: f64,
    /// How long answers took, from when the request should have left.
    pub latency: Latency,
    /// From accepted to visible.
    pub visible: Latency,
    per_second: f64,
}

impl Latency {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at =
            |part: f64| times.get(((times.len() as f64 * part) as usize).min(times.len().saturating_sub(1))).copied().unwrap_or_default();
        Self([at(0.5), at(0.95), at(0.99), at(1.0)])
    }

    /// The 99th percentile.
    pub fn p99(&self) -> Duration {
        self.0[2]
    }

    /// The slowest.
    pub fn max(&self) -> Duration {
        self.0[3]
    }

    fn text(&self) -> String {
        self.0.map(|time| format!("{:.1}", time.as_secs_f64() * 1e3)).join(" / ")
    }
}

impl Steady {
    /// `seen`: how many were visible at which times.
    pub fn new((part, per_second): (f64, f64), disk: i64, sent: &Sent, seen: &[(Duration, usize)]) -> Self {
        // The digest keeps the order of arrival: once n are visible, the n-th that was accepted is.
        let mut lags = Vec::with_capacity(sent.accepted.len());
        let mut looks = seen.iter();
        let mut look = looks.next();
        for (index, (accepted_at, _)) in sent.accepted.iter().enumerate() {
            while look.is_some_and(|(_, visible)| *visible <= index) {
                look = looks.next();
            }
            lags.extend(look.map(|(at, _)| at.saturating_sub(*accepted_at)));
        }
        let latency = Latency::of(sent.accepted.iter().map(|(_, took)| *took).collect());
        Self { part, per_second, disk: disk as f64 / sent.accepted.len().max(1) as f64, latency, visible: Latency::of(lags) }
    }
}

impl Measured {
    /// From what was sent, and what was used before and after.
    pub fn new(sent: &Sent, finished: Duration, before: Usage, after: Usage, server_peak: u64, postgres_peak: u64) -> Self {
        let count = sent.accepted.len().max(1) as f64;
        Self {
            accepted_per_second: count / sent.took.as_secs_f64(),
            finished_per_second: count / finished.as_secs_f64(),
            refused_count: sent.refused_count,
            latency: Latency::of(sent.accepted.iter().map(|(_, took)| *took).collect()),
            server_cpu: (after.server - before.server) / count * 1e3,
            postgres_cpu: (after.postgres - before.postgres) / count * 1e3,
            server_peak,
            postgres_peak,
            disk: (after.disk - before.disk) as f64 / count,
            issue_count: None,
            dictionary_part: None,
            steady: vec![],
            idle_rss: None,
        }
    }

    /// CPU seconds of both per 1,000 events.
    pub fn cpu(&self) -> f64 {
        self.server_cpu + self.postgres_cpu
    }
}

/// The head of the table.
pub fn print_head() {
    println!(
        "\n| shape | round | who | accepted/s | finished/s | of floor | accept p50 / p95 / p99 / max, ms | CPU s per 1,000: server + Postgres | \
         × floor | peak MB server, Postgres | disk B/event (of gzip) | refused | lost | issues |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|---|"
    );
}

/// A row for the floor and one for Bugle.
pub fn print(shape: Shape, round: usize, bodies: &[Body], bugle: &Measured, floor: Option<&Measured>) {
    let gzip = gzip_len(bodies);
    if let Some(floor) = floor {
        row(shape, round, "floor", floor, gzip, None);
    }
    row(shape, round, "Bugle", bugle, gzip, floor);
}

/// What no column is for.
pub fn print_notes(shape: Shape, bodies: &[Body], bugle: &Measured) {
    let gzip = gzip_len(bodies);
    let json = bodies.iter().map(|body| body.json_len).sum::<usize>() as f64 / bodies.len().max(1) as f64;
    println!("- {}: {json:.0} bytes of JSON, {gzip:.0} of gzip.", shape.name());
    if let Some(part) = bugle.dictionary_part {
        println!("- {}: {:.0} % of the stored events were compressed with a dictionary.", shape.name(), part * 100.0);
    }
    for steady in &bugle.steady {
        println!(
            "- {} at {:.0} % of capacity ({:.0}/s): accept p50 / p95 / p99 / max {} ms; accepted to visible {} ms (looked at every 20 ms); \
             {:.0} bytes on disk per event ({:.2} of gzip).",
            shape.name(),
            steady.part * 100.0,
            steady.per_second,
            steady.latency.text(),
            steady.visible.text(),
            steady.disk,
            steady.disk / gzip,
        );
    }
    if let Some(rss) = bugle.idle_rss {
        println!("- {}: {:.1} MB resident when idle afterwards.", shape.name(), rss as f64 / 1e6);
    }
}

/// Mean size of the bodies as sent.
pub fn gzip_len(bodies: &[Body]) -> f64 {
    bodies.iter().map(|body| body.gzip.len()).sum::<usize>() as f64 / bodies.len().max(1) as f64
}

fn row(shape: Shape, round: usize, who: &str, measured: &Measured, gzip: f64, floor: Option<&Measured>) {
    let ratio = |own: f64, of: Option<f64>| of.map_or("–".to_owned(), |of| format!("{:.2}", own / of));
    println!(
        "| {} | {round} | {who} | {:.0} | {:.0} | {} | {} | {:.2} + {:.2} | {} | {:.0}, {:.0} | {:.0} ({:.2}) | {} | 0 | {} |",
        shape.name(),
        measured.accepted_per_second,
        measured.finished_per_second,
        ratio(measured.finished_per_second, floor.map(|floor| floor.finished_per_second)),
        measured.latency.text(),
        measured.server_cpu,
        measured.postgres_cpu,
        ratio(measured.cpu(), floor.map(Measured::cpu)),
        measured.server_peak as f64 / 1e6,
        measured.postgres_peak as f64 / 1e6,
        measured.disk,
        measured.disk / gzip,
        measured.refused_count,
        measured.issue_count.map_or(String::new(), |count| count.to_string()),
    );
}
