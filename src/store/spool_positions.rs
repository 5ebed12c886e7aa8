//! `spool_positions`: how far each node's spool has been digested.

use sqlx::PgExecutor;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Tx;

/// A place in a spool, as the spool counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SpoolPosition {
    /// Number of the segment file.
    pub segment: i64,
    /// Bytes into it.
    pub offset: i64,
}

/// Where the digest of this node's spool has come to; `None` for a node that never digested anything.
pub async fn find(db: impl PgExecutor<'_>, node_id: Uuid) -> sqlx::Result<Option<SpoolPosition>> {
    let row = sqlx::query!(r#"SELECT segment, "offset" FROM spool_positions WHERE node_id = $1"#, node_id).fetch_optional(db).await?;
    Ok(row.map(|row| SpoolPosition { segment: row.segment, offset: row.offset }))
}

/// Remembers where the digest has come to.
pub async fn upsert(tx: &mut Tx, node_id: Uuid, position: SpoolPosition, at: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        INSERT INTO spool_positions (node_id, segment, "offset", updated_at)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (node_id) DO UPDATE
        SET segment = excluded.segment, "offset" = excluded."offset", updated_at = excluded.updated_at
        "#,
        node_id,
        position.segment,
        position.offset,
        at,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
