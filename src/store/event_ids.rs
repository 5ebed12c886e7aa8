//! `event_ids`: the constraint that makes an event count once, whoever sends or replays it, however often, on whichever node.

use std::collections::HashSet;

use time::OffsetDateTime;
use uuid::Uuid;

use super::{Db, Tx};
use crate::domain::event_id::EventId;
use crate::domain::ids::ProjectId;

/// An event that wants to be counted.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// Ids are unique within a project only.
    pub project_id: ProjectId,
    /// The client's id, or the one it was answered.
    pub event_id: EventId,
    /// When it arrived.
    pub received_at: OffsetDateTime,
}

/// Takes the ids and tells which of them nobody had taken before. Waits for a node that is just taking the same id. In key order,
/// so that two nodes with the same ids in another order do not lock each other out.
pub async fn take(tx: &mut Tx, claims: &[Claim]) -> sqlx::Result<HashSet<(ProjectId, EventId)>> {
    let mut claims = claims.to_vec();
    claims.sort_by_key(|claim| (claim.project_id, claim.event_id));
    let projects: Vec<i64> = claims.iter().map(|claim| claim.project_id.0).collect();
    let ids: Vec<Uuid> = claims.iter().map(|claim| claim.event_id.0).collect();
    let times: Vec<OffsetDateTime> = claims.iter().map(|claim| claim.received_at).collect();
    let taken = sqlx::query!(
        r#"
        INSERT INTO event_ids (project_id, event_id, received_at)
        SELECT project_id, event_id, received_at
        FROM unnest($1::int8[], $2::uuid[], $3::timestamptz[]) AS u (project_id, event_id, received_at)
        ON CONFLICT (project_id, event_id) DO NOTHING
        RETURNING project_id, event_id
        "#,
        &projects,
        &ids,
        &times,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(taken.into_iter().map(|row| (ProjectId(row.project_id), EventId(row.event_id))).collect())
}

/// Forgets at most `limit` ids that arrived before `before`: their events are gone as well.
pub async fn trim(db: &Db, before: OffsetDateTime, limit: i64) -> sqlx::Result<u64> {
    // By the index, which says where old ids may lie; a scan that is expected to find the limit soon would read everything where there are none.
    let mut tx = super::begin_keyed(db).await?;
    let done = sqlx::query!(
        r#"
        DELETE FROM event_ids
        WHERE ctid = ANY (ARRAY(SELECT ctid FROM event_ids WHERE received_at < $1 LIMIT $2))
        "#,
        before,
        limit,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(done.rows_affected())
}
