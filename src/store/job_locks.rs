//! Locks that let one node at a time do a timed job.

use super::{Db, Tx, begin};

/// Jobs that only one node does at a time. The numbers are the keys of advisory locks and must stay what they are.
#[derive(Clone, Copy, Debug)]
pub enum Job {
    /// Making and dropping event partitions.
    Partitions = 0x6275_0001,
    /// Trimming old rows.
    Trim = 0x6275_0002,
}

/// Holds the job until the transaction ends; `None` while another node holds it.
pub async fn try_hold(db: &Db, job: Job) -> sqlx::Result<Option<Tx>> {
    let mut tx = begin(db).await?;
    let held = sqlx::query_scalar!(r#"SELECT pg_try_advisory_xact_lock($1) AS "held!""#, job as i64).fetch_one(&mut *tx).await?;
    Ok(held.then_some(tx))
}
