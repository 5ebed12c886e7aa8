//! How many events go, by what the counters distinguish: the rows that have the hashes, and what was noted of the others at the merge.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::Split;
use crate::store::Tx;
use crate::store::absences;

/// Hour, environment, release.
pub type Fact = (OffsetDateTime, String, String);

/// Finds them, and moves what is absent from the one issue to the other.
pub(super) async fn take(tx: &mut Tx, split: &Split) -> sqlx::Result<BTreeMap<Fact, i64>> {
    let (mut facts, before) = rows(tx, split).await?;
    let noted = if split.merged_at.is_some() { noted(tx, split).await? } else { BTreeMap::new() };
    let mut absent = absent(tx, split).await?;
    let mut taken: BTreeMap<Fact, i64> = BTreeMap::new();
    for (fact, count) in noted {
        let mut missing = count - before.get(&fact).copied().unwrap_or(0);
        let folded = (OffsetDateTime::UNIX_EPOCH, fact.1.clone(), fact.2.clone());
        for place in [fact, folded] {
            let Some(left) = absent.get_mut(&place) else { continue };
            let count = missing.clamp(0, *left);
            *left -= count;
            missing -= count;
            if count > 0 {
                *taken.entry(place).or_default() += count;
            }
        }
    }
    move_absent(tx, split, &taken).await?;
    for (fact, count) in taken {
        *facts.entry(fact).or_default() += count;
    }
    Ok(facts)
}

/// All rows with the hashes, and those of them that were there before the merge.
async fn rows(tx: &mut Tx, split: &Split) -> sqlx::Result<(BTreeMap<Fact, i64>, BTreeMap<Fact, i64>)> {
    let rows = sqlx::query!(
        r#"
        SELECT date_trunc('hour', occurred_at, 'UTC') AS "hour!", coalesce(environment, '') AS "environment!", coalesce(release, '') AS "release!",
            count(*) AS "event_count!", count(*) FILTER (WHERE received_at <= $4) AS "before_count!"
        FROM events WHERE project_id = $1 AND issue_id = $2 AND hash = ANY($3)
        GROUP BY 1, 2, 3
        "#,
        split.project_id.0,
        split.from.0,
        &split.hash_bytes(),
        split.merged_at,
    )
    .fetch_all(&mut **tx)
    .await?;
    let counts = rows.into_iter().map(|row| {
        let fact: Fact = (row.hour, row.environment, row.release);
        ((fact.clone(), row.event_count), (fact, row.before_count))
    });
    Ok(counts.unzip())
}

async fn noted(tx: &mut Tx, split: &Split) -> sqlx::Result<BTreeMap<Fact, i64>> {
    let rows = sqlx::query!(
        r#"
        SELECT (f->>0)::timestamptz AS "hour!", f->>1 AS "environment!", f->>2 AS "release!", (f->>3)::int8 AS "event_count!"
        FROM merged_issues m
        CROSS JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(m.counters->'facts') WHEN 'array' THEN m.counters->'facts' ELSE '[]' END) AS f
        WHERE m.project_id = $1 AND m.id = $2
        "#,
        split.project_id.0,
        split.to.0,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.hour, row.environment, row.release), row.event_count)).collect())
}

async fn absent(tx: &mut Tx, split: &Split) -> sqlx::Result<BTreeMap<Fact, i64>> {
    let rows = sqlx::query!(
        "SELECT hour, environment, release, event_count FROM absent_events WHERE project_id = $1 AND issue_id = $2",
        split.project_id.0,
        split.from.0,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.hour, row.environment, row.release), row.event_count)).collect())
}

async fn move_absent(tx: &mut Tx, split: &Split, taken: &BTreeMap<Fact, i64>) -> sqlx::Result<()> {
    let key = |issue, fact: &Fact| (split.project_id, issue, fact.0, fact.1.clone(), fact.2.clone());
    absences::add(tx, &taken.iter().map(|(fact, count)| (key(split.from, fact), -count)).collect()).await?;
    absences::add(tx, &taken.iter().map(|(fact, count)| (key(split.to, fact), *count)).collect()).await?;
    sqlx::query!("DELETE FROM absent_events WHERE project_id = $1 AND issue_id = $2 AND event_count = 0", split.project_id.0, split.from.0)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
