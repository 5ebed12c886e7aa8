//! `spool_positions`: how far each node's spool has been digested.

use sqlx::PgExecutor;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Tx;

/// A place in a spool, as the spool counts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoolPosition {
    /// Number of the segment file.
    pub segment: i64,
    /// Bytes into it.
    pub offset: i64,
    /// What is done beyond, in the spool's own form.
    pub ahead: Vec<u8>,
}

/// Where the digest of this node's spool has come to; `None` for a node that never digested anything.
pub async fn find(db: impl PgExecutor<'_>, node_id: Uuid) -> sqlx::Result<Option<SpoolPosition>> {
    let row =
        sqlx::query!(r#"SELECT segment, "offset", done_ahead FROM spool_positions WHERE node_id = $1"#, node_id).fetch_optional(db).await?;
    Ok(row.map(|row| SpoolPosition { segment: row.segment, offset: row.offset, ahead: row.done_ahead }))
}

/// Where the digest of this node's spool has come to, once no transaction that moves it is under way any more: waits for one whose
/// commit was sent and never answered. The beginning for a node that never digested anything. To be rolled back.
pub async fn settled(tx: &mut Tx, node_id: Uuid, at: OffsetDateTime) -> sqlx::Result<SpoolPosition> {
    // An upsert that changes nothing, because a lock on a row does not wait for a row that is just being inserted.
    let row = sqlx::query!(
        r#"
        INSERT INTO spool_positions (node_id, segment, "offset", updated_at)
        VALUES ($1, 0, 0, $2)
        ON CONFLICT (node_id) DO UPDATE
        SET updated_at = spool_positions.updated_at
        RETURNING segment, "offset", done_ahead
        "#,
        node_id,
        at,
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(SpoolPosition { segment: row.segment, offset: row.offset, ahead: row.done_ahead })
}

/// Remembers where the digest has come to.
pub async fn upsert(tx: &mut Tx, node_id: Uuid, position: &SpoolPosition, at: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        INSERT INTO spool_positions (node_id, segment, "offset", done_ahead, updated_at)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (node_id) DO UPDATE
        SET segment = excluded.segment, "offset" = excluded."offset", done_ahead = excluded.done_ahead, updated_at = excluded.updated_at
        "#,
        node_id,
        position.segment,
        position.offset,
        &position.ahead,
        at,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
