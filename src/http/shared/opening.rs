//! The time between the start and the first answer of the database: events are taken, everything else waits.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Whether the database is still being opened: started, recovered, reached, brought up to date. Over once and for all; what comes and goes
/// afterwards each request finds out for itself.
#[derive(Debug, Default)]
pub struct Opening(AtomicBool);

impl Opening {
    /// The database is not there yet.
    pub fn begin(&self) {
        self.0.store(true, Relaxed);
    }

    /// It is.
    pub fn end(&self) {
        self.0.store(false, Relaxed);
    }

    /// Whether it still has to be waited for.
    pub fn is_under_way(&self) -> bool {
        self.0.load(Relaxed)
    }
}
