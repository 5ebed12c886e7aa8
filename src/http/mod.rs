//! The doors: one request in, one answer out. The only room with axum. Doors never import each other; what they share is in `shared`.
//!
//! Deliberately absent: SQL (`store`), decisions (`domain`, `actions`).

use std::sync::Arc;

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::X_CONTENT_TYPE_OPTIONS;
use axum::middleware::map_response;
use axum::response::Response;

use crate::clock::Clock;
use crate::config::Config;
use crate::domain::accounting::Accounting;
use crate::http::shared::grouping::GroupingDesk;
use crate::http::shared::keys::KeyCache;
use crate::http::shared::opening::Opening;
use crate::spool::Spool;
use crate::store::Db;
use crate::store::payload::library::Library;

pub mod api;
pub mod ingest;
pub mod shared;
pub mod web;

/// What every handler may use. Cheap to clone.
#[derive(Clone)]
pub struct Doors(Arc<Inner>);

/// The parts of [`Doors`].
pub struct Inner {
    /// The pool.
    pub db: Db,
    /// Where "now" comes from.
    pub clock: Clock,
    /// The settings.
    pub config: Config,
    /// Where what is accepted is kept.
    pub spool: Spool,
    /// Which key may send to which project.
    pub keys: KeyCache,
    /// Opens stored events.
    pub library: Library,
    /// Whether the database is still being opened.
    pub opening: Opening,
    /// Counters and bounds of ingestion.
    pub ingest: ingest::Ingest,
    /// What became of the items of this process.
    pub accounting: Arc<Accounting>,
    /// Who knows how events are grouped.
    pub grouping: Arc<dyn GroupingDesk>,
}

impl Doors {
    /// Wires the doors.
    pub fn new(db: Db, clock: Clock, config: Config, spool: Spool, accounting: Arc<Accounting>, grouping: Arc<dyn GroupingDesk>) -> Self {
        let keys = KeyCache::of_data_dir(&config.data_dir);
        let (library, opening, ingest) = (Library::default(), Opening::default(), ingest::Ingest::default());
        Self(Arc::new(Inner { db, clock, config, spool, keys, library, opening, ingest, accounting, grouping }))
    }
}

impl std::ops::Deref for Doors {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// All routes of Bugle.
pub fn router(doors: Doors) -> Router {
    Router::new()
        .merge(ingest::routes())
        .merge(api::routes(&doors))
        .merge(web::routes(&doors))
        .merge(shared::operations::routes())
        .layer(map_response(never_sniffed))
        .with_state(doors)
}

/// No browser may take an answer of any door for something else than it says it is.
async fn never_sniffed(mut answer: Response) -> Response {
    answer.headers_mut().entry(X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    answer
}
