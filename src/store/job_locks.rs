//! Locks that let one node at a time do a timed job.

use super::{Db, Tx, begin};

/// Jobs that only one node does at a time. The numbers are the keys of advisory locks and must stay what they are.
#[derive(Clone, Copy, Debug)]
pub enum Job {
    /// Making and dropping event partitions.
    Partitions = 0x6275_0001,
    /// Trimming old rows.
    Trim = 0x6275_0002,
    /// Deleting events past the retention of their project.
    Retention = 0x6275_0110,
    /// Keeping the database under its size.
    Storage = 0x6275_0111,
    /// Finding the issues of feedback.
    Feedback = 0x6275_0112,
    /// Looking for spikes.
    Spikes = 0x6275_0003,
    /// Making dictionaries of payloads.
    Dictionaries = 0x6275_0008,
}

/// How long [`hold`] waits. Whoever holds the job longer than this has a problem that must be seen.
const PATIENCE: &str = "SET LOCAL lock_timeout = '15s'";

/// Holds the job until the transaction ends; `None` while another node holds it.
pub async fn try_hold(db: &Db, job: Job) -> sqlx::Result<Option<Tx>> {
    let mut tx = begin(db).await?;
    let held = sqlx::query_scalar!(r#"SELECT pg_try_advisory_xact_lock($1) AS "held!""#, job as i64).fetch_one(&mut *tx).await?;
    Ok(held.then_some(tx))
}

/// Holds the job until the transaction ends. Waits for whoever holds or [shares](share) it now, at most [`PATIENCE`]; then it is an error,
/// not idleness.
pub async fn hold(db: &Db, job: Job) -> sqlx::Result<Tx> {
    let mut tx = begin(db).await?;
    sqlx::query(PATIENCE).execute(&mut *tx).await?;
    sqlx::query!(r#"SELECT pg_advisory_xact_lock($1)::text AS "held""#, job as i64).fetch_one(&mut *tx).await?;
    Ok(tx)
}

/// Keeps the job from being done until this transaction ends; any number of transactions may at once. To be called before the
/// transaction locks any row, so that the two never wait for each other.
pub async fn share(tx: &mut Tx, job: Job) -> sqlx::Result<()> {
    sqlx::query!(r#"SELECT pg_advisory_xact_lock_shared($1)::text AS "shared""#, job as i64).fetch_one(&mut **tx).await?;
    Ok(())
}
