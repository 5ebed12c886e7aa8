//! `issue_tags`: which values of which tags an issue was seen with. Bounded, whatever clients put into tags.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use time::OffsetDateTime;

use crate::domain::ids::{IssueId, ProjectId};
use crate::store::text::clean_cut;
use crate::store::{Tx, copy};

/// Distinct values kept per issue and key; the others are counted together under the empty value.
pub const VALUES_MAX: i64 = 100;
/// Where hardly a value comes twice, like an address or the id of a request, only so many values are kept: they tell nothing about an
/// issue, and would be most of what an event costs beside itself.
pub const UNIQUE_VALUES_MAX: i64 = 20;
/// Hardly: of so many events at least one has a value that was seen before.
const UNIQUE_EVENTS: i64 = 5;
/// Distinct keys kept per issue; further keys are not counted at all (the events themselves keep them).
pub const KEYS_MAX: i64 = 100;
/// The value under which everything beyond [`VALUES_MAX`] is counted. No tag has it: empty tags are not read.
pub const OTHER: &str = "";

/// Tags of one event that are counted.
const EVENT_TAGS_MAX: usize = 100;
/// Longest key and value that are counted whole, in bytes.
const LEN_MAX: usize = 400;

/// The tags of an event as they are counted: cleaned and cut, the first of each key. One text holds them all, for an event has many and waits for
/// its batch with them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags {
    text: String,
    /// Where in it each key and each value ends, by turns.
    ends: Vec<u32>,
}

impl Tags {
    /// Those of these that are counted.
    pub fn counted<K: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let mut tags = Self::default();
        for (key, value) in pairs.into_iter().take(EVENT_TAGS_MAX) {
            let (key, value) = (clean_cut(key.as_ref(), LEN_MAX), clean_cut(value.as_ref(), LEN_MAX));
            if !key.is_empty() && !value.is_empty() && tags.iter().all(|(known, _)| known != key) {
                tags.push(&key);
                tags.push(&value);
            }
        }
        tags
    }

    /// A hundred pairs of 400 bytes are far below 4 GiB.
    fn push(&mut self, part: &str) {
        self.text.push_str(part);
        self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
    }

    /// Keys and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut start = 0;
        self.ends.as_chunks().0.iter().map(move |[key_end, value_end]| {
            let (key_end, value_end) = (*key_end as usize, *value_end as usize);
            let tag = (&self.text[start..key_end], &self.text[key_end..value_end]);
            start = value_end;
            tag
        })
    }
}

/// Issue and tag key.
pub type TagKey = (ProjectId, IssueId, String);

/// Events by tag and value.
pub type Sums = BTreeMap<(TagKey, String), Seen>;

/// How often and when last.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Events.
    pub event_count: i64,
    /// The latest of these, as it happened.
    pub last_seen_at: OffsetDateTime,
}

/// Adds to the tags, keeping to the limits. To be called with the issues locked: between the statements nobody else adds to them.
pub async fn add(tx: &mut Tx, seen: &Sums) -> sqlx::Result<()> {
    if seen.is_empty() {
        return Ok(());
    }
    let known = add_to_known(tx, seen).await?;
    let unknown: BTreeMap<_, _> = seen.iter().zip(known).filter(|(_, known)| !known).map(|(pair, _)| pair).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let keys: BTreeSet<&TagKey> = unknown.keys().map(|(key, _)| key).collect();
    let room = room(tx, &keys.into_iter().collect::<Vec<_>>()).await?;
    let (others, new): (BTreeMap<_, _>, _) = within_limits(&unknown, room).into_iter().partition(|((_, value), _)| value == OTHER);
    copy_in(tx, &new).await?;
    upsert(tx, &others).await
}

/// The tags of issues that this transaction made.
pub async fn insert(tx: &mut Tx, seen: &Sums) -> sqlx::Result<()> {
    let mut room: HashMap<TagKey, Kept> = HashMap::new();
    let mut key_counts: HashMap<(ProjectId, IssueId), i64> = HashMap::new();
    for (key, _) in seen.keys() {
        if !room.contains_key(key) {
            let count = key_counts.entry((key.0, key.1)).or_default();
            *count += 1;
            if *count <= KEYS_MAX {
                room.insert(key.clone(), Kept::default());
            }
        }
    }
    let seen: BTreeMap<_, _> = seen.iter().collect();
    copy_in(tx, &within_limits(&seen, room)).await
}

/// Adds to the values that the issues have, and tells of each whether they have it.
async fn add_to_known(tx: &mut Tx, seen: &Sums) -> sqlx::Result<Vec<bool>> {
    let places = sqlx::query_scalar!(
        r#"
        UPDATE issue_tags AS t
        SET event_count = t.event_count + u.event_count, last_seen_at = greatest(t.last_seen_at, u.last_seen_at)
        FROM unnest($1::int8[], $2::int8[], $3::text[], $4::text[], $5::int8[], $6::timestamptz[]) WITH ORDINALITY
            AS u (project_id, issue_id, key, value, event_count, last_seen_at, place)
        WHERE t.project_id = u.project_id AND t.issue_id = u.issue_id AND t.key = u.key AND t.value = u.value
        RETURNING u.place AS "place!"
        "#,
        &seen.keys().map(|(key, _)| key.0.0).collect::<Vec<_>>(),
        &seen.keys().map(|(key, _)| key.1.0).collect::<Vec<_>>(),
        &seen.keys().map(|(key, _)| key.2.clone()).collect::<Vec<_>>(),
        &seen.keys().map(|(_, value)| value.clone()).collect::<Vec<_>>(),
        &seen.values().map(|seen| seen.event_count).collect::<Vec<_>>(),
        &seen.values().map(|seen| seen.last_seen_at).collect::<Vec<_>>(),
    )
    .fetch_all(&mut **tx)
    .await?;
    let mut known = vec![false; seen.len()];
    for place in places {
        // Places count from 1.
        if let Some(known) = usize::try_from(place - 1).ok().and_then(|place| known.get_mut(place)) {
            *known = true;
        }
    }
    Ok(known)
}

/// The values of a key that are kept apart.
#[derive(Clone, Copy, Debug, Default)]
struct Kept {
    value_count: i64,
    event_count: i64,
}

impl Kept {
    /// Counts one more value, if there is room for it.
    fn takes(&mut self, seen: &Seen) -> bool {
        let hardly_one_twice = (self.event_count - self.value_count) * UNIQUE_EVENTS < self.event_count;
        if self.value_count >= VALUES_MAX || self.value_count >= UNIQUE_VALUES_MAX && hardly_one_twice {
            return false;
        }
        self.value_count += 1;
        self.event_count += seen.event_count;
        true
    }
}

/// The values that each key has. A key the issue does not have, where it may have no more keys, is missing.
async fn room(tx: &mut Tx, keys: &[&TagKey]) -> sqlx::Result<HashMap<TagKey, Kept>> {
    // Whoever has the value "other" is full and not counted again. The keys of an issue are only counted for a key that it does not have,
    // by stepping from key to key over the values between.
    let rows = sqlx::query!(
        r#"
        SELECT CASE WHEN f.is_full THEN $4::int8 ELSE v.value_count END AS "value_count!", v.event_count AS "event_count!",
            CASE WHEN f.is_full OR v.value_count > 0 THEN 0 ELSE (
                WITH RECURSIVE k AS (
                    SELECT (SELECT min(t.key) FROM issue_tags t WHERE t.project_id = u.project_id AND t.issue_id = u.issue_id) AS key
                    UNION ALL
                    SELECT (SELECT min(t.key) FROM issue_tags t
                            WHERE t.project_id = u.project_id AND t.issue_id = u.issue_id AND t.key > k.key)
                    FROM k
                    WHERE k.key IS NOT NULL
                )
                SELECT count(k.key) FROM k
            ) END AS "key_count!"
        FROM unnest($1::int8[], $2::int8[], $3::text[]) WITH ORDINALITY AS u (project_id, issue_id, key, place)
        CROSS JOIN LATERAL (
            SELECT EXISTS (SELECT FROM issue_tags t
                           WHERE t.project_id = u.project_id AND t.issue_id = u.issue_id AND t.key = u.key AND t.value = '') AS is_full
            OFFSET 0
        ) AS f
        CROSS JOIN LATERAL (
            SELECT count(*) AS value_count, coalesce(sum(t.event_count), 0)::int8 AS event_count FROM issue_tags t
            WHERE NOT f.is_full AND t.project_id = u.project_id AND t.issue_id = u.issue_id AND t.key = u.key
            OFFSET 0
        ) AS v
        ORDER BY u.place
        "#,
        &keys.iter().map(|key| key.0.0).collect::<Vec<_>>(),
        &keys.iter().map(|key| key.1.0).collect::<Vec<_>>(),
        &keys.iter().map(|key| key.2.clone()).collect::<Vec<_>>(),
        VALUES_MAX,
    )
    .fetch_all(&mut **tx)
    .await?;
    let mut added: HashMap<(ProjectId, IssueId), i64> = HashMap::new();
    let mut room = HashMap::new();
    for (key, row) in keys.iter().zip(rows) {
        if row.value_count == 0 {
            let added = added.entry((key.0, key.1)).or_default();
            if row.key_count + *added >= KEYS_MAX {
                continue;
            }
            *added += 1;
        }
        room.insert((*key).clone(), Kept { value_count: row.value_count, event_count: row.event_count });
    }
    Ok(room)
}

/// What is written of values that the issues do not have: as they are while there is room, the rest under [`OTHER`].
fn within_limits(seen: &BTreeMap<&(TagKey, String), &Seen>, mut room: HashMap<TagKey, Kept>) -> Sums {
    let mut kept = Sums::new();
    for (pair, seen) in seen {
        let value = match room.get_mut(&pair.0) {
            None => continue,
            Some(kept) => {
                if kept.takes(seen) {
                    pair.1.clone()
                } else {
                    OTHER.to_owned()
                }
            }
        };
        let sum = kept.entry((pair.0.clone(), value)).or_insert(Seen { event_count: 0, last_seen_at: seen.last_seen_at });
        sum.event_count += seen.event_count;
        sum.last_seen_at = sum.last_seen_at.max(seen.last_seen_at);
    }
    kept
}

async fn copy_in(tx: &mut Tx, seen: &Sums) -> sqlx::Result<()> {
    let statement = "COPY issue_tags (project_id, issue_id, key, value, event_count, last_seen_at) FROM STDIN (FORMAT binary)";
    copy::rows(tx, statement, seen, 6, |row, ((key, value), seen)| {
        row.int8(key.0.0).int8(key.1.0).text(&key.2).text(value).int8(seen.event_count).time(seen.last_seen_at);
    })
    .await
}

async fn upsert(tx: &mut Tx, kept: &Sums) -> sqlx::Result<()> {
    if kept.is_empty() {
        return Ok(());
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_key_the_first_value_counts_and_texts_without_anything_do_not() {
        let tags = Tags::counted([("a", "1"), ("b\0", "2\0"), ("a", "3"), ("", "4"), ("c", "\0"), ("ü", "é")]);
        assert_eq!(tags.iter().collect::<Vec<_>>(), [("a", "1"), ("b", "2"), ("ü", "é")]);
        assert_eq!(Tags::default().iter().count(), 0);
        let long = "x".repeat(1_000);
        let many = Tags::counted((0..500).map(|n| (format!("{n}"), &long)));
        assert_eq!((many.iter().count(), many.iter().map(|(_, value)| value.len()).max()), (EVENT_TAGS_MAX, Some(LEN_MAX)));
    }
}
