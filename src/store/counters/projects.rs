//! What a project counts as a whole: events per hour, its first and its last event.

use std::collections::{BTreeMap, HashMap};

use time::OffsetDateTime;

use crate::domain::ids::ProjectId;
use crate::store::Tx;

/// What the digest needs to know about a project.
#[derive(Clone, Copy, Debug)]
pub struct HeldProject {
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// Events of an issue and hour that are stored whole. `None`: the installation's setting holds; 0: all.
    pub sample_after: Option<u32>,
    /// Issues were deleted together with their future.
    pub has_discards: bool,
}

/// The projects among `ids` that exist. They cannot be deleted until this transaction ends.
pub async fn hold(tx: &mut Tx, ids: &[ProjectId]) -> sqlx::Result<HashMap<ProjectId, HeldProject>> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"
        SELECT p.id, p.created_at, p.sample_after, EXISTS (SELECT FROM discards d WHERE d.project_id = p.id) AS "has_discards!"
        FROM projects p
        WHERE p.id = ANY ($1)
        ORDER BY p.id
        FOR KEY SHARE OF p
        "#,
        &ids
    )
    .fetch_all(&mut **tx)
    .await?;
    let held = rows.into_iter().map(|row| {
        let sample_after = row.sample_after.and_then(|after| u32::try_from(after).ok());
        (ProjectId(row.id), HeldProject { created_at: row.created_at, sample_after, has_discards: row.has_discards })
    });
    Ok(held.collect())
}

/// Adds events per hour of arrival.
pub async fn add_hours(tx: &mut Tx, hours: &BTreeMap<(ProjectId, OffsetDateTime), i64>) -> sqlx::Result<()> {
    if hours.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        INSERT INTO project_hours AS h (project_id, hour, event_count)
        SELECT project_id, hour, event_count
        FROM unnest($1::int8[], $2::timestamptz[], $3::int8[]) AS u (project_id, hour, event_count)
        ORDER BY project_id, hour
        ON CONFLICT (project_id, hour) DO UPDATE SET event_count = h.event_count + excluded.event_count
        "#,
        &hours.keys().map(|key| key.0.0).collect::<Vec<_>>(),
        &hours.keys().map(|key| key.1).collect::<Vec<_>>(),
        &hours.values().copied().collect::<Vec<_>>(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Moves first and last event of each project to the earliest and latest arrival. Locks the projects in the order of their id.
pub async fn touch(tx: &mut Tx, arrivals: &BTreeMap<ProjectId, (OffsetDateTime, OffsetDateTime)>) -> sqlx::Result<()> {
    if arrivals.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        WITH held AS (
            SELECT id FROM projects WHERE id = ANY ($1::int8[]) ORDER BY id FOR NO KEY UPDATE
        )
        UPDATE projects AS p
        SET first_event_at = least(p.first_event_at, u.first_at), last_event_at = greatest(p.last_event_at, u.last_at)
        FROM unnest($1::int8[], $2::timestamptz[], $3::timestamptz[]) AS u (id, first_at, last_at)
        JOIN held ON held.id = u.id
        WHERE p.id = u.id
        "#,
        &arrivals.keys().map(|id| id.0).collect::<Vec<_>>(),
        &arrivals.values().map(|times| times.0).collect::<Vec<_>>(),
        &arrivals.values().map(|times| times.1).collect::<Vec<_>>(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
