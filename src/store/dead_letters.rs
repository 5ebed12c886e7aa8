//! `dead_letters`: what could not be digested, with the reason, until somebody retries or drops it.

use serde_json::Value;
use sqlx::PgExecutor;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Tx;
use super::sealing::SealKey;
use super::text::clean_cut;
use crate::domain::event_id::EventId;
use crate::domain::ids::ProjectId;

/// Longest reason that is kept, in bytes.
const REASON_LEN_MAX: usize = 2_000;
/// Longest item type that is kept, in bytes.
const ITEM_TYPE_LEN_MAX: usize = 80;

/// A dead letter to insert.
#[derive(Clone, Debug)]
pub struct NewDeadLetter {
    /// Whose item; 0 where not even that could be read.
    pub project_id: ProjectId,
    /// When it arrived.
    pub received_at: OffsetDateTime,
    /// The item's type as sent; `envelope` for a whole request, `store` for a body of `/store/`.
    pub item_type: String,
    /// Where it is known.
    pub event_id: Option<EventId>,
    /// Why, for the operator.
    pub reason: String,
    /// `protocol::receipt::Receipt`, with which `body` can be digested again.
    pub receipt: Value,
    /// What would be digested again.
    pub body: Vec<u8>,
    /// The body was read and scrubbed; any other is sealed before it is kept.
    pub is_scrubbed: bool,
}

impl NewDeadLetter {
    /// Drops the address it came from.
    pub fn forget_caller(&mut self) {
        if let Some(address) = self.receipt.get_mut("client_ip") {
            *address = Value::Null;
        }
    }
}

/// A dead letter in a list.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// Unique within the project.
    pub id: i64,
    /// Whose item.
    pub project_id: ProjectId,
    /// When it arrived.
    pub received_at: OffsetDateTime,
    /// When it was given up last.
    pub failed_at: OffsetDateTime,
    /// See [`NewDeadLetter::item_type`].
    pub item_type: String,
    /// Where it is known.
    pub event_id: Option<EventId>,
    /// Why.
    pub reason: String,
    /// How often it was retried in vain.
    pub retry_count: i32,
    /// Set while it waits for the digest to try it again.
    pub retry_at: Option<OffsetDateTime>,
    /// Size of the body in bytes.
    pub body_len: i64,
}

struct Row {
    id: i64,
    project_id: i64,
    received_at: OffsetDateTime,
    failed_at: OffsetDateTime,
    item_type: String,
    event_id: Option<Uuid>,
    reason: String,
    retry_count: i32,
    retry_at: Option<OffsetDateTime>,
    body_len: i64,
}

impl From<Row> for DeadLetter {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            project_id: ProjectId(row.project_id),
            received_at: row.received_at,
            failed_at: row.failed_at,
            item_type: row.item_type,
            event_id: row.event_id.map(EventId),
            reason: row.reason,
            retry_count: row.retry_count,
            retry_at: row.retry_at,
            body_len: row.body_len,
        }
    }
}

/// What a dead letter holds.
#[derive(Clone, Debug)]
pub struct Contents {
    /// `protocol::receipt::Receipt`.
    pub receipt: Value,
    body: Vec<u8>,
    is_sealed: bool,
}

impl Contents {
    /// What would be digested again; `None` where it was sealed with another secret.
    pub fn open(self, key: &SealKey) -> Option<Vec<u8>> {
        if self.is_sealed { key.open(&self.body) } else { Some(self.body) }
    }
}

/// A dead letter that somebody asked to digest again.
#[derive(Clone, Debug)]
pub struct Due {
    /// Unique within the project.
    pub id: i64,
    /// Whose item.
    pub project_id: ProjectId,
    /// See [`NewDeadLetter::item_type`].
    pub item_type: String,
    /// What is digested again.
    pub contents: Contents,
}

/// Keeps the letters; those that could not be scrubbed sealed with `key`.
pub async fn insert(tx: &mut Tx, letters: &[NewDeadLetter], key: &SealKey, failed_at: OffsetDateTime) -> sqlx::Result<()> {
    if letters.is_empty() {
        return Ok(());
    }
    let bodies = letters.iter().map(|letter| if letter.is_scrubbed { Ok(letter.body.clone()) } else { key.seal(&letter.body) });
    let bodies: Vec<Vec<u8>> = bodies.collect::<anyhow::Result<_>>().map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query!(
        r#"
        INSERT INTO dead_letters (project_id, received_at, failed_at, item_type, event_id, reason, receipt, body, is_sealed)
        SELECT project_id, received_at, $8, item_type, event_id, reason, receipt, body, is_sealed
        FROM unnest($1::int8[], $2::timestamptz[], $3::text[], $4::uuid[], $5::text[], $6::jsonb[], $7::bytea[], $9::bool[])
            AS u (project_id, received_at, item_type, event_id, reason, receipt, body, is_sealed)
        "#,
        &letters.iter().map(|letter| letter.project_id.0).collect::<Vec<_>>(),
        &letters.iter().map(|letter| letter.received_at).collect::<Vec<_>>(),
        &letters.iter().map(|letter| clean_cut(&letter.item_type, ITEM_TYPE_LEN_MAX)).collect::<Vec<_>>(),
        &letters.iter().map(|letter| letter.event_id.map(|id| id.0)).collect::<Vec<_>>() as &[Option<Uuid>],
        &letters.iter().map(|letter| clean_cut(&letter.reason, REASON_LEN_MAX)).collect::<Vec<_>>(),
        &letters.iter().map(|letter| letter.receipt.clone()).collect::<Vec<_>>(),
        &bodies,
        failed_at,
        &letters.iter().map(|letter| !letter.is_scrubbed).collect::<Vec<_>>(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The newest letters, at most `limit`, of one project or of all; `before` is the last `(failed_at, id)` of the page before.
pub async fn list(
    db: impl PgExecutor<'_>,
    project: Option<ProjectId>,
    before: Option<(OffsetDateTime, i64)>,
    limit: i64,
) -> sqlx::Result<Vec<DeadLetter>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT id, project_id, received_at, failed_at, item_type, event_id, reason, retry_count, retry_at,
            length(body)::int8 AS "body_len!"
        FROM dead_letters
        WHERE ($1::int8 IS NULL OR project_id = $1) AND ($2::timestamptz IS NULL OR (failed_at, id) < ($2, $3))
        ORDER BY failed_at DESC, id DESC
        LIMIT $4
        "#,
        project.map(|project| project.0),
        before.map(|(at, _)| at),
        before.map_or(0, |(_, id)| id),
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(DeadLetter::from).collect())
}

/// One letter.
pub async fn find(db: impl PgExecutor<'_>, id: i64) -> sqlx::Result<Option<DeadLetter>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        SELECT id, project_id, received_at, failed_at, item_type, event_id, reason, retry_count, retry_at,
            length(body)::int8 AS "body_len!"
        FROM dead_letters
        WHERE id = $1
        "#,
        id,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(DeadLetter::from))
}

/// What a letter holds.
pub async fn find_contents(db: impl PgExecutor<'_>, id: i64) -> sqlx::Result<Option<Contents>> {
    sqlx::query_as!(Contents, "SELECT receipt, body, is_sealed FROM dead_letters WHERE id = $1", id).fetch_optional(db).await
}

/// How many letters there are, of one project or of all, not counting beyond `limit`.
pub async fn count_up_to(db: impl PgExecutor<'_>, project: Option<ProjectId>, limit: i64) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"
        SELECT count(*) AS "count!"
        FROM (SELECT 1 AS one FROM dead_letters WHERE $1::int8 IS NULL OR project_id = $1 LIMIT $2) AS capped
        "#,
        project.map(|project| project.0),
        limit
    )
    .fetch_one(db)
    .await
}

/// Asks the digest to try letters again: those with the id and of the project that are given. Tells how many.
pub async fn ask_retry(tx: &mut Tx, (id, project): (Option<i64>, Option<ProjectId>), at: OffsetDateTime) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "UPDATE dead_letters SET retry_at = $3 WHERE ($1::int8 IS NULL OR id = $1) AND ($2::int8 IS NULL OR project_id = $2)",
        id,
        project.map(|project| project.0),
        at
    );
    Ok(done.execute(&mut **tx).await?.rows_affected())
}

/// Removes letters: those with the id and of the project that are given. Tells how many.
pub async fn delete(tx: &mut Tx, (id, project): (Option<i64>, Option<ProjectId>)) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM dead_letters WHERE ($1::int8 IS NULL OR id = $1) AND ($2::int8 IS NULL OR project_id = $2)",
        id,
        project.map(|project| project.0)
    );
    Ok(done.execute(&mut **tx).await?.rows_affected())
}

/// The next letter somebody asked to try again, locked for this transaction; letters that another node is trying are passed over.
pub async fn claim_due(tx: &mut Tx) -> sqlx::Result<Option<Due>> {
    let row = sqlx::query!(
        r#"
        SELECT id, project_id, item_type, receipt, body, is_sealed
        FROM dead_letters
        WHERE retry_at IS NOT NULL
        ORDER BY retry_at, id
        LIMIT 1
        FOR UPDATE SKIP LOCKED
        "#,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(|row| Due {
        id: row.id,
        project_id: ProjectId(row.project_id),
        item_type: row.item_type,
        contents: Contents { receipt: row.receipt, body: row.body, is_sealed: row.is_sealed },
    }))
}

/// Removes a letter that was digested after all.
pub async fn remove(tx: &mut Tx, project: ProjectId, id: i64) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM dead_letters WHERE project_id = $1 AND id = $2", project.0, id).execute(&mut **tx).await?;
    Ok(())
}

/// Notes that trying a letter again was in vain.
pub async fn record_failed_retry(tx: &mut Tx, project: ProjectId, id: i64, reason: &str, at: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        UPDATE dead_letters
        SET retry_at = NULL, retry_count = retry_count + 1, failed_at = $4, reason = $3
        WHERE project_id = $1 AND id = $2
        "#,
        project.0,
        id,
        clean_cut(reason, REASON_LEN_MAX),
        at,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
