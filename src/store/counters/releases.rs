//! `releases` and `issue_releases`: in which version things happen.

use std::collections::{BTreeMap, HashSet};

use time::OffsetDateTime;

use super::OTHER;
use crate::domain::ids::{IssueId, ProjectId};
use crate::store::{Tx, copy};

/// Releases a project can have. Beyond it new names are counted together as [`super::OTHER`]; somebody sends something unique, like
/// a request id, as the release.
pub const RELEASES_MAX: i64 = 10_000;

/// What happened in one release.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Events.
    pub event_count: i64,
    /// Earliest and latest of these, as they happened.
    pub first_seen_at: OffsetDateTime,
    /// See `first_seen_at`.
    pub last_seen_at: OffsetDateTime,
}

impl Seen {
    /// Both together.
    pub fn join(&mut self, other: Self) {
        self.event_count += other.event_count;
        self.first_seen_at = self.first_seen_at.min(other.first_seen_at);
        self.last_seen_at = self.last_seen_at.max(other.last_seen_at);
    }
}

/// Adds to the releases of projects and tells which of them the project has: all, until there are [`RELEASES_MAX`].
pub async fn add_to_projects(tx: &mut Tx, seen: &BTreeMap<(ProjectId, String), Seen>) -> sqlx::Result<HashSet<(ProjectId, String)>> {
    if seen.is_empty() {
        return Ok(HashSet::new());
    }
    // The count that enforces the limit is only made for new names, once for each project; it never costs more than the limit allows.
    let rows = sqlx::query!(
        r#"
        WITH u AS MATERIALIZED (
            SELECT u.project_id, u.version, u.first_seen_at, u.last_seen_at, u.event_count,
                u.version = $7 OR EXISTS (SELECT 1 FROM releases r WHERE r.project_id = u.project_id AND r.version = u.version) AS known
            FROM unnest($1::int8[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::int8[])
                AS u (project_id, version, first_seen_at, last_seen_at, event_count)
        ), placed AS (
            SELECT project_id, version, first_seen_at, last_seen_at, event_count, known,
                row_number() OVER (PARTITION BY project_id, known ORDER BY version) AS place FROM u
        ), taken AS (
            SELECT p.project_id, (SELECT count(*) FROM releases r WHERE r.project_id = p.project_id) AS version_count
            FROM (SELECT DISTINCT project_id FROM u WHERE NOT known) AS p
        )
        INSERT INTO releases AS r (project_id, version, first_seen_at, last_seen_at, event_count)
        SELECT u.project_id, u.version, u.first_seen_at, u.last_seen_at, u.event_count
        FROM placed AS u
        LEFT JOIN taken t ON t.project_id = u.project_id
        WHERE u.known OR u.place + t.version_count <= $6
        ORDER BY u.project_id, u.version
        ON CONFLICT (project_id, version) DO UPDATE
        SET first_seen_at = least(r.first_seen_at, excluded.first_seen_at),
            last_seen_at = greatest(r.last_seen_at, excluded.last_seen_at),
            event_count = r.event_count + excluded.event_count
        RETURNING project_id, version
        "#,
        &seen.keys().map(|key| key.0.0).collect::<Vec<_>>(),
        &seen.keys().map(|key| key.1.clone()).collect::<Vec<_>>(),
        &seen.values().map(|seen| seen.first_seen_at).collect::<Vec<_>>(),
        &seen.values().map(|seen| seen.last_seen_at).collect::<Vec<_>>(),
        &seen.values().map(|seen| seen.event_count).collect::<Vec<_>>(),
        RELEASES_MAX,
        OTHER,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| (ProjectId(row.project_id), row.version)).collect())
}

/// Adds to the releases of issues.
pub async fn add_to_issues(tx: &mut Tx, seen: &BTreeMap<(ProjectId, IssueId, String), Seen>) -> sqlx::Result<()> {
    if seen.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        INSERT INTO issue_releases AS r (project_id, issue_id, release, event_count, first_seen_at, last_seen_at)
        SELECT project_id, issue_id, release, event_count, first_seen_at, last_seen_at
        FROM unnest($1::int8[], $2::int8[], $3::text[], $4::int8[], $5::timestamptz[], $6::timestamptz[])
            AS u (project_id, issue_id, release, event_count, first_seen_at, last_seen_at)
        ON CONFLICT (project_id, issue_id, release) DO UPDATE
        SET event_count = r.event_count + excluded.event_count,
            first_seen_at = least(r.first_seen_at, excluded.first_seen_at),
            last_seen_at = greatest(r.last_seen_at, excluded.last_seen_at)
        "#,
        &seen.keys().map(|key| key.0.0).collect::<Vec<_>>(),
        &seen.keys().map(|key| key.1.0).collect::<Vec<_>>(),
        &seen.keys().map(|key| key.2.clone()).collect::<Vec<_>>(),
        &seen.values().map(|seen| seen.event_count).collect::<Vec<_>>(),
        &seen.values().map(|seen| seen.first_seen_at).collect::<Vec<_>>(),
        &seen.values().map(|seen| seen.last_seen_at).collect::<Vec<_>>(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The releases of issues that this transaction made.
pub async fn insert_of_issues(tx: &mut Tx, seen: &BTreeMap<(ProjectId, IssueId, String), Seen>) -> sqlx::Result<()> {
    let statement = "COPY issue_releases (project_id, issue_id, release, event_count, first_seen_at, last_seen_at)
        FROM STDIN (FORMAT binary)";
    copy::rows(tx, statement, seen, 6, |row, ((project, issue, release), seen)| {
        row.int8(project.0).int8(issue.0).text(release).int8(seen.event_count).time(seen.first_seen_at).time(seen.last_seen_at);
    })
    .await
}
