//! Hands queued mails to the mail server, one at a time, with retries. A mail is claimed for ten minutes before it is sent, so that two nodes
//! do not send it twice and a crash in between delays it; its Message-ID stays the same, whatever happens.

use anyhow::Context;
use time::{Duration, OffsetDateTime};
use tracing::{info, warn};

use super::mail::twin;
use super::mailer::{Mailer, SendError};
use crate::clock::Clock;
use crate::store::mails::{self, ClaimedMail};
use crate::store::{self, Db};

/// Mails per run, so that shutdown does not wait for a long queue.
const BATCH_MAX: usize = 50;
/// How long a claim lasts if nobody settles it.
const LEASE: Duration = Duration::minutes(10);
/// Waits after the first, second, … failed try; the last one repeats.
const WAITS: [Duration; 8] = [
    Duration::minutes(1),
    Duration::minutes(2),
    Duration::minutes(5),
    Duration::minutes(15),
    Duration::minutes(30),
    Duration::hours(1),
    Duration::hours(2),
    Duration::hours(4),
];
/// A mail older than this is given up.
const GIVE_UP_AFTER: Duration = Duration::days(2);

/// Sends what is due; answers how many mails were sent, given up or kept. Without a mail server everything queued is kept for the admin
/// page.
pub async fn run_once(db: &Db, clock: &Clock, mailer: &Mailer) -> anyhow::Result<usize> {
    if !mailer.is_configured() {
        return keep(db).await;
    }
    let mut settled = 0;
    for _ in 0..BATCH_MAX {
        let Some(mail) = claim(db, clock.now()).await? else { break };
        match deliver(db, clock, mailer, &mail).await? {
            Delivery::Settled => settled += 1,
            Delivery::Later => {}
            // The others would fare no better now.
            Delivery::Unreachable => break,
        }
    }
    Ok(settled)
}

async fn keep(db: &Db) -> anyhow::Result<usize> {
    let mut tx = store::begin(db).await?;
    let kept = mails::keep_all(&mut tx).await.context("keeping mails")?;
    tx.commit().await?;
    if kept > 0 {
        warn!(
            mail.kept_count = kept,
            "no mail server is configured (BUGLE_SMTP_URL): the admin page shows what would have been sent, {kept} more"
        );
    }
    Ok(usize::try_from(kept).unwrap_or(usize::MAX))
}

async fn claim(db: &Db, now: OffsetDateTime) -> anyhow::Result<Option<ClaimedMail>> {
    let mut tx = store::begin(db).await?;
    let mail = mails::claim_due(&mut tx, now, now + LEASE).await.context("claiming a mail")?;
    tx.commit().await?;
    Ok(mail)
}

enum Delivery {
    Settled,
    Later,
    Unreachable,
}

async fn deliver(db: &Db, clock: &Clock, mailer: &Mailer, mail: &ClaimedMail) -> anyhow::Result<Delivery> {
    let html =
        if mail.html_body.is_empty() { twin::of(&mail.subject, &mail.text_body, mailer.base_url())? } else { mail.html_body.clone() };
    let outcome = mailer.send(mail, html).await;
    let now = clock.now();
    let mut tx = store::begin(db).await?;
    let delivery = match outcome {
        Ok(()) => {
            mails::mark_sent(&mut tx, mail.id, now).await.context("noting a sent mail")?;
            info!(mail.id = mail.id.0, mail.attempt_count = mail.attempt_count, "sent mail {}", mail.id);
            Delivery::Settled
        }
        Err(problem) => {
            let unreachable = matches!(problem, SendError::Unreachable(_));
            let over = matches!(problem, SendError::Permanent(_)) || now - mail.created_at >= GIVE_UP_AFTER;
            let said = problem.to_string();
            if over {
                mails::mark_failed(&mut tx, mail.id, &said).await.context("noting a failed mail")?;
                warn!(mail.id = mail.id.0, "gave up mail {}: {said}", mail.id);
            } else {
                mails::mark_retry(&mut tx, mail.id, &said, now + wait(mail.attempt_count)).await.context("noting a failed try")?;
                warn!(mail.id = mail.id.0, mail.attempt_count = mail.attempt_count, "mail {} was not taken, trying again: {said}", mail.id);
            }
            match (over, unreachable) {
                (true, _) => Delivery::Settled,
                (false, true) => Delivery::Unreachable,
                (false, false) => Delivery::Later,
            }
        }
    };
    tx.commit().await?;
    Ok(delivery)
}

/// How long to wait after this many tries.
fn wait(attempt_count: i32) -> Duration {
    let tries = usize::try_from(attempt_count).unwrap_or_default().saturating_sub(1);
    WAITS[tries.min(WAITS.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stop_growing() {
        let waits: Vec<_> = (1..=10).map(wait).collect();
        assert!(waits.is_sorted());
        assert_eq!((waits[0], waits[9]), (Duration::minutes(1), Duration::hours(4)));
    }
}
