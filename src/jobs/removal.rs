//! Removes the events of issues that people deleted, with their files and what was said about them, in small batches. Safe to run twice and on
//! several nodes.

use anyhow::Context;
use tracing::info;

use crate::store::removals;
use crate::store::{self, Db};

/// Events of one statement: short locks, and the batches of the digest are of the same size.
const BATCH: i64 = 500;
/// Batches of one run; a run that was cut short is followed by the next at once.
const BATCHES_MAX: usize = 40;

/// To be called every few seconds. Tells how much was done.
pub async fn run_once(db: &Db) -> anyhow::Result<usize> {
    let mut count = 0;
    for _ in 0..BATCHES_MAX {
        match remove_batch(db).await.context("removing events of deleted issues")? {
            0 => break,
            done => count += done,
        }
    }
    Ok(count)
}

/// One transaction: some events of one day, or the end of an issue of which none is left.
async fn remove_batch(db: &Db) -> anyhow::Result<usize> {
    let mut tx = store::begin_keyed(db).await?;
    let Some(issue) = removals::claim(&mut tx).await? else { return Ok(0) };
    let done = match removals::find_left(&mut *tx, issue).await? {
        Some(arrival) => {
            let removed = removals::remove(&mut tx, issue, arrival.date().midnight().assume_utc(), BATCH).await?;
            usize::try_from(removed).unwrap_or_default().max(1)
        }
        None => {
            removals::finish(&mut tx, issue).await?;
            info!(project.id = issue.0.0, issue.id = issue.1.0, "nothing is left of deleted issue {}", issue.1);
            1
        }
    };
    tx.commit().await?;
    Ok(done)
}
