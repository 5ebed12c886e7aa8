//! The issue that is given back, and what refers to it.

use sqlx::PgExecutor;
use time::OffsetDateTime;

use super::Split;
use crate::domain::fingerprint::Hash;
use crate::domain::ids::{IssueId, ProjectId};
use crate::store::Tx;
use crate::store::hashes::HASHES_MAX;

/// A hash that leads to an issue.
#[derive(Clone, Debug)]
pub struct LeadingHash {
    /// The hash.
    pub hash: Hash,
    /// Version of the algorithm that made it.
    pub algorithm: i16,
    /// The issue it led to before that was merged.
    pub origin: Option<IssueId>,
    /// A person decided where it leads.
    pub pinned: bool,
    /// Arrival of the event that brought it.
    pub first_seen_at: OffsetDateTime,
    /// Of the events that are kept: how many it decided, the latest arrival, and what that is called.
    pub kept_count: i64,
    /// See `kept_count`.
    pub last_seen_at: Option<OffsetDateTime>,
    /// See `kept_count`.
    pub title: Option<String>,
}

/// What is noted of an issue that was merged.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// It.
    pub id: IssueId,
    /// The issue it was merged into at the time.
    pub first_into: IssueId,
    /// When.
    pub merged_at: OffsetDateTime,
    /// Its counters then still hold.
    pub is_whole: bool,
    /// Who; `None`: Bugle itself.
    pub user: Option<String>,
    /// Why, for people.
    pub reason: String,
    /// `Type: first line`.
    pub title: String,
    /// As they were.
    pub event_count: i64,
    /// See `event_count`.
    pub first_seen_at: OffsetDateTime,
    /// See `event_count`.
    pub last_seen_at: OffsetDateTime,
}

/// The hashes of an issue, oldest first; reads the events of the issue once, without their payloads.
pub async fn list_hashes(db: impl PgExecutor<'_>, project: ProjectId, issue: IssueId) -> sqlx::Result<Vec<LeadingHash>> {
    let rows = sqlx::query!(
        r#"
        SELECT h.hash, h.algorithm, h.origin_id, h.pinned, h.first_seen_at, coalesce(e.kept_count, 0) AS "kept_count!",
            e.last_seen_at AS "last_seen_at?", e.title AS "title?"
        FROM issue_hashes h
        LEFT JOIN (
            SELECT hash, count(*) AS kept_count, max(received_at) AS last_seen_at, (array_agg(title ORDER BY received_at DESC))[1] AS title
            FROM events WHERE project_id = $1 AND issue_id = $2 GROUP BY hash
        ) AS e ON e.hash = h.hash
        WHERE h.project_id = $1 AND h.issue_id = $2
        ORDER BY h.first_seen_at, h.hash
        LIMIT $3
        "#,
        project.0,
        issue.0,
        HASHES_MAX * 2
    )
    .fetch_all(db)
    .await?;
    let hashes = rows.into_iter().filter_map(|row| {
        Some(LeadingHash {
            hash: row.hash.try_into().ok()?,
            algorithm: row.algorithm,
            origin: row.origin_id.map(IssueId),
            pinned: row.pinned,
            first_seen_at: row.first_seen_at,
            kept_count: row.kept_count,
            last_seen_at: row.last_seen_at,
            title: row.title,
        })
    });
    Ok(hashes.collect())
}

/// What is noted of the issues that are part of this one, latest merge first.
pub async fn snapshots(db: impl PgExecutor<'_>, project: ProjectId, into: IssueId) -> sqlx::Result<Vec<Snapshot>> {
    let rows = sqlx::query!(
        r#"
        SELECT m.id, m.first_into_id, m.merged_at, m.counters <> '{}' AS "is_whole!", u.name AS "user?", m.reason,
            concat_ws(': ', nullif(m.issue->>'type', ''), nullif(m.issue->>'value', '')) AS "title!",
            (m.issue->>'event_count')::int8 AS "event_count!", (m.issue->>'first_seen_at')::timestamptz AS "first_seen_at!",
            (m.issue->>'last_seen_at')::timestamptz AS "last_seen_at!"
        FROM merged_issues m LEFT JOIN users u ON u.id = m.user_id
        WHERE m.project_id = $1 AND m.into_id = $2
        ORDER BY m.merged_at DESC, m.id DESC
        "#,
        project.0,
        into.0
    )
    .fetch_all(db)
    .await?;
    let snapshots = rows.into_iter().map(|row| Snapshot {
        id: IssueId(row.id),
        first_into: IssueId(row.first_into_id),
        merged_at: row.merged_at,
        is_whole: row.is_whole,
        user: row.user,
        reason: row.reason,
        title: row.title,
        event_count: row.event_count,
        first_seen_at: row.first_seen_at,
        last_seen_at: row.last_seen_at,
    });
    Ok(snapshots.collect())
}

/// The row as it was when the issue was merged, else one that is named after the latest event with the hashes. Its counts come later.
pub(super) async fn insert_issue(tx: &mut Tx, split: &Split) -> sqlx::Result<()> {
    let (project, from, to) = (split.project_id.0, split.from.0, split.to.0);
    let restored = sqlx::query!(
        r#"
        INSERT INTO issues (project_id, id, kind, type, value, culprit, location, function, logger, platform, level, status, status_at,
            regressed_at, ignore_until, handled, first_seen_at, last_seen_at, first_release, last_release, top_level)
        OVERRIDING SYSTEM VALUE
        SELECT m.project_id, m.id, i.kind, i.type, i.value, i.culprit, i.location, i.function, i.logger, i.platform, i.level, i.status, i.status_at,
            i.regressed_at, i.ignore_until, i.handled, i.first_seen_at, i.last_seen_at, i.first_release, i.last_release, i.top_level
        FROM merged_issues m CROSS JOIN LATERAL jsonb_populate_record(NULL::issues, m.issue) AS i
        WHERE m.project_id = $1 AND m.id = $2
        "#,
        project,
        to
    )
    .execute(&mut **tx)
    .await?;
    if restored.rows_affected() > 0 {
        return Ok(());
    }
    sqlx::query!(
        r#"
        INSERT INTO issues (project_id, id, kind, type, value, culprit, logger, platform, level, status, status_at, first_seen_at, last_seen_at,
            top_level)
        OVERRIDING SYSTEM VALUE
        SELECT i.project_id, $3, i.kind,
            CASE WHEN i.type = '' THEN '' ELSE split_part(coalesce(e.title, i.type || ': ' || i.value), ': ', 1) END,
            CASE WHEN i.type = '' THEN coalesce(e.title, i.value)
                ELSE substr(coalesce(e.title, i.type || ': ' || i.value), length(split_part(coalesce(e.title, i.type || ': ' || i.value), ': ', 1)) + 3) END,
            coalesce(e.transaction, ''), i.logger, i.platform, coalesce(e.level, i.level), 'unresolved', $5, $5, $5, i.top_level
        FROM issues i
        LEFT JOIN LATERAL (
            SELECT title, transaction, level FROM events WHERE project_id = $1 AND issue_id = $2 AND hash = ANY($4) ORDER BY received_at DESC LIMIT 1
        ) AS e ON true
        WHERE i.project_id = $1 AND i.id = $2
        "#,
        project,
        from,
        to,
        &split.hash_bytes(),
        split.at
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Where only some hashes of a merged issue go, what was noted of it, and of what it was part of, no longer holds.
pub(super) async fn note_parts(tx: &mut Tx, split: &Split) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        WITH RECURSIVE part (id) AS (
            SELECT origin_id FROM issue_hashes
            WHERE project_id = $1 AND issue_id = $2 AND hash = ANY($4) AND origin_id IS NOT NULL
                AND NOT EXISTS (SELECT FROM merged_issues m WHERE m.project_id = $1 AND m.id = $3)
            UNION
            SELECT m.first_into_id FROM part p JOIN merged_issues m ON m.project_id = $1 AND m.id = p.id
        )
        UPDATE merged_issues SET counters = '{}' WHERE project_id = $1 AND id IN (SELECT id FROM part)
        "#,
        split.project_id.0,
        split.from.0,
        split.to.0,
        &split.hash_bytes()
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Events, hashes and feedback of the one become those of the other. A person decided, so nothing automatic joins them again.
pub(super) async fn move_all(tx: &mut Tx, split: &Split) -> sqlx::Result<()> {
    let (project, from, to, hashes) = (split.project_id.0, split.from.0, split.to.0, split.hash_bytes());
    sqlx::query!("UPDATE events SET issue_id = $3 WHERE project_id = $1 AND issue_id = $2 AND hash = ANY($4)", project, from, to, &hashes)
        .execute(&mut **tx)
        .await?;
    sqlx::query!(
        "UPDATE issue_hashes SET issue_id = $3, pinned = true,
             origin_id = CASE WHEN EXISTS (SELECT FROM merged_issues m WHERE m.project_id = $1 AND m.id = $3) THEN nullif(origin_id, $3) END
         WHERE project_id = $1 AND issue_id = $2 AND hash = ANY($4)",
        project,
        from,
        to,
        &hashes
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "UPDATE feedback f SET issue_id = $3 FROM events e
         WHERE f.project_id = $1 AND f.issue_id = $2 AND e.project_id = $1 AND e.issue_id = $3 AND e.event_id = f.event_id",
        project,
        from,
        to
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The rows of both say what their counters say. `count`: events that went.
pub(super) async fn settle(tx: &mut Tx, split: &Split, count: i64) -> sqlx::Result<()> {
    let (project, from, to) = (split.project_id.0, split.from.0, split.to.0);
    sqlx::query!(
        r#"
        UPDATE issues AS i
        SET event_count = CASE WHEN i.id = $3 THEN $4 ELSE i.event_count - $4 END,
            user_count = (SELECT count(*) FROM issue_people p WHERE p.project_id = $1 AND p.issue_id = i.id),
            first_seen_at = least(coalesce(e.first_at, h.first_hour, i.first_seen_at),
                CASE WHEN i.id = $3 THEN i.first_seen_at
                    WHEN EXISTS (SELECT FROM absent_events s WHERE s.project_id = $1 AND s.issue_id = i.id) THEN a.first_at END),
            last_seen_at = CASE WHEN i.id = $3 AND m.id IS NOT NULL THEN greatest(i.last_seen_at, e.last_at) ELSE coalesce(e.last_at, i.last_seen_at) END,
            first_release = coalesce((SELECT release FROM issue_releases r WHERE r.project_id = $1 AND r.issue_id = i.id ORDER BY first_seen_at, release LIMIT 1), i.first_release),
            last_release = coalesce((SELECT release FROM issue_releases r WHERE r.project_id = $1 AND r.issue_id = i.id ORDER BY last_seen_at DESC, release DESC LIMIT 1), i.last_release)
        FROM (VALUES ($2::int8), ($3::int8)) AS both_ids (id)
        LEFT JOIN LATERAL (
            SELECT min(occurred_at) AS first_at, max(occurred_at) AS last_at FROM events WHERE project_id = $1 AND issue_id = both_ids.id
        ) AS e ON true
        LEFT JOIN LATERAL (
            SELECT min(hour) AS first_hour FROM issue_hours WHERE project_id = $1 AND issue_id = both_ids.id AND event_count > 0
        ) AS h ON true
        LEFT JOIN LATERAL (
            SELECT min(at) AS first_at FROM activities WHERE project_id = $1 AND issue_id = both_ids.id AND kind = 'first_seen'
        ) AS a ON true
        LEFT JOIN merged_issues m ON m.project_id = $1 AND m.id = both_ids.id
        WHERE i.project_id = $1 AND i.id = both_ids.id
        "#,
        project,
        from,
        to,
        count
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "UPDATE issues SET sampled_count = least(sampled_count, (SELECT coalesce(sum(event_count), 0)::int8 FROM absent_events a
             WHERE a.project_id = $1 AND a.issue_id = $2)) WHERE project_id = $1 AND id = $2",
        project,
        from
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// It is no merged issue any more; what was merged into it before is part of it again, and what it was merged into and is itself merged
/// now is no longer what was noted of it.
pub(super) async fn forget_merge(tx: &mut Tx, split: &Split) -> sqlx::Result<()> {
    let (project, to) = (split.project_id.0, split.to.0);
    sqlx::query!(
        r#"
        WITH RECURSIVE above (id) AS (
            SELECT first_into_id FROM merged_issues WHERE project_id = $1 AND id = $2
            UNION
            SELECT m.first_into_id FROM above a JOIN merged_issues m ON m.project_id = $1 AND m.id = a.id
        )
        UPDATE merged_issues SET counters = '{}' WHERE project_id = $1 AND id IN (SELECT id FROM above)
        "#,
        project,
        to
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        r#"
        WITH RECURSIVE below (id) AS (
            SELECT id FROM merged_issues WHERE project_id = $1 AND first_into_id = $2
            UNION
            SELECT m.id FROM below b JOIN merged_issues m ON m.project_id = $1 AND m.first_into_id = b.id
        )
        UPDATE merged_issues SET into_id = $2 WHERE project_id = $1 AND into_id = $3 AND id IN (SELECT id FROM below)
        "#,
        project,
        to,
        split.from.0
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!("DELETE FROM merged_issues WHERE project_id = $1 AND id = $2", project, to).execute(&mut **tx).await?;
    Ok(())
}
