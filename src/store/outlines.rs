//! `issue_outlines`: hashes with texts of lines, by what they are without these texts.

use std::collections::BTreeSet;

use sqlx::PgExecutor;
use time::OffsetDateTime;

use super::{Db, Tx};
use crate::domain::fingerprint::Hash;
use crate::domain::ids::{IssueId, ProjectId};

/// Rows of one project; the oldest go first.
pub const ROWS_MAX: i64 = 50_000;
/// Hashes of one outline that are looked at, latest first.
const CANDIDATES_MAX: i64 = 6;
/// Titles of events that are compared.
const TITLES_MAX: i64 = 20;

/// A hash with the same outline.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// The hash.
    pub hash: Hash,
    /// Where it leads.
    pub issue_id: IssueId,
}

/// What is known of each outline, but for what a person decided about.
pub async fn list(tx: &mut Tx, outlines: &[(ProjectId, Hash)]) -> sqlx::Result<Vec<((ProjectId, Hash), Candidate)>> {
    let rows = sqlx::query!(
        r#"
        SELECT u.project_id AS "project_id!", u.outline AS "outline!", o.hash AS "hash!", h.issue_id
        FROM unnest($1::int8[], $2::bytea[]) AS u (project_id, outline)
        CROSS JOIN LATERAL (
            SELECT o.hash FROM issue_outlines o WHERE o.project_id = u.project_id AND o.outline = u.outline
            ORDER BY o.seen_at DESC LIMIT $3
        ) AS o
        JOIN issue_hashes h ON h.project_id = u.project_id AND h.hash = o.hash
        WHERE NOT h.pinned
        "#,
        &outlines.iter().map(|(project, _)| project.0).collect::<Vec<_>>(),
        &outlines.iter().map(|(_, outline)| outline.to_vec()).collect::<Vec<_>>(),
        CANDIDATES_MAX,
    )
    .fetch_all(&mut **tx)
    .await?;
    let known = rows.into_iter().filter_map(|row| {
        let (outline, hash): (Hash, Hash) = (row.outline.try_into().ok()?, row.hash.try_into().ok()?);
        Some(((ProjectId(row.project_id), outline), Candidate { hash, issue_id: IssueId(row.issue_id) }))
    });
    Ok(known.collect())
}

/// Whether an issue was seen in a release.
pub async fn was_seen_in(db: impl PgExecutor<'_>, project: ProjectId, issue: IssueId, release: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM issue_releases WHERE project_id = $1 AND issue_id = $2 AND release = $3) AS "seen!""#,
        project.0,
        issue.0,
        release
    )
    .fetch_one(db)
    .await
}

/// The latest event with a hash, as stored.
#[derive(Clone, Debug)]
pub struct Example {
    /// What `payload` needs.
    pub dictionary_id: i32,
    /// zstd of the event's JSON.
    pub payload: Vec<u8>,
}

/// The latest event of an issue that a hash decided about; `None` where none is kept.
pub async fn example(db: impl PgExecutor<'_>, project: ProjectId, of: Candidate) -> sqlx::Result<Option<Example>> {
    sqlx::query_as!(
        Example,
        "SELECT dictionary_id, payload FROM events WHERE project_id = $1 AND issue_id = $2 AND hash = $3
         ORDER BY received_at DESC, event_id DESC LIMIT 1",
        project.0,
        of.issue_id.0,
        of.hash.as_slice()
    )
    .fetch_optional(db)
    .await
}

/// What the latest events with a hash say.
pub async fn titles(db: impl PgExecutor<'_>, project: ProjectId, of: Candidate) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "SELECT title FROM events WHERE project_id = $1 AND issue_id = $2 AND hash = $3 ORDER BY received_at DESC, event_id DESC LIMIT $4",
        project.0,
        of.issue_id.0,
        of.hash.as_slice(),
        TITLES_MAX
    )
    .fetch_all(db)
    .await
}

/// Remembers the outlines of hashes: project, outline, hash.
pub async fn remember(tx: &mut Tx, outlines: &BTreeSet<(ProjectId, Hash, Hash)>, seen_at: OffsetDateTime) -> sqlx::Result<()> {
    if outlines.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        INSERT INTO issue_outlines (project_id, outline, hash, seen_at)
        SELECT project_id, outline, hash, $4 FROM unnest($1::int8[], $2::bytea[], $3::bytea[]) AS u (project_id, outline, hash)
        ON CONFLICT (project_id, outline, hash) DO UPDATE SET seen_at = excluded.seen_at
        "#,
        &outlines.iter().map(|key| key.0.0).collect::<Vec<_>>(),
        &outlines.iter().map(|key| key.1.to_vec()).collect::<Vec<_>>(),
        &outlines.iter().map(|key| key.2.to_vec()).collect::<Vec<_>>(),
        seen_at,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Forgets at most `limit` of the oldest rows of projects that have more than [`ROWS_MAX`].
pub async fn trim(db: &Db, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM issue_outlines WHERE ctid = ANY (ARRAY(
             SELECT surplus.ctid
             FROM projects p
             CROSS JOIN LATERAL (
                 SELECT r.ctid FROM issue_outlines r WHERE r.project_id = p.id ORDER BY r.project_id DESC, r.seen_at DESC OFFSET $1 LIMIT $2
             ) AS surplus
             LIMIT $2))",
        ROWS_MAX,
        limit
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
