//! What processes cost, from `/proc`.

use std::collections::HashMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Clock ticks of a second in `/proc`, on every Linux there is.
const TICKS: f64 = 100.0;
/// How often memory is looked at.
const SAMPLE_EVERY: Duration = Duration::from_millis(300);

/// CPU seconds of one process so far, its threads included.
pub fn cpu_seconds(pid: u32) -> f64 {
    fields(pid).map_or(0.0, |fields| (fields[11] + fields[12]) as f64 / TICKS)
}

/// CPU seconds of a process, its living children and its children that ended: all of Postgres, asked about the postmaster.
pub fn tree_cpu_seconds(pid: u32) -> f64 {
    let own = fields(pid).map_or(0.0, |fields| (fields[11] + fields[12] + fields[13] + fields[14]) as f64 / TICKS);
    own + children(pid).into_iter().map(cpu_seconds).sum::<f64>()
}

/// Utime is number 11 of these: what follows the name in parentheses.
fn fields(pid: u32) -> Option<Vec<u64>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    Some(rest.split(' ').map(|field| field.parse().unwrap_or(0)).collect())
}

fn children(pid: u32) -> Vec<u32> {
    let Ok(tasks) = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")) else { return Vec::new() };
    tasks.split_whitespace().filter_map(|child| child.parse().ok()).collect()
}

/// Largest resident memory of a process in its life, in bytes.
pub fn peak_rss(pid: u32) -> u64 {
    kilobytes(&format!("/proc/{pid}/status"), "VmHWM:") * 1024
}

/// Resident memory of a process now, in bytes.
pub fn rss(pid: u32) -> u64 {
    kilobytes(&format!("/proc/{pid}/status"), "VmRSS:") * 1024
}

/// Memory of Postgres in bytes, what its processes share counted once.
fn tree_pss(pid: u32) -> u64 {
    let all = children(pid).into_iter().chain([pid]);
    all.map(|pid| kilobytes(&format!("/proc/{pid}/smaps_rollup"), "Pss:") * 1024).sum()
}

fn kilobytes(path: &str, name: &str) -> u64 {
    let text = fs::read_to_string(path).unwrap_or_default();
    let fields: HashMap<&str, &str> = text.lines().filter_map(|line| line.split_once(char::is_whitespace)).collect();
    fields.get(name).and_then(|value| value.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Looks at the memory of a tree until dropped.
pub struct PeakMemory {
    peak: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl PeakMemory {
    /// Starts looking.
    pub fn watch(pid: u32) -> Self {
        let (peak, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (seen, told) = (Arc::clone(&peak), Arc::clone(&stop));
        std::thread::spawn(move || {
            while !told.load(Ordering::Relaxed) {
                seen.fetch_max(tree_pss(pid), Ordering::Relaxed);
                std::thread::sleep(SAMPLE_EVERY);
            }
        });
        Self { peak, stop }
    }

    /// Bytes.
    pub fn peak(&self) -> u64 {
        self.peak.load(Ordering::Relaxed)
    }
}

impl Drop for PeakMemory {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
