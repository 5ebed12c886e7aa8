//! `dictionaries`: what events of a project have in common, which their payloads are compressed against.

use std::sync::Arc;

use anyhow::Context;
use sqlx::PgExecutor;
use time::OffsetDateTime;
use uuid::Uuid;

use super::payload::packer::Packer;
use super::payload::{self, Decoder, Encoder, NO_DICTIONARY};
use super::{Db, Tx};
use crate::domain::dictionary::{Newest, Sizes};
use crate::domain::event_id::EventId;
use crate::domain::ids::ProjectId;

/// zstd level of the content, which is written once.
const LEVEL: i32 = 3;
/// Largest content that is read, in bytes; far above what is made.
const CONTENT_LEN_MAX: usize = 32 << 20;

/// Tells the packer what there is, made by other nodes or by this one in an earlier life, and prepares what it has use for.
pub async fn catch_up(db: &Db, packer: &Packer) -> anyhow::Result<()> {
    let newest = newest(db).await.context("listing dictionaries")?;
    for (project, id) in packer.learn(&newest) {
        let Some(content) = content(db, project, id).await? else { continue };
        let encoder = tokio::task::spawn_blocking(move || Encoder::new(&content)).await.context("preparing a dictionary")??;
        packer.equip(project, id, Arc::new(encoder));
    }
    Ok(())
}

/// The newest dictionary of every project that has one.
pub async fn newest(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<(ProjectId, Newest)>> {
    let rows = sqlx::query!(
        r#"
        SELECT DISTINCT ON (project_id) project_id, id, created_at, event_count, json_bytes, payload_bytes,
            count(*) OVER (PARTITION BY project_id) AS "dictionary_count!"
        FROM dictionaries
        ORDER BY project_id, id DESC
        "#
    )
    .fetch_all(db)
    .await?;
    let newest = rows.into_iter().map(|row| {
        let newest = Newest {
            id: row.id,
            created_at: row.created_at,
            event_count: u64::from(row.event_count.unsigned_abs()),
            trial: (row.json_bytes.unsigned_abs(), row.payload_bytes.unsigned_abs()),
            dictionary_count: u32::try_from(row.dictionary_count).unwrap_or(u32::MAX),
        };
        (ProjectId(row.project_id), newest)
    });
    Ok(newest.collect())
}

/// Keeps a dictionary and answers its id; `None` where the project is gone. `trial`: events it was not made of, compressed against it.
pub async fn insert(
    tx: &mut Tx,
    project: ProjectId,
    content: &[u8],
    event_count: u64,
    trial: Sizes,
    now: OffsetDateTime,
) -> anyhow::Result<Option<i32>> {
    let packed = pack(content)?;
    let id = sqlx::query_scalar!(
        "INSERT INTO dictionaries (project_id, created_at, event_count, content_len, json_bytes, payload_bytes, content)
         SELECT id, $2, $3, $4, $5, $6, $7 FROM projects WHERE id = $1 FOR KEY SHARE RETURNING id",
        project.0,
        now,
        i32::try_from(event_count)?,
        i32::try_from(content.len())?,
        i64::try_from(trial.json_bytes)?,
        i64::try_from(trial.payload_bytes)?,
        packed,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(id)
}

/// With a checksum: a content that is not what it was is an error, and never events with wrong texts.
fn pack(content: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut compressor = zstd::bulk::Compressor::new(LEVEL).context("making a compressor")?;
    compressor.include_checksum(true).context("setting up a compressor")?;
    compressor.compress(content).context("compressing a dictionary")
}

/// The content of a dictionary; `None` where the project has none of this id.
pub async fn content(db: impl PgExecutor<'_>, project: ProjectId, id: i32) -> anyhow::Result<Option<Vec<u8>>> {
    let packed = sqlx::query_scalar!("SELECT content FROM dictionaries WHERE project_id = $1 AND id = $2", project.0, id)
        .fetch_optional(db)
        .await
        .context("reading a dictionary")?;
    packed.map(|packed| zstd::bulk::decompress(&packed, CONTENT_LEN_MAX).context("unpacking a dictionary")).transpose()
}

/// The JSON of a stored event, for readers that open one now and then; pages have [`payload::library`].
pub async fn open(db: impl PgExecutor<'_>, project: ProjectId, dictionary_id: i32, stored: &[u8]) -> anyhow::Result<Vec<u8>> {
    if dictionary_id == NO_DICTIONARY {
        return payload::decode(stored);
    }
    let content = content(db, project, dictionary_id).await?;
    let content = content.with_context(|| format!("dictionary {dictionary_id} of project {project} is not in the database"))?;
    Decoder::new(&content)?.decode(stored)
}

/// A stored event as a dictionary is made of it.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Where the next page goes on.
    pub event_id: EventId,
    /// What `payload` needs.
    pub dictionary_id: i32,
    /// As stored.
    pub payload: Vec<u8>,
}

/// Events of a project that arrived since, by id from `from` on: ids are random, so this is a fair choice, and the primary key of the
/// partitions serves it.
pub async fn samples(
    db: impl PgExecutor<'_>,
    project: ProjectId,
    since: OffsetDateTime,
    from: Uuid,
    limit: i64,
) -> sqlx::Result<Vec<Sample>> {
    let rows = sqlx::query!(
        "SELECT event_id, dictionary_id, payload FROM events
         WHERE project_id = $1 AND event_id >= $2 AND received_at >= $3 ORDER BY event_id LIMIT $4",
        project.0,
        from,
        since,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Sample { event_id: EventId(row.event_id), dictionary_id: row.dictionary_id, payload: row.payload })
        .collect())
}

/// Forgets dictionaries that were replaced before `before`: the caller knows that every event which arrived until then is gone.
pub async fn trim(db: impl PgExecutor<'_>, before: OffsetDateTime, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"
        DELETE FROM dictionaries
        WHERE (project_id, id) IN (
            SELECT old.project_id, old.id
            FROM dictionaries old
            WHERE EXISTS (
                SELECT 1 FROM dictionaries AS next
                WHERE next.project_id = old.project_id AND next.id > old.id AND next.created_at < $1
            )
            LIMIT $2
        )
        "#,
        before,
        limit
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
