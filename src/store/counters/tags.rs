//! `issue_tags`: which values of which tags an issue was seen with. Bounded, whatever clients put into tags.

use std::collections::{BTreeMap, HashMap, HashSet};

use time::OffsetDateTime;

use crate::domain::ids::{IssueId, ProjectId};
use crate::store::Tx;

/// Distinct values kept per issue and key; the others are counted together under the empty value.
pub const VALUES_MAX: i64 = 100;
/// Distinct keys kept per issue; further keys are not counted at all (the events themselves keep them).
pub const KEYS_MAX: i64 = 100;
/// The value under which everything beyond [`VALUES_MAX`] is counted. No tag has it: empty tags are not read.
pub const OTHER: &str = "";

/// Issue and tag key.
pub type TagKey = (ProjectId, IssueId, String);

/// How often and when last.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Events.
    pub event_count: i64,
    /// The latest of these, as it happened.
    pub last_seen_at: OffsetDateTime,
}

/// Adds to the tags, keeping to the limits.
pub async fn add(tx: &mut Tx, seen: &BTreeMap<(TagKey, String), Seen>) -> sqlx::Result<()> {
    if seen.is_empty() {
        return Ok(());
    }
    let known = known_values(tx, seen).await?;
    let unknown: HashSet<&TagKey> = seen.keys().filter(|pair| !known.contains(*pair)).map(|(key, _)| key).collect();
    let room = if unknown.is_empty() { HashMap::new() } else { room(tx, unknown.into_iter().collect()).await? };
    upsert(tx, &within_limits(seen, &known, room)).await
}

async fn known_values(tx: &mut Tx, seen: &BTreeMap<(TagKey, String), Seen>) -> sqlx::Result<HashSet<(TagKey, String)>> {
    let rows = sqlx::query!(
        r#"
        SELECT t.project_id, t.issue_id, t.key, t.value
        FROM unnest($1::int8[], $2::int8[], $3::text[], $4::text[]) AS u (project_id, issue_id, key, value)
        JOIN issue_tags t ON t.project_id = u.project_id AND t.issue_id = u.issue_id AND t.key = u.key AND t.value = u.value
        "#,
        &seen.keys().map(|(key, _)| key.0.0).collect::<Vec<_>>(),
        &seen.keys().map(|(key, _)| key.1.0).collect::<Vec<_>>(),
        &seen.keys().map(|(key, _)| key.2.clone()).collect::<Vec<_>>(),
        &seen.keys().map(|(_, value)| value.clone()).collect::<Vec<_>>(),
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| ((ProjectId(row.project_id), IssueId(row.issue_id), row.key), row.value)).collect())
}

/// How many more values each key may take. A key the issue does not have, where it may have no more keys, is missing.
async fn room(tx: &mut Tx, mut keys: Vec<&TagKey>) -> sqlx::Result<HashMap<TagKey, i64>> {
    keys.sort_unstable();
    let rows = sqlx::query!(
        r#"
        SELECT u.project_id AS "project_id!", u.issue_id AS "issue_id!", u.key AS "key!",
            (SELECT count(*) FROM issue_tags t
             WHERE t.project_id = u.project_id AND t.issue_id = u.issue_id AND t.key = u.key AND t.value <> '') AS "value_count!",
            -- Counting all keys of an issue is dear, and only asked of keys that it does not have yet.
            CASE
                WHEN EXISTS (SELECT 1 FROM issue_tags t WHERE t.project_id = u.project_id AND t.issue_id = u.issue_id AND t.key = u.key) THEN 0
                ELSE (SELECT count(DISTINCT t.key) FROM issue_tags t WHERE t.project_id = u.project_id AND t.issue_id = u.issue_id)
            END AS "key_count!"
        FROM unnest($1::int8[], $2::int8[], $3::text[]) AS u (project_id, issue_id, key)
        ORDER BY u.project_id, u.issue_id, u.key
        "#,
        &keys.iter().map(|key| key.0.0).collect::<Vec<_>>(),
        &keys.iter().map(|key| key.1.0).collect::<Vec<_>>(),
        &keys.iter().map(|key| key.2.clone()).collect::<Vec<_>>(),
    )
    .fetch_all(&mut **tx)
    .await?;
    let mut added: HashMap<(i64, i64), i64> = HashMap::new();
    let mut room = HashMap::new();
    for row in rows {
        if row.value_count == 0 {
            let added = added.entry((row.project_id, row.issue_id)).or_default();
            if row.key_count + *added >= KEYS_MAX {
                continue;
            }
            *added += 1;
        }
        room.insert((ProjectId(row.project_id), IssueId(row.issue_id), row.key), VALUES_MAX - row.value_count);
    }
    Ok(room)
}

/// What is written: known values as they are, new ones while there is room, the rest under [`OTHER`].
fn within_limits(
    seen: &BTreeMap<(TagKey, String), Seen>,
    known: &HashSet<(TagKey, String)>,
    mut room: HashMap<TagKey, i64>,
) -> BTreeMap<(TagKey, String), Seen> {
    let mut kept: BTreeMap<(TagKey, String), Seen> = BTreeMap::new();
    for (pair, seen) in seen {
        let value = if known.contains(pair) {
            pair.1.clone()
        } else {
            match room.get_mut(&pair.0) {
                None => continue,
                Some(left) if *left > 0 => {
                    *left -= 1;
                    pair.1.clone()
                }
                Some(_) => OTHER.to_owned(),
            }
        };
        let sum = kept.entry((pair.0.clone(), value)).or_insert(Seen { event_count: 0, last_seen_at: seen.last_seen_at });
        sum.event_count += seen.event_count;
        sum.last_seen_at = sum.last_seen_at.max(seen.last_seen_at);
    }
    kept
}

async fn upsert(tx: &mut Tx, kept: &BTreeMap<(TagKey, String), Seen>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        INSERT INTO issue_tags AS t (project_id, issue_id, key, value, event_count, last_seen_at)
        SELECT project_id, issue_id, key, value, event_count, last_seen_at
        FROM unnest($1::int8[], $2::int8[], $3::text[], $4::text[], $5::int8[], $6::timestamptz[])
            AS u (project_id, issue_id, key, value, event_count, last_seen_at)
        ON CONFLICT (project_id, issue_id, key, value) DO UPDATE
        SET event_count = t.event_count + excluded.event_count, last_seen_at = greatest(t.last_seen_at, excluded.last_seen_at)
        "#,
        &kept.keys().map(|(key, _)| key.0.0).collect::<Vec<_>>(),
        &kept.keys().map(|(key, _)| key.1.0).collect::<Vec<_>>(),
        &kept.keys().map(|(key, _)| key.2.clone()).collect::<Vec<_>>(),
        &kept.keys().map(|(_, value)| value.clone()).collect::<Vec<_>>(),
        &kept.values().map(|seen| seen.event_count).collect::<Vec<_>>(),
        &kept.values().map(|seen| seen.last_seen_at).collect::<Vec<_>>(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
