//! `message_slots`: which sentences agree in everything but one word.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::{Db, Tx};
use crate::domain::fingerprint::Hash;
use crate::domain::ids::{IssueId, ProjectId};

/// Rows of one project; the oldest go first.
pub const ROWS_MAX: i64 = 50_000;
/// Sentences of one pattern that are looked at: more than it takes to see that a word varies.
const MEMBERS_MAX: i64 = 40;

/// A sentence that was seen before.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Its hash.
    pub hash: Hash,
    /// Whether what stands in the slot is written like a name.
    pub is_name: bool,
    /// Its issue.
    pub issue_id: IssueId,
    /// A person decided that.
    pub pinned: bool,
    /// Events of the issue.
    pub event_count: i64,
}

/// The sentences of each pattern whose hashes lead somewhere.
pub async fn list(tx: &mut Tx, patterns: &[(ProjectId, Hash)]) -> sqlx::Result<Vec<((ProjectId, Hash), Member)>> {
    let rows = sqlx::query!(
        r#"
        SELECT u.project_id AS "project_id!", u.pattern AS "pattern!", s.hash AS "hash!", s.is_name AS "is_name!",
            h.issue_id, h.pinned, i.event_count
        FROM unnest($1::int8[], $2::bytea[]) AS u (project_id, pattern)
        CROSS JOIN LATERAL (
            SELECT s.hash, s.is_name FROM message_slots s WHERE s.project_id = u.project_id AND s.pattern = u.pattern LIMIT $3
        ) AS s
        JOIN issue_hashes h ON h.project_id = u.project_id AND h.hash = s.hash
        JOIN issues i ON i.project_id = u.project_id AND i.id = h.issue_id
        "#,
        &patterns.iter().map(|(project, _)| project.0).collect::<Vec<_>>(),
        &patterns.iter().map(|(_, pattern)| pattern.to_vec()).collect::<Vec<_>>(),
        MEMBERS_MAX,
    )
    .fetch_all(&mut **tx)
    .await?;
    let members = rows.into_iter().filter_map(|row| {
        let (pattern, hash): (Hash, Hash) = (row.pattern.try_into().ok()?, row.hash.try_into().ok()?);
        let (issue_id, pinned, event_count) = (IssueId(row.issue_id), row.pinned, row.event_count);
        Some(((ProjectId(row.project_id), pattern), Member { hash, is_name: row.is_name, issue_id, pinned, event_count }))
    });
    Ok(members.collect())
}

/// Remembers sentences: by project, pattern and hash, whether the word is written like a name.
pub async fn remember(tx: &mut Tx, members: &BTreeMap<(ProjectId, Hash, Hash), bool>, seen_at: OffsetDateTime) -> sqlx::Result<()> {
    if members.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        INSERT INTO message_slots (project_id, pattern, hash, is_name, seen_at)
        SELECT project_id, pattern, hash, is_name, $5
        FROM unnest($1::int8[], $2::bytea[], $3::bytea[], $4::bool[]) AS u (project_id, pattern, hash, is_name)
        ON CONFLICT (project_id, pattern, hash) DO UPDATE SET seen_at = excluded.seen_at
        "#,
        &members.keys().map(|key| key.0.0).collect::<Vec<_>>(),
        &members.keys().map(|key| key.1.to_vec()).collect::<Vec<_>>(),
        &members.keys().map(|key| key.2.to_vec()).collect::<Vec<_>>(),
        &members.values().copied().collect::<Vec<_>>(),
        seen_at,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Forgets at most `limit` of the oldest rows of projects that have more than [`ROWS_MAX`].
pub async fn trim(db: &Db, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM message_slots WHERE ctid = ANY (ARRAY(
             SELECT surplus.ctid
             FROM projects p
             CROSS JOIN LATERAL (
                 SELECT r.ctid FROM message_slots r WHERE r.project_id = p.id ORDER BY r.project_id DESC, r.seen_at DESC OFFSET $1 LIMIT $2
             ) AS surplus
             LIMIT $2))",
        ROWS_MAX,
        limit
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
