//! Keeps the database under a size: while it is larger, drops the attachments of a day, as long as these are a good part of it, else thins the
//! events of one day a run, as `domain::thinning` says. Counters stay: what goes is noted as absent. The day under way is left alone. Safe to
//! run twice and on several nodes.

use anyhow::Context;
use time::{Date, OffsetDateTime};
use tracing::{info, warn};

use super::partitions::{DROP_TRIES_MAX, drop_past};
use crate::clock::Clock;
use crate::domain::thinning::{self, STEPS, Step};
use crate::store::job_locks::{self, Job};
use crate::store::partitions::{self, Family, Partition};
use crate::store::thinning as days;
use crate::store::{self, Db};

/// A day smaller than this is not worth rewriting for a milder step: the tables and indexes of an empty one are nearly as large.
const WORTH_BYTES: i64 = 1 << 20;
/// Attachments give way before any event does while they take more than this part of what is allowed.
const ATTACHMENTS_PART_MIN: i64 = 10;
/// Where events take less than this part of what is allowed, thinning them further would cost much and gain nothing.
const EVENTS_PART_MIN: i64 = 10;

/// To be called every few minutes. Tells how many days were looked at; 0: the database is small enough, or nothing can be done.
pub async fn run_once(db: &Db, clock: &Clock, max_bytes: Option<u64>) -> anyhow::Result<usize> {
    let Some(max_bytes) = max_bytes else { return Ok(0) };
    let max_bytes = i64::try_from(max_bytes).unwrap_or(i64::MAX);
    let Some(held) = job_locks::try_hold(db, Job::Storage).await.context("holding the job of storage")? else { return Ok(0) };
    let done = keep_under(db, clock.now(), max_bytes).await;
    held.commit().await.context("letting go of the job of storage")?;
    done
}

async fn keep_under(db: &Db, now: OffsetDateTime, max_bytes: i64) -> anyhow::Result<usize> {
    let space = days::space(db).await.context("measuring the database")?;
    if space.all <= max_bytes {
        return Ok(0);
    }
    if space.attachments > max_bytes / ATTACHMENTS_PART_MIN
        && let Some(done) = drop_attachments(db, now.date()).await.context("dropping attachments")?
    {
        return Ok(usize::from(done));
    }
    let known = days::days(db, now.date()).await.context("listing days")?;
    let next = thinning::next(&known).filter(|_| space.events > max_bytes / EVENTS_PART_MIN);
    let Some((day, step)) = next else {
        warn!(
            database.bytes = space.all,
            "the database is larger than BUGLE_MAX_STORAGE_BYTES, and thinning events of past days does not help any more"
        );
        return Ok(0);
    };
    thin(db, now, day, step).await.with_context(|| format!("thinning {day}")).map(usize::from)
}

/// The attachments of the oldest day that has a partition of them, unless it is `today`. `None`: there is none; `false`: somebody reads it.
async fn drop_attachments(db: &Db, today: Date) -> anyhow::Result<Option<bool>> {
    let partitions = partitions::list(db, Family::Attachments).await.context("listing the days of attachments")?;
    let Some(oldest) = partitions.into_iter().find(|partition| partition.day < today) else { return Ok(None) };
    let dropped = drop_past(db, &oldest).await?;
    if dropped {
        info!("the attachments of {} were dropped, because the database is larger than it may be", oldest.day);
    }
    Ok(Some(dropped))
}

/// One step of one day. `false`: somebody reads it; it is tried again at the next run.
async fn thin(db: &Db, now: OffsetDateTime, day: Date, place: usize) -> anyhow::Result<bool> {
    let (partition, step) = (Partition::of_events(day), STEPS[place]);
    let before = days::bytes_of(db, day).await.context("measuring the day")?;
    let mut removed = 0;
    if step == Step::Nothing {
        if !drop_past(db, &partition).await? {
            return Ok(false);
        }
    } else if before > WORTH_BYTES {
        match rewrite(db, &partition, step).await? {
            Some(count) => removed = count,
            None => return Ok(false),
        }
    }
    let mut tx = store::begin(db).await?;
    days::record(&mut tx, day, place, now).await.context("noting the step")?;
    tx.commit().await?;
    let after = days::bytes_of(db, day).await.context("measuring the day")?;
    info!(event.removed_count = removed, bytes.before = before, bytes.after = after, "thinned the events of {day}: step {}", place + 1);
    Ok(true)
}

/// In one transaction, whose only locks that anybody feels are those of its last moment.
async fn rewrite(db: &Db, partition: &Partition, step: Step) -> anyhow::Result<Option<i64>> {
    let mut tx = store::begin(db).await?;
    match partitions::close(&mut tx, partition).await {
        Ok(()) => {}
        Err(error) if partitions::is_busy(&error) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let removed = days::copy(&mut tx, partition, step).await.context("copying what stays")?;
    for _ in 0..DROP_TRIES_MAX {
        if days::try_exchange(&mut tx, partition).await.context("exchanging the partitions")? {
            tx.commit().await?;
            return Ok(Some(removed));
        }
    }
    Ok(None)
}
