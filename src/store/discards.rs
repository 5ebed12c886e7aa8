//! `discards` and `discarded_hashes`: issues that were deleted for ever, and the fingerprints whose events are dropped since.

use std::collections::{BTreeMap, HashMap, HashSet};

use sqlx::PgExecutor;
use time::OffsetDateTime;

use super::Tx;
use super::issue_reads::Issue;
use super::removals::IssueKey;
use super::text::clean_cut;
use crate::domain::fingerprint::Hash;
use crate::domain::ids::{IssueId, ProjectId, UserId};

/// Longest title or culprit that is kept, in bytes.
const TEXT_LEN_MAX: usize = 1_000;

/// Sentences of one pattern that are looked at.
const SENTENCES_MAX: i64 = 40;

/// An issue of which nothing more is taken.
#[derive(Clone, Debug)]
pub struct Discard {
    /// The number it had.
    pub issue_id: IssueId,
    /// What it was called.
    pub title: String,
    /// Where it happened.
    pub culprit: String,
    /// Events it had.
    pub event_count: i64,
    /// Who decided; `None`: somebody who was removed.
    pub user: Option<String>,
    /// When.
    pub discarded_at: OffsetDateTime,
    /// Events dropped since.
    pub dropped_count: i64,
    /// Arrival of the latest of them.
    pub dropped_at: Option<OffsetDateTime>,
}

/// Where a page of the list ends: the next one begins after it.
pub type Place = (OffsetDateTime, IssueId);

/// Takes the fingerprints of issues, which the caller has locked and deletes in the same transaction.
pub async fn insert(tx: &mut Tx, issues: &[Issue], who: UserId, at: OffsetDateTime) -> sqlx::Result<()> {
    let projects: Vec<i64> = issues.iter().map(|issue| issue.project_id.0).collect();
    let ids: Vec<i64> = issues.iter().map(|issue| issue.id.0).collect();
    sqlx::query!(
        "INSERT INTO discards (project_id, issue_id, title, culprit, event_count, user_id, discarded_at)
         SELECT project_id, issue_id, title, culprit, event_count, $6, $7
         FROM unnest($1::int8[], $2::int8[], $3::text[], $4::text[], $5::int8[]) AS u (project_id, issue_id, title, culprit, event_count)",
        &projects,
        &ids,
        &issues.iter().map(|issue| clean_cut(&issue.title(), TEXT_LEN_MAX)).collect::<Vec<_>>(),
        &issues.iter().map(|issue| clean_cut(&issue.culprit, TEXT_LEN_MAX)).collect::<Vec<_>>(),
        &issues.iter().map(|issue| issue.event_count).collect::<Vec<_>>(),
        who.0,
        at
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "INSERT INTO discarded_hashes (project_id, hash, issue_id)
         SELECT h.project_id, h.hash, h.issue_id
         FROM unnest($1::int8[], $2::int8[]) AS u (project_id, issue_id)
         JOIN issue_hashes h ON h.project_id = u.project_id AND h.issue_id = u.issue_id",
        &projects,
        &ids
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Takes a decision back: events with these fingerprints are taken again. Tells what it was called; `None`: there is no such decision.
pub async fn remove(tx: &mut Tx, project: ProjectId, issue: IssueId) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("DELETE FROM discards WHERE project_id = $1 AND issue_id = $2 RETURNING title", project.0, issue.0)
        .fetch_optional(&mut **tx)
        .await
}

/// Which of these hashes of a project lead nowhere.
pub async fn list_hashes(db: impl PgExecutor<'_>, project: ProjectId, hashes: &[Hash]) -> sqlx::Result<HashSet<Hash>> {
    let found = sqlx::query_scalar!(
        "SELECT hash FROM discarded_hashes WHERE project_id = $1 AND hash = ANY ($2)",
        project.0,
        &hashes.iter().map(|hash| hash.to_vec()).collect::<Vec<_>>()
    )
    .fetch_all(db)
    .await?;
    Ok(found.into_iter().filter_map(|hash| hash.try_into().ok()).collect())
}

/// The issues whose sentences have these patterns, where at least two of their sentences differ in that word: it varied. See `message_slots`.
pub async fn find_varied(tx: &mut Tx, patterns: &[(ProjectId, Hash)]) -> sqlx::Result<HashMap<(ProjectId, Hash), IssueId>> {
    let rows = sqlx::query!(
        r#"
        SELECT u.project_id AS "project_id!", u.pattern AS "pattern!", d.issue_id AS "issue_id!"
        FROM unnest($1::int8[], $2::bytea[]) AS u (project_id, pattern)
        CROSS JOIN LATERAL (
            SELECT d.issue_id
            FROM (
                SELECT s.hash FROM message_slots s WHERE s.project_id = u.project_id AND s.pattern = u.pattern LIMIT $3
            ) AS s
            JOIN discarded_hashes d ON d.project_id = u.project_id AND d.hash = s.hash
            GROUP BY d.issue_id
            HAVING count(*) > 1
            ORDER BY count(*) DESC
            LIMIT 1
        ) AS d
        "#,
        &patterns.iter().map(|(project, _)| project.0).collect::<Vec<_>>(),
        &patterns.iter().map(|(_, pattern)| pattern.to_vec()).collect::<Vec<_>>(),
        SENTENCES_MAX
    )
    .fetch_all(&mut **tx)
    .await?;
    let varied = rows.into_iter().filter_map(|row| {
        let pattern: Hash = row.pattern.try_into().ok()?;
        Some(((ProjectId(row.project_id), pattern), IssueId(row.issue_id)))
    });
    Ok(varied.collect())
}

/// Counts dropped events, with the arrival of the latest. In the order of the key.
pub async fn count_dropped(tx: &mut Tx, dropped: &BTreeMap<IssueKey, (i64, OffsetDateTime)>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        WITH held AS (
            SELECT d.project_id, d.issue_id, u.dropped_count, u.dropped_at
            FROM unnest($1::int8[], $2::int8[], $3::int8[], $4::timestamptz[]) AS u (project_id, issue_id, dropped_count, dropped_at)
            JOIN discards d ON d.project_id = u.project_id AND d.issue_id = u.issue_id
            ORDER BY d.project_id, d.issue_id
            FOR NO KEY UPDATE OF d
        )
        UPDATE discards d
        SET dropped_count = d.dropped_count + h.dropped_count, dropped_at = greatest(d.dropped_at, h.dropped_at)
        FROM held h
        WHERE d.project_id = h.project_id AND d.issue_id = h.issue_id
        "#,
        &dropped.keys().map(|key| key.0.0).collect::<Vec<_>>(),
        &dropped.keys().map(|key| key.1.0).collect::<Vec<_>>(),
        &dropped.values().map(|value| value.0).collect::<Vec<_>>(),
        &dropped.values().map(|value| value.1).collect::<Vec<_>>(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The decisions of a project, newest first, from after `after` on.
pub async fn list(db: impl PgExecutor<'_>, project: ProjectId, after: Option<Place>, limit: i64) -> sqlx::Result<Vec<Discard>> {
    let rows = sqlx::query!(
        r#"
        SELECT d.issue_id, d.title, d.culprit, d.event_count, u.name AS "user?", d.discarded_at, d.dropped_count, d.dropped_at
        FROM discards d
        LEFT JOIN users u ON u.id = d.user_id
        WHERE d.project_id = $1 AND ($2::timestamptz IS NULL OR (d.discarded_at, d.issue_id) < ($2, $3))
        ORDER BY d.discarded_at DESC, d.issue_id DESC
        LIMIT $4
        "#,
        project.0,
        after.map(|place| place.0),
        after.map(|place| place.1.0),
        limit
    )
    .fetch_all(db)
    .await?;
    let discards = rows.into_iter().map(|row| Discard {
        issue_id: IssueId(row.issue_id),
        title: row.title,
        culprit: row.culprit,
        event_count: row.event_count,
        user: row.user,
        discarded_at: row.discarded_at,
        dropped_count: row.dropped_count,
        dropped_at: row.dropped_at,
    });
    Ok(discards.collect())
}
