//! Makes the day partitions of `events` ahead and drops those past the retention. Safe to run twice and on several nodes.

use std::collections::BTreeSet;

use anyhow::Context;
use time::{Date, Duration};
use tracing::{error, info, warn};

use crate::clock::Clock;
use crate::store::job_locks::{self, Job};
use crate::store::partitions::{self, Partition};
use crate::store::{self, Db};

/// How many days ahead partitions exist, so that a job that fails for days does no harm.
const DAYS_AHEAD: i64 = 3;
/// How often a drop is tried that readers are in the way of; each try waits two seconds at most.
const DROP_TRIES_MAX: u32 = 3;

/// To be called at the start and every few minutes. Tells how many partitions were made or dropped.
pub async fn run_once(db: &Db, clock: &Clock, retention_days: u32) -> anyhow::Result<usize> {
    let Some(held) = job_locks::try_hold(db, Job::Partitions).await.context("holding the job of partitions")? else { return Ok(0) };
    let changed = keep_up(db, clock, retention_days).await;
    held.commit().await.context("letting go of the job of partitions")?;
    changed
}

async fn keep_up(db: &Db, clock: &Clock, retention_days: u32) -> anyhow::Result<usize> {
    let now = clock.now();
    let oldest = (now - Duration::days(i64::from(retention_days))).date();
    let existing: BTreeSet<Date> = partitions::list(db).await.context("listing partitions")?.into_iter().map(|found| found.day).collect();
    let mut wanted: BTreeSet<Date> = (0..=DAYS_AHEAD).map(|ahead| (now + Duration::days(ahead)).date()).collect();
    wanted.extend(stray_days(db, oldest).await?);
    let made = make(db, wanted.difference(&existing)).await?;
    let dropped = drop_before(db, oldest, existing).await?;
    if made + dropped > 0 {
        info!(partition.made_count = made, partition.dropped_count = dropped, "event partitions: {made} made, {dropped} dropped");
    }
    Ok(made + dropped)
}

/// Days of events that had to go into the default partition because this job had not run: they get their own now.
async fn stray_days(db: &Db, oldest: Date) -> anyhow::Result<Vec<Date>> {
    let strays = partitions::stray_days(db).await.context("looking into the default partition")?;
    if strays.is_empty() {
        return Ok(vec![]);
    }
    let count: i64 = strays.iter().map(|(_, count)| count).sum();
    warn!(partition.stray_count = count, "moving events out of the default partition, because their days had none: {count}");
    let mut tx = store::begin(db).await?;
    partitions::trim_default(&mut tx, oldest.midnight().assume_utc()).await.context("trimming the default partition")?;
    tx.commit().await?;
    Ok(strays.into_iter().map(|(day, _)| day).filter(|day| *day >= oldest).collect())
}

async fn make(db: &Db, days: impl Iterator<Item = &Date>) -> anyhow::Result<usize> {
    let mut made = 0;
    for day in days {
        let partition = Partition { day: *day };
        let mut tx = store::begin(db).await?;
        partitions::make(&mut tx, &partition).await.with_context(|| format!("making {}", partition.table()))?;
        tx.commit().await?;
        made += 1;
    }
    Ok(made)
}

/// Drops whole days, when their last event is past the retention.
async fn drop_before(db: &Db, oldest: Date, existing: BTreeSet<Date>) -> anyhow::Result<usize> {
    let mut dropped = 0;
    for day in existing.into_iter().filter(|day| *day < oldest) {
        let partition = Partition { day };
        if drop_one(db, &partition).await.with_context(|| format!("dropping {}", partition.table()))? {
            dropped += 1;
        } else {
            error!("{} is past the retention but in use; it is dropped at the next run", partition.table());
        }
    }
    Ok(dropped)
}

async fn drop_one(db: &Db, partition: &Partition) -> anyhow::Result<bool> {
    for _ in 0..DROP_TRIES_MAX {
        let mut tx = store::begin(db).await?;
        match partitions::drop(&mut tx, partition).await {
            Ok(()) => {
                tx.commit().await?;
                return Ok(true);
            }
            Err(error) if partitions::is_busy(&error) => tx.rollback().await?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(false)
}
