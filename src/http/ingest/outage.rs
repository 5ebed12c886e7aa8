//! Says once that nothing can be kept, and once that it is over: a log line per refused event would fill the disk that is full already.

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use tracing::{info, warn};

/// Whether events are being refused for reasons of our own.
#[derive(Debug, Default)]
pub struct Outage(AtomicBool);

impl Outage {
    /// An event was refused.
    pub fn refused(&self, reason: &dyn Display) {
        if !self.0.swap(true, Relaxed) {
            warn!("events are refused with 503 until further notice: {reason}");
        }
    }

    /// An event was kept.
    pub fn kept(&self) {
        if self.0.load(Relaxed) && self.0.swap(false, Relaxed) {
            info!("events are kept again");
        }
    }
}
