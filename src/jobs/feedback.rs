//! Finds the issues of feedback, which often comes before its event. Bounded, safe to run twice and on several nodes.

use anyhow::Context;
use time::Duration;

use crate::clock::Clock;
use crate::store::job_locks::{self, Job};
use crate::store::{self, Db, feedback};

/// An event that has not come after so long does not come any more.
const WAITED_FOR: Duration = Duration::days(7);

/// To be called every few seconds. Tells for how many an issue was found.
pub async fn run_once(db: &Db, clock: &Clock) -> anyhow::Result<usize> {
    let Some(held) = job_locks::try_hold(db, Job::Feedback).await.context("holding the job of feedback")? else { return Ok(0) };
    let mut tx = store::begin_keyed(db).await?;
    let count = feedback::find_issues(&mut tx, clock.now() - WAITED_FOR).await.context("finding the issues of feedback")?;
    tx.commit().await?;
    held.commit().await.context("letting go of the job of feedback")?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}
