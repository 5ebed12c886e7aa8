//! `attachments`: one row per file, beside its bytes ([`chunks`]), which are partitioned by the day of arrival.
//!
//! Whoever removes bytes removes the row in the same transaction, so that a file that is listed can be had.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use sqlx::PgExecutor;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Tx;
use super::text::clean_cut;
use crate::domain::event_id::EventId;
use crate::domain::ids::ProjectId;

pub mod chunks;

pub use chunks::Chunk;

/// Longest of the sender's words about a file that are kept, in bytes.
const WORDS_LEN_MAX: usize = 200;
/// Longest name, in bytes; it was shortened in characters before.
const NAME_LEN_MAX: usize = 1_000;
/// Most files of one event that are listed.
const LISTED_MAX: i64 = 1_000;

/// A file that is to be stored.
#[derive(Clone, Debug)]
pub struct NewAttachment {
    /// Whose.
    pub project_id: ProjectId,
    /// What it belongs to.
    pub event_id: EventId,
    /// The same for the same file of the same event.
    pub attachment_id: Uuid,
    /// When it arrived.
    pub received_at: OffsetDateTime,
    /// `domain::attachment::clean_name`
    pub name: String,
    /// `attachment_type` of the protocol.
    pub kind: String,
    /// The sender's word.
    pub content_type: String,
    /// `domain::attachment::media_type`
    pub media_type: &'static str,
    /// Size of the file.
    pub byte_count: i64,
    /// Of the file as it is kept.
    pub sha256: [u8; 32],
    /// Its bytes.
    pub chunks: Vec<Chunk>,
}

/// A file that is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// What it belongs to.
    pub event_id: EventId,
    /// Which.
    pub attachment_id: Uuid,
    /// When it arrived.
    pub received_at: OffsetDateTime,
    /// Of the file.
    pub name: String,
    /// `attachment_type` of the protocol.
    pub kind: String,
    /// The sender's word.
    pub content_type: String,
    /// What it is; '' unknown.
    pub media_type: String,
    /// Size of the file.
    pub byte_count: i64,
    /// Pieces.
    pub chunk_count: i32,
    /// Of the file as it is kept.
    pub sha256: Vec<u8>,
}

struct Row {
    event_id: Uuid,
    attachment_id: Uuid,
    received_at: OffsetDateTime,
    name: String,
    kind: String,
    content_type: String,
    media_type: String,
    byte_count: i64,
    chunk_count: i32,
    sha256: Vec<u8>,
}

impl From<Row> for Attachment {
    fn from(row: Row) -> Self {
        let Row { event_id, attachment_id, received_at, name, kind, content_type, media_type, byte_count, chunk_count, sha256 } = row;
        let event_id = EventId(event_id);
        Self { event_id, attachment_id, received_at, name, kind, content_type, media_type, byte_count, chunk_count, sha256 }
    }
}

/// How many files an event has, and how many bytes.
pub type Sums = BTreeMap<(ProjectId, EventId), (i64, i64)>;

/// What these events have so far.
pub async fn sums(tx: &mut Tx, events: &BTreeSet<(ProjectId, EventId)>) -> sqlx::Result<Sums> {
    let rows = sqlx::query!(
        r#"
        SELECT a.project_id, a.event_id, count(*) AS "file_count!", sum(a.byte_count)::int8 AS "byte_count!"
        FROM unnest($1::int8[], $2::uuid[]) AS u (project_id, event_id)
        JOIN attachments a ON a.project_id = u.project_id AND a.event_id = u.event_id
        GROUP BY 1, 2
        "#,
        &events.iter().map(|key| key.0.0).collect::<Vec<_>>(),
        &events.iter().map(|key| key.1.0).collect::<Vec<_>>(),
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| ((ProjectId(row.project_id), EventId(row.event_id)), (row.file_count, row.byte_count))).collect())
}

/// Which of these are stored already.
pub async fn known(tx: &mut Tx, files: &[&NewAttachment]) -> sqlx::Result<HashSet<(ProjectId, Uuid)>> {
    let rows = sqlx::query!(
        r#"
        SELECT a.project_id, a.attachment_id
        FROM unnest($1::int8[], $2::uuid[], $3::uuid[]) AS u (project_id, event_id, attachment_id)
        JOIN attachments a ON a.project_id = u.project_id AND a.event_id = u.event_id AND a.attachment_id = u.attachment_id
        "#,
        &files.iter().map(|file| file.project_id.0).collect::<Vec<_>>(),
        &files.iter().map(|file| file.event_id.0).collect::<Vec<_>>(),
        &files.iter().map(|file| file.attachment_id).collect::<Vec<_>>(),
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| (ProjectId(row.project_id), row.attachment_id)).collect())
}

/// Stores the rows and tells which are new: another node may just have stored the same. In the order of the key.
pub async fn insert(tx: &mut Tx, files: &[&NewAttachment]) -> sqlx::Result<HashSet<(ProjectId, Uuid)>> {
    let mut files = files.to_vec();
    files.sort_by_key(|file| (file.project_id, file.event_id, file.attachment_id));
    let words = |of: fn(&NewAttachment) -> &str, len| files.iter().map(|file| clean_cut(of(file), len)).collect::<Vec<_>>();
    let rows = sqlx::query!(
        r#"
        INSERT INTO attachments (project_id, event_id, attachment_id, received_at, name, kind, content_type, media_type, byte_count,
            chunk_count, sha256)
        SELECT project_id, event_id, attachment_id, received_at, name, kind, content_type, media_type, byte_count, chunk_count, sha256
        FROM unnest($1::int8[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::text[], $9::int8[],
            $10::int4[], $11::bytea[])
            AS u (project_id, event_id, attachment_id, received_at, name, kind, content_type, media_type, byte_count, chunk_count, sha256)
        ON CONFLICT (project_id, event_id, attachment_id) DO NOTHING
        RETURNING project_id, attachment_id
        "#,
        &files.iter().map(|file| file.project_id.0).collect::<Vec<_>>(),
        &files.iter().map(|file| file.event_id.0).collect::<Vec<_>>(),
        &files.iter().map(|file| file.attachment_id).collect::<Vec<_>>(),
        &files.iter().map(|file| file.received_at).collect::<Vec<_>>(),
        &words(|file| &file.name, NAME_LEN_MAX),
        &words(|file| &file.kind, WORDS_LEN_MAX),
        &words(|file| &file.content_type, WORDS_LEN_MAX),
        &words(|file| file.media_type, WORDS_LEN_MAX),
        &files.iter().map(|file| file.byte_count).collect::<Vec<_>>(),
        &files.iter().map(|file| i32::try_from(file.chunks.len()).unwrap_or(i32::MAX)).collect::<Vec<_>>(),
        &files.iter().map(|file| file.sha256.to_vec()).collect::<Vec<_>>(),
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| (ProjectId(row.project_id), row.attachment_id)).collect())
}

/// The files of an event, in the order of their names.
pub async fn list(db: impl PgExecutor<'_>, project: ProjectId, event: EventId) -> sqlx::Result<Vec<Attachment>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT event_id, attachment_id, received_at, name, kind, content_type, media_type, byte_count, chunk_count, sha256
        FROM attachments
        WHERE project_id = $1 AND event_id = $2
        ORDER BY name, attachment_id
        LIMIT $3
        "#,
        project.0,
        event.0,
        LISTED_MAX
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Attachment::from).collect())
}

/// One file of an event.
pub async fn find(db: impl PgExecutor<'_>, project: ProjectId, event: EventId, id: Uuid) -> sqlx::Result<Option<Attachment>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        SELECT event_id, attachment_id, received_at, name, kind, content_type, media_type, byte_count, chunk_count, sha256
        FROM attachments
        WHERE project_id = $1 AND event_id = $2 AND attachment_id = $3
        "#,
        project.0,
        event.0,
        id
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Attachment::from))
}

/// Forgets the files that arrived from `from` to before `to`. The caller drops their bytes in the same transaction.
pub async fn forget(tx: &mut Tx, from: OffsetDateTime, to: OffsetDateTime) -> sqlx::Result<u64> {
    let done = sqlx::query!("DELETE FROM attachments WHERE received_at >= $1 AND received_at < $2", from, to);
    Ok(done.execute(&mut **tx).await?.rows_affected())
}

/// Deletes at most `limit` files of a project that arrived before `before`, with their bytes. Tells how many.
pub async fn remove_of_project(tx: &mut Tx, project: ProjectId, before: OffsetDateTime, limit: i64) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"
        WITH batch AS (
            SELECT event_id, attachment_id
            FROM attachments
            WHERE project_id = $1 AND received_at < $2
            ORDER BY received_at
            LIMIT $3
        ), gone AS (
            DELETE FROM attachments a
            USING batch b
            WHERE a.project_id = $1 AND a.event_id = b.event_id AND a.attachment_id = b.attachment_id
            RETURNING a.attachment_id, a.received_at
        ), emptied AS (
            DELETE FROM attachment_chunks c
            USING gone g
            WHERE c.project_id = $1 AND c.attachment_id = g.attachment_id AND c.received_at = g.received_at AND c.received_at < $2
        )
        SELECT count(*) AS "file_count!" FROM gone
        "#,
        project.0,
        before,
        limit,
    )
    .fetch_one(&mut **tx)
    .await
}
