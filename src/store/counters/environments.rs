//! `environments` and `issue_environments`: where things happen.

use std::collections::{BTreeMap, HashMap, HashSet};

use time::OffsetDateTime;

use super::OTHER;
use crate::domain::ids::{IssueId, ProjectId};
use crate::store::{Tx, copy};

/// Environments a project can have. Beyond it new names are counted together as [`super::OTHER`]: they are not environments but
/// something unique that got into the field.
pub const ENVIRONMENTS_MAX: i64 = 200;

/// What one issue did in one environment.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Events.
    pub event_count: i64,
    /// Earliest and latest of these, as they happened.
    pub first_seen_at: OffsetDateTime,
    /// See `first_seen_at`.
    pub last_seen_at: OffsetDateTime,
    /// Highest level of the clean events among them, 0 for none.
    pub top_level: i16,
}

impl Seen {
    /// Both together.
    pub fn join(&mut self, other: Self) {
        self.event_count += other.event_count;
        self.first_seen_at = self.first_seen_at.min(other.first_seen_at);
        self.last_seen_at = self.last_seen_at.max(other.last_seen_at);
        self.top_level = self.top_level.max(other.top_level);
    }
}

/// Notes that the environments were seen between the two times and tells which of them the project has: all, until there are
/// [`ENVIRONMENTS_MAX`]. Two nodes may each add one at the limit; it is no exact limit.
pub async fn upsert(
    tx: &mut Tx,
    seen: &BTreeMap<(ProjectId, String), (OffsetDateTime, OffsetDateTime)>,
) -> sqlx::Result<HashSet<(ProjectId, String)>> {
    if seen.is_empty() {
        return Ok(HashSet::new());
    }
    let rows = sqlx::query!(
        r#"
        WITH u AS MATERIALIZED (
            SELECT u.project_id, u.name, u.first_seen_at, u.last_seen_at,
                u.name = $6 OR EXISTS (SELECT 1 FROM environments e WHERE e.project_id = u.project_id AND e.name = u.name) AS known
            FROM unnest($1::int8[], $2::text[], $3::timestamptz[], $4::timestamptz[]) AS u (project_id, name, first_seen_at, last_seen_at)
        ), placed AS (
            SELECT project_id, name, first_seen_at, last_seen_at, known,
                row_number() OVER (PARTITION BY project_id, known ORDER BY name) AS place FROM u
        ), taken AS (
            SELECT p.project_id, (SELECT count(*) FROM environments e WHERE e.project_id = p.project_id) AS name_count
            FROM (SELECT DISTINCT project_id FROM u WHERE NOT known) AS p
        )
        INSERT INTO environments AS e (project_id, name, first_seen_at, last_seen_at)
        SELECT u.project_id, u.name, u.first_seen_at, u.last_seen_at
        FROM placed AS u
        LEFT JOIN taken t ON t.project_id = u.project_id
        WHERE u.known OR u.place + t.name_count <= $5
        ORDER BY u.project_id, u.name
        ON CONFLICT (project_id, name) DO UPDATE
        SET first_seen_at = least(e.first_seen_at, excluded.first_seen_at), last_seen_at = greatest(e.last_seen_at, excluded.last_seen_at)
        RETURNING project_id, name
        "#,
        &seen.keys().map(|key| key.0.0).collect::<Vec<_>>(),
        &seen.keys().map(|key| key.1.clone()).collect::<Vec<_>>(),
        &seen.values().map(|times| times.0).collect::<Vec<_>>(),
        &seen.values().map(|times| times.1).collect::<Vec<_>>(),
        ENVIRONMENTS_MAX,
        OTHER,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| (ProjectId(row.project_id), row.name)).collect())
}

/// The highest level of a clean event of each issue in each environment so far; pairs never seen are missing.
pub async fn top_levels(tx: &mut Tx, pairs: &[(ProjectId, IssueId, String)]) -> sqlx::Result<HashMap<(ProjectId, IssueId, String), i16>> {
    let rows = sqlx::query!(
        r#"
        SELECT e.project_id, e.issue_id, e.environment, e.top_level
        FROM unnest($1::int8[], $2::int8[], $3::text[]) AS u (project_id, issue_id, environment)
        JOIN issue_environments e ON e.project_id = u.project_id AND e.issue_id = u.issue_id AND e.environment = u.environment
        "#,
        &pairs.iter().map(|pair| pair.0.0).collect::<Vec<_>>(),
        &pairs.iter().map(|pair| pair.1.0).collect::<Vec<_>>(),
        &pairs.iter().map(|pair| pair.2.clone()).collect::<Vec<_>>(),
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| ((ProjectId(row.project_id), IssueId(row.issue_id), row.environment), row.top_level)).collect())
}

/// Adds to the environments of issues.
pub async fn add(tx: &mut Tx, seen: &BTreeMap<(ProjectId, IssueId, String), Seen>) -> sqlx::Result<()> {
    if seen.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        INSERT INTO issue_environments AS e (project_id, issue_id, environment, event_count, first_seen_at, last_seen_at, top_level)
        SELECT project_id, issue_id, environment, event_count, first_seen_at, last_seen_at, top_level
        FROM unnest($1::int8[], $2::int8[], $3::text[], $4::int8[], $5::timestamptz[], $6::timestamptz[], $7::int2[])
            AS u (project_id, issue_id, environment, event_count, first_seen_at, last_seen_at, top_level)
        ON CONFLICT (project_id, issue_id, environment) DO UPDATE
        SET event_count = e.event_count + excluded.event_count,
            first_seen_at = least(e.first_seen_at, excluded.first_seen_at),
            last_seen_at = greatest(e.last_seen_at, excluded.last_seen_at),
            top_level = greatest(e.top_level, excluded.top_level)
        "#,
        &seen.keys().map(|key| key.0.0).collect::<Vec<_>>(),
        &seen.keys().map(|key| key.1.0).collect::<Vec<_>>(),
        &seen.keys().map(|key| key.2.clone()).collect::<Vec<_>>(),
        &seen.values().map(|seen| seen.event_count).collect::<Vec<_>>(),
        &seen.values().map(|seen| seen.first_seen_at).collect::<Vec<_>>(),
        &seen.values().map(|seen| seen.last_seen_at).collect::<Vec<_>>(),
        &seen.values().map(|seen| seen.top_level).collect::<Vec<_>>(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The environments of issues that this transaction made.
pub async fn insert(tx: &mut Tx, seen: &BTreeMap<(ProjectId, IssueId, String), Seen>) -> sqlx::Result<()> {
    let statement = "COPY issue_environments (project_id, issue_id, environment, event_count, first_seen_at, last_seen_at, top_level)
        FROM STDIN (FORMAT binary)";
    copy::rows(tx, statement, seen, 7, |row, ((project, issue, name), seen)| {
        row.int8(project.0).int8(issue.0).text(name).int8(seen.event_count);
        row.time(seen.first_seen_at).time(seen.last_seen_at).int2(seen.top_level);
    })
    .await
}
