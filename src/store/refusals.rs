//! `refusals`: which limits are refusing, and since when. For the pages; the accounting is in `project_outcomes`.

use sqlx::PgExecutor;
use time::OffsetDateTime;

use super::Tx;
use crate::domain::ids::ProjectId;
use crate::domain::rate_limit::{Period, STRETCH_GAP};

/// What one limit refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Whose items.
    pub project_id: ProjectId,
    /// The key whose limit it is; '' where it is the project's.
    pub public_key: String,
    /// Of the limit.
    pub period: Period,
    /// The first refusal.
    pub since: OffsetDateTime,
    /// The latest.
    pub last_at: OffsetDateTime,
    /// Items.
    pub item_count: i64,
}

/// Adds refusals. One that follows within [`STRETCH_GAP`] goes on with the stretch, a later one begins another.
pub async fn add(tx: &mut Tx, refusals: &[Refusal]) -> sqlx::Result<()> {
    if refusals.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        INSERT INTO refusals AS r (project_id, public_key, period, since, last_at, item_count)
        SELECT project_id, public_key, period, min(since), max(last_at), sum(item_count)::int8
        FROM unnest($1::int8[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::int8[])
            AS u (project_id, public_key, period, since, last_at, item_count)
        GROUP BY project_id, public_key, period
        ORDER BY project_id, public_key, period
        ON CONFLICT (project_id, public_key, period) DO UPDATE
        SET since = CASE WHEN excluded.since > r.last_at + $7 THEN excluded.since ELSE least(r.since, excluded.since) END,
            item_count = CASE WHEN excluded.since > r.last_at + $7 THEN 0 ELSE r.item_count END + excluded.item_count,
            last_at = greatest(r.last_at, excluded.last_at)
        "#,
        &refusals.iter().map(|refusal| refusal.project_id.0).collect::<Vec<_>>(),
        &refusals.iter().map(|refusal| refusal.public_key.clone()).collect::<Vec<_>>(),
        &refusals.iter().map(|refusal| refusal.period.name().to_owned()).collect::<Vec<_>>(),
        &refusals.iter().map(|refusal| refusal.since).collect::<Vec<_>>(),
        &refusals.iter().map(|refusal| refusal.last_at).collect::<Vec<_>>(),
        &refusals.iter().map(|refusal| refusal.item_count).collect::<Vec<_>>(),
        sqlx::postgres::types::PgInterval { months: 0, days: 0, microseconds: STRETCH_GAP.whole_microseconds() as i64 },
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The limits of these projects that are refusing at `now`, the longest first.
pub async fn list_going_on(db: impl PgExecutor<'_>, projects: &[ProjectId], now: OffsetDateTime) -> sqlx::Result<Vec<Refusal>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT project_id, public_key, period, since, last_at, item_count
        FROM refusals
        WHERE project_id = ANY ($1::int8[]) AND last_at > $2
        ORDER BY since, project_id, public_key, period
        "#,
        &projects.iter().map(|project| project.0).collect::<Vec<_>>(),
        now - STRETCH_GAP,
    )
    .fetch_all(db)
    .await?;
    let refusal = |row: Row| {
        let (project_id, period) = (ProjectId(row.project_id), Period::parse(&row.period)?);
        let Row { public_key, since, last_at, item_count, .. } = row;
        Some(Refusal { project_id, public_key, period, since, last_at, item_count })
    };
    Ok(rows.into_iter().filter_map(refusal).collect())
}

struct Row {
    project_id: i64,
    public_key: String,
    period: String,
    since: OffsetDateTime,
    last_at: OffsetDateTime,
    item_count: i64,
}
