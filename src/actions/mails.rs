//! What administrators do about mail: try again, send a test.

use anyhow::Context;

use crate::clock::Clock;
use crate::domain::event_id::EventId;
use crate::domain::ids::{MailId, UserId};
use crate::domain::letter;
use crate::store::mails::{self, NewMail};
use crate::store::{self, Db};

/// Queues a failed or kept mail again; `false` if it is neither.
pub async fn retry(db: &Db, clock: &Clock, id: MailId) -> anyhow::Result<bool> {
    let mut tx = store::begin(db).await?;
    let queued = mails::requeue(&mut tx, id, clock.now()).await.context("queueing the mail again")?;
    tx.commit().await?;
    Ok(queued)
}

/// Queues a test mail.
pub async fn test(db: &Db, clock: &Clock, base_url: &str, recipient: &str, user: Option<UserId>) -> anyhow::Result<()> {
    let letter = letter::test(base_url);
    let message_id = format!("letter-{}", EventId::random());
    let mut tx = store::begin(db).await?;
    mails::enqueue(&mut tx, &NewMail::letter(&letter, recipient, user, &message_id), clock.now())
        .await
        .context("queueing the test mail")?;
    Ok(tx.commit().await?)
}
