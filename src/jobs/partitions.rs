//! Makes the day partitions of `events` and of attachments ahead and drops those past the retention, noting the events they held as absent.
//! Repairs what went into the default partition while this job did not run. Safe to run twice and on several nodes.

use std::collections::BTreeSet;

use anyhow::Context;
use time::{Date, Duration, OffsetDateTime};
use tracing::{error, info, warn};

use crate::clock::Clock;
use crate::store::job_locks::{self, Job};
use crate::store::partitions::{self, Family, Partition};
use crate::store::{self, Db, Tx, absences, attachments};

/// How many days ahead partitions exist, so that a job that fails for days does no harm.
const DAYS_AHEAD: i64 = 3;
/// How often a drop is tried that readers are in the way of; each try waits a second at most, and others a second at most behind it.
pub const DROP_TRIES_MAX: u32 = 3;

/// To be called at the start and every few minutes. Tells how many partitions were made or dropped.
pub async fn run_once(db: &Db, clock: &Clock, retention_days: u32) -> anyhow::Result<usize> {
    let Some(held) = job_locks::try_hold(db, Job::Partitions).await.context("holding the job of partitions")? else { return Ok(0) };
    let changed = keep_up(db, clock, retention_days).await;
    held.commit().await.context("letting go of the job of partitions")?;
    changed
}

async fn keep_up(db: &Db, clock: &Clock, retention_days: u32) -> anyhow::Result<usize> {
    let mut changed = 0;
    for family in Family::ALL {
        changed += keep_up_one(db, clock, retention_days, family).await.with_context(|| format!("keeping up {}", family.table()))?;
    }
    Ok(changed)
}

async fn keep_up_one(db: &Db, clock: &Clock, retention_days: u32, family: Family) -> anyhow::Result<usize> {
    let now = clock.now();
    let (oldest, newest) = ((now - Duration::days(i64::from(retention_days))).date(), (now + Duration::days(DAYS_AHEAD)).date());
    let existing = partitions::list(db, family).await.context("listing partitions")?;
    let existing: BTreeSet<Date> = existing.into_iter().map(|found| found.day).collect();
    let mut wanted: BTreeSet<Date> = (0..=DAYS_AHEAD).map(|ahead| (now + Duration::days(ahead)).date()).collect();
    wanted.extend(stray_days(db, family, oldest, newest).await?);
    let made = make(db, family, wanted.difference(&existing)).await?;
    let mut dropped = 0;
    for day in &existing {
        let partition = Partition { family, day: *day };
        dropped += if *day < oldest {
            usize::from(drop_past(db, &partition).await.with_context(|| format!("dropping {}", partition.table()))?)
        } else if *day > newest {
            usize::from(drop_empty(db, &partition).await.with_context(|| format!("dropping {}", partition.table()))?)
        } else {
            0
        };
    }
    if made + dropped > 0 {
        info!(
            partition.made_count = made,
            partition.dropped_count = dropped,
            "partitions of {}: {made} made, {dropped} dropped",
            family.table()
        );
    }
    Ok(made + dropped)
}
/// Days of events that had to go into the default partition because this job had not run: they get their own now. A day far ahead, of a
/// clock that was wrong, gets none; its events stay where they are until the day is near.
async fn stray_days(db: &Db, family: Family, oldest: Date, newest: Date) -> anyhow::Result<Vec<Date>> {
    if partitions::count_strays(db, family, 1).await.context("looking into the default partition")? == 0 {
        return Ok(vec![]);
    }
    let strays = partitions::stray_days(db, family).await.context("looking into the default partition")?;
    let count: i64 = strays.iter().map(|(_, count)| count).sum();
    let table = family.table();
    warn!(partition.stray_count = count, "rows of {table} lie in the default partition, because their days had none: {count}; moving them");
    if strays.iter().any(|(day, _)| *day < oldest) {
        let mut tx = store::begin(db).await?;
        partitions::close_default(&mut tx, family).await.context("closing the default partition")?;
        for (day, _) in strays.iter().filter(|(day, _)| *day < oldest) {
            note_gone(&mut tx, &Partition { family, day: *day }).await.context("noting what is past the retention")?;
        }
        partitions::trim_default(&mut tx, family, midnight(oldest)).await.context("trimming the default partition")?;
        tx.commit().await?;
    }
    Ok(strays.into_iter().map(|(day, _)| day).filter(|day| (oldest..=newest).contains(day)).collect())
}

/// What has to be known, or forgotten, of a day whose rows go in the same transaction.
async fn note_gone(tx: &mut Tx, partition: &Partition) -> sqlx::Result<()> {
    let (from, to) = partition.range();
    match partition.family {
        Family::Events => absences::note_all(tx, from, to).await.map(|_| ()),
        Family::Attachments => attachments::forget(tx, from, to).await.map(|_| ()),
    }
}

async fn make(db: &Db, family: Family, days: impl Iterator<Item = &Date>) -> anyhow::Result<usize> {
    let mut made = 0;
    for day in days {
        let partition = Partition { family, day: *day };
        let mut tx = store::begin(db).await?;
        match partitions::make(&mut tx, &partition).await {
            Ok(()) => tx.commit().await?,
            Err(error) if partitions::is_busy(&error) => {
                warn!("{} cannot be made now, because its table is in use; it is made at the next run", partition.table());
                continue;
            }
            Err(error) => return Err(error).with_context(|| format!("making {}", partition.table())),
        }
        made += 1;
    }
    Ok(made)
}

/// Notes a whole day as absent and drops it, in one transaction.
pub async fn drop_past(db: &Db, partition: &Partition) -> anyhow::Result<bool> {
    let mut tx = store::begin(db).await?;
    let closed = partitions::close(&mut tx, partition).await;
    if closed.as_ref().is_err_and(partitions::is_busy) {
        return still_used(partition);
    }
    closed?;
    note_gone(&mut tx, partition).await.context("noting what goes as absent")?;
    for _ in 0..DROP_TRIES_MAX {
        if partitions::try_drop(&mut tx, partition).await? {
            tx.commit().await?;
            return Ok(true);
        }
    }
    still_used(partition)
}

fn still_used(partition: &Partition) -> anyhow::Result<bool> {
    error!("{} is past the retention but in use; it is dropped at the next run", partition.table());
    Ok(false)
}

/// A day far ahead was made by a clock that was wrong. It goes if nothing is in it.
async fn drop_empty(db: &Db, partition: &Partition) -> anyhow::Result<bool> {
    let mut tx = store::begin(db).await?;
    if partitions::close(&mut tx, partition).await.is_err() {
        return Ok(false);
    }
    if partitions::is_empty(&mut *tx, partition).await? && partitions::try_drop(&mut tx, partition).await? {
        tx.commit().await?;
        return Ok(true);
    }
    warn!("{} is days ahead and not empty: the clock of this server, or of another node, has been wrong", partition.table());
    Ok(false)
}

fn midnight(day: Date) -> OffsetDateTime {
    day.midnight().assume_utc()
}
