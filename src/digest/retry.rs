//! Dead letters that somebody asked to try again: digested under their old receipt, and gone in the same transaction if that works.

use anyhow::Context;
use bytes::Bytes;
use time::OffsetDateTime;
use tracing::info;

use super::failure::Failure;
use super::read::Reader;
use super::reading::{DEAD_LETTER, Reading};
use super::{RACES_MAX, Settings, commit, read};
use crate::clock::Clock;
use crate::domain::outcome::Outcome;
use crate::protocol::category::Category;
use crate::spool::{Entry, Place, Position};
use crate::store::dead_letters::{self, Due};
use crate::store::{self, Db};

/// Said of a letter from before the secret was replaced.
const SEALED_OTHERWISE: &str = "it was encrypted under another BUGLE_SECRET_KEY";

/// Tries the next letter; 0 where nobody asked for one.
pub async fn next(db: &Db, clock: &Clock, reader: &Reader) -> anyhow::Result<usize> {
    let settings = reader.settings;
    for _ in 0..RACES_MAX {
        let mut tx = store::begin_keyed(db).await?;
        let Some(due) = dead_letters::claim_due(&mut tx).await.context("looking for dead letters to try again")? else { return Ok(0) };
        let (project, id, category) = (due.project_id, due.id, Category::of_kind(&due.item_type));
        let refusal = match read_again(due, reader, clock.now()).await? {
            Err(reason) => reason,
            Ok(mut reading) => {
                reading.tally(category, Outcome::Invalid(DEAD_LETTER), -1); // what was counted when it was given up
                match commit::write(&mut tx, std::slice::from_ref(&reading), &settings, &reader.fates, clock.now()).await {
                    Ok(_) => {
                        dead_letters::remove(&mut tx, project, id).await?;
                        tx.commit().await?;
                        info!(project.id = project.0, dead_letter.id = id, "digested dead letter {id}");
                        return Ok(1);
                    }
                    Err(Failure::Race) => continue,
                    Err(Failure::Transient(error)) => return Err(error.context("digesting a dead letter")),
                    Err(Failure::Poison(reason)) => {
                        tx.rollback().await?;
                        tx = store::begin_keyed(db).await?;
                        reason
                    }
                }
            }
        };
        dead_letters::record_failed_retry(&mut tx, project, id, &refusal, clock.now()).await?;
        tx.commit().await?;
        return Ok(1);
    }
    anyhow::bail!("other nodes were faster {RACES_MAX} times in a row")
}

/// What is in the letter, or why it cannot be digested this time either.
async fn read_again(due: Due, reader: &Reader, now: OffsetDateTime) -> anyhow::Result<Result<Reading, String>> {
    let meta = serde_json::to_vec(&due.contents.receipt).context("reading the receipt of a dead letter")?;
    let Some(body) = due.contents.open(&reader.settings.seal) else { return Ok(Err(SEALED_OTHERWISE.to_owned())) };
    let nowhere = Position { segment: 0, offset: 0 };
    let entry = Entry { place: Place { start: nowhere, end: nowhere }, meta: meta.into(), body: Bytes::from(body) };
    let own = reader.clone();
    let reading = tokio::task::spawn_blocking(move || read::entry(&entry, &own)).await.context("reading a dead letter")?;
    Ok(refusal(&reading, now, reader.settings).map_or(Ok(reading), Err))
}

/// Why it cannot be digested this time either.
fn refusal(reading: &Reading, now: OffsetDateTime, settings: Settings) -> Option<String> {
    if let Some(letter) = reading.letters.first() {
        return Some(letter.reason.clone());
    }
    if reading.sightings.is_empty() && reading.attachments.is_empty() && reading.feedback.is_empty() && reading.tallies.is_empty() {
        return Some("nothing was kept of it".to_owned());
    }
    (reading.received_at < now - settings.retention).then(|| "it arrived longer ago than events are kept".to_owned())
}
