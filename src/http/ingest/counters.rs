//! What was asked of ingestion since the start, for `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use axum::http::StatusCode;

/// The answers ingestion gives. Everything else counts as the last one.
const STATUSES: [u16; 10] = [200, 400, 401, 403, 405, 408, 413, 429, 503, 500];

/// Plain counters; each is read on its own, without a common moment.
#[derive(Debug, Default)]
pub struct IngestCounters {
    requests: [AtomicU64; STATUSES.len()],
    /// Body bytes received, compressed as they came, refused requests included.
    pub body_bytes: AtomicU64,
    /// Items (events, sessions, attachments, …) of requests that were kept.
    pub accepted_items: AtomicU64,
}

impl IngestCounters {
    /// Requests per status of the answer.
    pub fn requests(&self) -> impl Iterator<Item = (u16, u64)> {
        STATUSES.iter().zip(&self.requests).map(|(status, count)| (*status, count.load(Relaxed)))
    }

    pub(super) fn answered(&self, status: StatusCode) {
        let place = STATUSES.iter().position(|known| *known == status.as_u16()).unwrap_or(STATUSES.len() - 1);
        self.requests[place].fetch_add(1, Relaxed);
    }
}
