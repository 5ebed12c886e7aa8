//! Forgets what time has made useless: fine counters, old ids, expired sessions and links, old mails. In bounded batches, safe to run
//! twice and on several nodes.

use anyhow::Context;
use time::{Duration, OffsetDateTime};
use tracing::info;

use super::dictionaries;
use crate::clock::Clock;
use crate::store::counters::{self, hours, minutes, quarters};
use crate::store::job_locks::{self, Job};
use crate::store::proof::Since;
use crate::store::{Db, absences, app_sessions, event_ids, feedback, message_slots, monitors, outlines, samples, trims};

/// The detector looks back an hour, "today" is 24.
const MINUTES_KEPT: Duration = Duration::hours(24);
/// The cap is per quarter of an hour, people are counted over an hour.
const QUARTERS_KEPT: Duration = Duration::hours(2);
/// Charts show at most 90 days.
const HOURS_KEPT: Duration = Duration::days(90);
/// A spike is thinned by the hour, and what waits in a spool is seldom older than a day.
const SAMPLES_KEPT: Duration = Duration::days(1);
/// Spent links are kept a while, so that a second click can be told "already used".
const LINKS_KEPT: Duration = Duration::days(7);
/// The throttle looks back much less.
const LOGIN_FAILURES_KEPT: Duration = Duration::days(1);
/// For the admin page.
const MAILS_KEPT: Duration = Duration::days(30);
/// Per project; beyond, the oldest go first.
const DEAD_LETTERS_MAX: i64 = 10_000;
/// Per project, in bodies; beyond, the oldest go first.
const DEAD_LETTER_BYTES_MAX: i64 = 256 << 20;
/// Rows of one statement: short locks, little for vacuum at once.
const BATCH: i64 = 5_000;
/// Batches of one table in one run; what is left waits for the next.
const BATCHES_MAX: usize = 200;

/// From when on nothing of what is trimmed is missing, for whoever compares counters: an hour later than the trimming, whose clock may be
/// that of another node.
pub fn untouched_since(now: OffsetDateTime, retention_days: u32) -> Since {
    let retention = Duration::days(i64::from(retention_days));
    let after = |age: Duration| counters::hour(now - age) + Duration::HOUR * 2;
    Since { hours: after(HOURS_KEPT.max(retention)), minutes: after(MINUTES_KEPT), ids: after(retention) }
}

/// To be called every few minutes. Tells how many rows were removed.
pub async fn run_once(db: &Db, clock: &Clock, retention_days: u32) -> anyhow::Result<usize> {
    let Some(held) = job_locks::try_hold(db, Job::Trim).await.context("holding the job of trimming")? else { return Ok(0) };
    let count = trim(db, clock, retention_days).await;
    held.commit().await.context("letting go of the job of trimming")?;
    Ok(usize::try_from(count?).unwrap_or(usize::MAX))
}

async fn trim(db: &Db, clock: &Clock, retention_days: u32) -> anyhow::Result<u64> {
    let now = clock.now();
    let retention = Duration::days(i64::from(retention_days));
    let mut count = 0;
    count += all(|| minutes::trim(db, now - MINUTES_KEPT, BATCH)).await.context("trimming issue_minutes")?;
    count += all(|| quarters::trim(db, now - QUARTERS_KEPT, BATCH)).await.context("trimming issue_quarter_people")?;
    count += all(|| hours::trim(db, now - HOURS_KEPT.max(retention), BATCH)).await.context("trimming issue_hours")?;
    count += all(|| absences::fold(db, now - HOURS_KEPT.max(retention), BATCH)).await.context("folding absent_events")?;
    // A day longer than the events, whose partitions go by whole days: an id must not be taken again while its event is there.
    count += all(|| event_ids::trim(db, now - retention - Duration::DAY, BATCH)).await.context("trimming event_ids")?;
    count += all(|| feedback::trim(db, now - retention, BATCH)).await.context("trimming feedback")?;
    count += all(|| samples::trim(db, now - SAMPLES_KEPT, BATCH)).await.context("trimming issue_samples")?;
    count += all(|| message_slots::trim(db, BATCH)).await.context("trimming message_slots")?;
    count += all(|| outlines::trim(db, BATCH)).await.context("trimming issue_outlines")?;
    count += all(|| trims::expired_sessions(db, now, BATCH)).await.context("trimming sessions")?;
    count += all(|| trims::spent_links(db, now - LINKS_KEPT, BATCH)).await.context("trimming one_time_links")?;
    count += all(|| trims::login_failures(db, now - LOGIN_FAILURES_KEPT, BATCH)).await.context("trimming login_failures")?;
    count += all(|| trims::mails(db, now - MAILS_KEPT, BATCH)).await.context("trimming mails")?;
    count += all(|| trims::dead_letters(db, now - retention, BATCH)).await.context("trimming dead_letters")?;
    count +=
        all(|| trims::surplus_dead_letters(db, DEAD_LETTERS_MAX, DEAD_LETTER_BYTES_MAX, BATCH)).await.context("trimming dead_letters")?;
    count += all(|| trims::outcomes(db, now - HOURS_KEPT.max(retention), BATCH)).await.context("trimming project_outcomes")?;
    count += all(|| trims::project_hours(db, now - HOURS_KEPT.max(retention), BATCH)).await.context("trimming project_hours")?;
    count += all(|| app_sessions::trim(db, now, BATCH)).await.context("trimming app_sessions")?;
    count += all(|| app_sessions::trim_hours(db, now - HOURS_KEPT.max(retention), BATCH)).await.context("trimming app_session_hours")?;
    count += all(|| monitors::trim(db, now - retention, BATCH)).await.context("trimming check_ins")?;
    count += all(|| dictionaries::trim(db, clock, BATCH)).await.context("trimming dictionaries")?;
    if count > 0 {
        info!(row.removed_count = count, "rows trimmed that are no longer needed: {count}");
    }
    Ok(count)
}

/// Batch after batch until one is not full.
async fn all<F: Future<Output = Result<u64, E>>, E>(mut batch: impl FnMut() -> F) -> Result<u64, E> {
    let mut count = 0;
    for _ in 0..BATCHES_MAX {
        let removed = batch().await?;
        count += removed;
        if removed < BATCH.unsigned_abs() {
            break;
        }
    }
    Ok(count)
}
