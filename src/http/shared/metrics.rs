//! The counters of this process in Prometheus' text format. From memory only: a scrape works while the database is away.
//! No project is named: whoever may scrape need not be somebody who may look.

use std::fmt::{Display, Write};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::http::Doors;

/// Version 0.0.4 of the text format.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All metrics.
pub fn render(doors: &Doors) -> String {
    let mut page = Page::default();
    page.family("bugle_build_info", "gauge", "Always 1; the version is a label.");
    page.line("bugle_build_info", &format!("{{version=\"{}\"}}", env!("CARGO_PKG_VERSION")), 1);
    ingestion(&mut page, doors);
    outcomes(&mut page, doors);
    spool(&mut page, doors);
    database(&mut page, doors);
    process(&mut page);
    page.0
}

fn ingestion(page: &mut Page, doors: &Doors) {
    let counters = &doors.ingest.counters;
    page.family("bugle_ingest_requests_total", "counter", "Requests of SDKs by status of the answer; 200 means kept.");
    for (status, count) in counters.requests() {
        page.line("bugle_ingest_requests_total", &format!("{{status=\"{status}\"}}"), count);
    }
    page.counter("bugle_ingest_body_bytes_total", "Body bytes received, as they came.", &counters.body_bytes);
    page.counter("bugle_ingest_items_total", "Items of requests that were kept.", &counters.accepted_items);
    page.family("bugle_ingest_limited_items_total", "counter", "Items refused by limits of keys and projects.");
    for (limit, count) in doors.ingest.limiter.refused_counts() {
        page.line("bugle_ingest_limited_items_total", &format!("{{limit=\"{}\"}}", limit.reason()), count);
    }
}

/// Both labels have a fixed number of values; reasons and projects are on the pages of the projects.
fn outcomes(page: &mut Page, doors: &Doors) {
    page.family("bugle_items_total", "counter", "Items by what became of them, since the start; each ends in exactly one outcome.");
    for ((outcome, category), count) in doors.accounting.totals() {
        page.line("bugle_items_total", &format!("{{outcome=\"{outcome}\",category=\"{category}\"}}"), count);
    }
    page.gauge(
        "bugle_events_without_partition",
        "Events in the default partition at the last look; more than 0 is a fault.",
        doors.accounting.strays(),
    );
}

fn spool(page: &mut Page, doors: &Doors) {
    let (depth, counters, limits) = (doors.spool.depth(), doors.spool.counters(), doors.spool.limits());
    page.gauge("bugle_spool_entries", "Accepted and not digested yet.", depth.entry_count);
    page.gauge("bugle_spool_bytes", "Bytes of these.", depth.byte_count);
    let age = depth.waiting_since.map_or(0.0, |since| (doors.clock.now() - since).as_seconds_f64().max(0.0));
    page.family("bugle_spool_oldest_seconds", "gauge", "How long the oldest of these has waited.");
    page.line("bugle_spool_oldest_seconds", "", age);
    page.family("bugle_spool_limit_seconds", "gauge", "Beyond this age, while nothing is stored, SDKs are asked to wait.");
    page.line("bugle_spool_limit_seconds", "", limits.max_age.whole_seconds());
    page.gauge("bugle_spool_limit_bytes", "Beyond this many, SDKs are asked to wait.", limits.max_bytes);
    page.counter("bugle_spool_appended_total", "Records made durable.", &counters.appended_count);
    page.counter("bugle_spool_appended_bytes_total", "Bytes of these.", &counters.appended_bytes);
    page.counter("bugle_spool_refused_total", "Records refused for want of room.", &counters.refused_count);
    page.counter("bugle_spool_failed_total", "Records refused because the disk failed.", &counters.failed_count);
    page.counter("bugle_spool_damaged_total", "Damaged places found in segments.", &counters.corrupt_count);
    page.counter("bugle_spool_syncs_total", "Times the disk was synced.", &counters.fsync_count);
    page.family("bugle_spool_sync_seconds_total", "counter", "Time spent syncing.");
    page.line("bugle_spool_sync_seconds_total", "", seconds(&counters.fsync_micros));
    page.family("bugle_spool_sync_seconds_max", "gauge", "The longest sync since the start.");
    page.line("bugle_spool_sync_seconds_max", "", seconds(&counters.fsync_micros_max));
}

fn database(page: &mut Page, doors: &Doors) {
    page.family("bugle_database_connections", "gauge", "Connections of the pool.");
    let (all, idle) = (u64::from(doors.db.size()), doors.db.num_idle() as u64);
    page.line("bugle_database_connections", "{state=\"idle\"}", idle);
    page.line("bugle_database_connections", "{state=\"used\"}", all.saturating_sub(idle));
}

/// Under the names every Prometheus client library uses. Absent where there is no `/proc`.
fn process(page: &mut Page) {
    let resident = std::fs::read_to_string("/proc/self/status").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("VmRSS:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    });
    if let Some(kilobytes) = resident {
        page.gauge("process_resident_memory_bytes", "Memory of this process in RAM.", kilobytes * 1_024);
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        page.gauge("process_open_fds", "Open files and sockets.", open.count() as u64);
    }
}

fn seconds(micros: &AtomicU64) -> f64 {
    std::time::Duration::from_micros(micros.load(Relaxed)).as_secs_f64()
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n").expect("writing to a string");
    }

    fn line(&mut self, name: &str, labels: &str, value: impl Display) {
        writeln!(self.0, "{name}{labels} {value}").expect("writing to a string");
    }

    fn counter(&mut self, name: &str, help: &str, value: &AtomicU64) {
        self.family(name, "counter", help);
        self.line(name, "", value.load(Relaxed));
    }

    fn gauge(&mut self, name: &str, help: &str, value: u64) {
        self.family(name, "gauge", help);
        self.line(name, "", value);
    }
}
