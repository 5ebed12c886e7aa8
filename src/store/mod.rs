//! Every SQL statement. Reads take an executor, writes take `&mut Tx`, so that one verb is one transaction.
//!
//! Deliberately absent: decisions. A query returns what is so; what follows from it is said in `domain`, `digest`, `actions` and `jobs`.

pub mod absences;
pub mod activities;
pub mod alert_decisions;
pub mod alert_history;
pub mod alert_outbox;
pub mod alert_rules;
pub mod app_sessions;
pub mod attachments;
pub mod chart_reads;
mod copy;
pub mod counters;
pub mod dead_letters;
pub mod dictionaries;
pub mod discards;
pub mod event_ids;
pub mod event_pages;
pub mod event_reads;
pub mod events;
pub mod facets;
pub mod feedback;
pub mod filters;
pub mod grouping_rules;
pub mod grouping_versions;
pub mod hashes;
pub mod instance;
pub mod issue_parts;
pub mod issue_reads;
pub mod issue_search;
pub mod issue_standing;
pub mod issue_state;
pub mod job_locks;
pub mod keys;
pub mod links;
pub mod login_failures;
pub mod mails;
pub mod members;
pub mod merges;
pub mod message_slots;
pub mod moment;
pub mod monitors;
pub mod new_issue_rates;
pub mod outcome_reads;
pub mod outcomes;
pub mod outlines;
pub mod partitions;
pub mod payload;
pub mod project_limits;
pub mod project_overview;
pub mod projects;
pub mod proof;
pub mod refusals;
pub mod removals;
pub mod retention;
pub mod samples;
pub mod scrubbing;
pub mod sealing;
pub mod sessions;
pub mod similar;
pub mod spike_history;
pub mod spikes;
pub mod spool_positions;
pub mod text;
pub mod thinning;
pub mod tokens;
pub mod trims;
pub mod users;

use sqlx::{PgPool, Postgres, Transaction};

/// An open transaction; dropping it without `commit` undoes everything.
pub type Tx = Transaction<'static, Postgres>;
/// The pool of connections.
pub type Db = PgPool;

/// The schema, embedded in the binary. Applied in order, each in a transaction, under an advisory lock.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// A pool of one connection to the same database, made when it is first needed. A connection has its own plans and its own memory of what it
/// read of the catalog, so work that comes again and again is best done on the same one; the other pool passes its connections round.
pub fn of_one(db: &Db) -> Db {
    db.options().clone().max_connections(1).connect_lazy_with((*db.connect_options()).clone())
}

/// Opens a transaction.
pub async fn begin(db: &Db) -> sqlx::Result<Tx> {
    db.begin().await
}

/// Opens a transaction that only looks rows up by their keys and adds to them. Its plans must not be those of a table that was small or empty
/// when they were made (they are kept as long as the connection, and a flood comes before the first statistics): no scans, no hash joins.
pub async fn begin_keyed(db: &Db) -> sqlx::Result<Tx> {
    let mut tx = begin(db).await?;
    let settings = "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off;\
        SET LOCAL jit = off";
    sqlx::raw_sql(settings).execute(&mut *tx).await?;
    Ok(tx)
}

/// Whether the database could not be reached at all, as opposed to refusing one statement: then a retry will help, and pages say so.
pub fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => true,
        // 57P01..57P03: shutting down, crashed, starting up; 53300: too many connections.
        sqlx::Error::Database(e) => matches!(e.code().as_deref(), Some("57P01" | "57P02" | "57P03" | "53300")),
        _ => false,
    }
}

/// Whether a statement was ended because it took longer than it may.
pub fn took_too_long(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(e) if e.code().as_deref() == Some("57014"))
}

/// What the server calls its version, `15.18 (Debian …)`.
pub async fn server_version(db: impl sqlx::PgExecutor<'_>) -> sqlx::Result<String> {
    sqlx::query_scalar!(r#"SELECT current_setting('server_version') AS "version!""#).fetch_one(db).await
}
