//! Deletes events, attachments and feedback of projects that keep them for less time than the installation does, in small batches, by whole days as partitions go.
//! Counters stay: what is deleted is noted as absent. Safe to run twice and on several nodes.

use anyhow::Context;
use time::{Duration, OffsetDateTime};
use tracing::info;

use crate::clock::Clock;
use crate::domain::ids::ProjectId;
use crate::store::job_locks::{self, Job};
use crate::store::{self, Db, absences, attachments, feedback, retention};

/// Events of one statement: short locks, and the batches of the digest are of the same size.
const BATCH: i64 = 500;
/// Reports of one run.
const REPORTS_BATCH: i64 = 5_000;
/// Attachments of one statement; each is up to some megabytes.
const FILES_BATCH: i64 = 20;
/// Batches of one run; a run that was cut short is followed by the next at once.
const BATCHES_MAX: usize = 40;

/// To be called every few minutes. Tells how many events were deleted.
pub async fn run_once(db: &Db, clock: &Clock, retention_days: u32) -> anyhow::Result<usize> {
    let Some(held) = job_locks::try_hold(db, Job::Retention).await.context("holding the job of retention")? else { return Ok(0) };
    let count = delete(db, clock, retention_days).await;
    held.commit().await.context("letting go of the job of retention")?;
    count
}

async fn delete(db: &Db, clock: &Clock, retention_days: u32) -> anyhow::Result<usize> {
    let projects = retention::list_own(db).await.context("listing projects with a retention of their own")?;
    let (mut count, mut batches) = (0, 0);
    for (project, days) in projects.into_iter().filter(|(_, days)| *days < retention_days) {
        let oldest = (clock.now() - Duration::days(i64::from(days))).date().midnight().assume_utc();
        while batches < BATCHES_MAX {
            batches += 1;
            match delete_batch(db, project, oldest).await.with_context(|| format!("deleting events of project {project}"))? {
                0 => break,
                deleted => count += deleted,
            }
        }
        let reports = feedback::trim_of_project(db, project, oldest, REPORTS_BATCH).await;
        count += usize::try_from(reports.with_context(|| format!("deleting feedback of project {project}"))?).unwrap_or(0);
        count += delete_files(db, project, oldest).await.with_context(|| format!("deleting attachments of project {project}"))?;
    }
    if count > 0 {
        info!(event.deleted_count = count, "events, attachments and reports deleted that are past the retention of their project: {count}");
    }
    Ok(count)
}

async fn delete_files(db: &Db, project: ProjectId, oldest: OffsetDateTime) -> anyhow::Result<usize> {
    let mut count = 0;
    for _ in 0..BATCHES_MAX {
        let mut tx = store::begin(db).await?;
        let deleted = attachments::remove_of_project(&mut tx, project, oldest, FILES_BATCH).await?;
        tx.commit().await?;
        count += usize::try_from(deleted).unwrap_or(0);
        if deleted < FILES_BATCH {
            break;
        }
    }
    Ok(count)
}

async fn delete_batch(db: &Db, project: ProjectId, oldest: OffsetDateTime) -> anyhow::Result<usize> {
    let Some(found) = retention::find_before(db, project, oldest).await? else { return Ok(0) };
    let mut tx = store::begin(db).await?;
    let deleted = absences::remove_of_project(&mut tx, project, found.date().midnight().assume_utc(), BATCH).await?;
    tx.commit().await?;
    Ok(usize::try_from(deleted).unwrap_or(0))
}
