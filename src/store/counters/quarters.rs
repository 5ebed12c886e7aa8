//! `issue_quarter_people`: how often one person was seen in an issue in a quarter of an hour. Kept 2 hours.

use std::collections::{BTreeMap, HashMap};

use time::OffsetDateTime;

use crate::domain::ids::{IssueId, ProjectId};
use crate::domain::person::Person;
use crate::store::{Db, Tx, copy};

/// Issue, quarter and person.
pub type Key = (ProjectId, IssueId, OffsetDateTime, Person);

/// What one person did in one quarter.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Clean events.
    pub event_count: i32,
    /// Arrival of the last one.
    pub last_seen_at: OffsetDateTime,
}

/// Adds to the quarters and tells what each person's count was before.
pub async fn add(tx: &mut Tx, seen: &BTreeMap<Key, Seen>) -> sqlx::Result<HashMap<Key, i32>> {
    if seen.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query!(
        r#"
        INSERT INTO issue_quarter_people AS q (project_id, issue_id, quarter, person, event_count, last_seen_at)
        SELECT project_id, issue_id, quarter, person, event_count, last_seen_at
        FROM unnest($1::int8[], $2::int8[], $3::timestamptz[], $4::bytea[], $5::int4[], $6::timestamptz[])
            AS u (project_id, issue_id, quarter, person, event_count, last_seen_at)
        ON CONFLICT (project_id, issue_id, quarter, person) DO UPDATE
        SET event_count = q.event_count + excluded.event_count, last_seen_at = greatest(q.last_seen_at, excluded.last_seen_at)
        RETURNING project_id, issue_id, quarter, person, event_count
        "#,
        &seen.keys().map(|key| key.0.0).collect::<Vec<_>>(),
        &seen.keys().map(|key| key.1.0).collect::<Vec<_>>(),
        &seen.keys().map(|key| key.2).collect::<Vec<_>>(),
        &seen.keys().map(|key| key.3.0.to_vec()).collect::<Vec<_>>(),
        &seen.values().map(|seen| seen.event_count).collect::<Vec<_>>(),
        &seen.values().map(|seen| seen.last_seen_at).collect::<Vec<_>>(),
    )
    .fetch_all(&mut **tx)
    .await?;
    let before = rows.into_iter().filter_map(|row| {
        let key = (ProjectId(row.project_id), IssueId(row.issue_id), row.quarter, Person(row.person.try_into().ok()?));
        let added = seen.get(&key)?.event_count;
        Some((key, row.event_count - added))
    });
    Ok(before.collect())
}

/// The quarters of issues that this transaction made; nobody was seen in them before.
pub async fn insert(tx: &mut Tx, seen: &BTreeMap<Key, Seen>) -> sqlx::Result<()> {
    let statement =
        "COPY issue_quarter_people (project_id, issue_id, quarter, person, event_count, last_seen_at) FROM STDIN (FORMAT binary)";
    copy::rows(tx, statement, seen, 6, |row, ((project, issue, quarter, person), seen)| {
        row.int8(project.0).int8(issue.0).time(*quarter).bytes(&person.0).int4(seen.event_count).time(seen.last_seen_at);
    })
    .await
}

/// Forgets at most `limit` rows of quarters that began before `before`.
pub async fn trim(db: &Db, before: OffsetDateTime, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM issue_quarter_people WHERE ctid = ANY (ARRAY(SELECT ctid FROM issue_quarter_people WHERE quarter < $1 ORDER BY quarter LIMIT $2))",
        before,
        limit,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
