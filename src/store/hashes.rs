//! `issue_hashes`: which issue a fingerprint leads to.

use std::collections::{BTreeMap, HashMap};

use sqlx::PgExecutor;
use time::OffsetDateTime;

use super::{Tx, copy};
use crate::domain::fingerprint::Hash;
use crate::domain::ids::{IssueId, ProjectId};

/// Hashes of one issue. Beyond it, something that is different in every event takes part in its further hashes; those are not attached, and
/// the deciding one goes on leading to the issue.
pub const HASHES_MAX: i64 = 1_000;

/// A hash to attach to an issue.
#[derive(Clone, Copy, Debug)]
pub struct NewHash {
    /// Version of the algorithm that made it.
    pub algorithm: i16,
    /// Where it leads.
    pub issue_id: IssueId,
    /// Arrival of the event that brought it.
    pub first_seen_at: OffsetDateTime,
}

/// Where hashes lead that are known.
#[derive(Debug, Default)]
pub struct Found {
    /// To an issue.
    pub issues: HashMap<(ProjectId, Hash), IssueId>,
    /// Nowhere: the issue was deleted together with its future.
    pub discarded: HashMap<(ProjectId, Hash), IssueId>,
}

/// Where the hashes lead, both kinds in one question and as of one moment; hashes nobody has seen are missing from the answer.
pub async fn find(tx: &mut Tx, hashes: &[(ProjectId, Hash)]) -> sqlx::Result<Found> {
    let rows = sqlx::query!(
        r#"
        SELECT h.project_id AS "project_id!", h.hash AS "hash!", h.issue_id AS "issue_id!", false AS "is_discarded!"
        FROM unnest($1::int8[], $2::bytea[]) AS u (project_id, hash)
        JOIN issue_hashes h ON h.project_id = u.project_id AND h.hash = u.hash
        UNION ALL
        SELECT d.project_id, d.hash, d.issue_id, true
        FROM unnest($1::int8[], $2::bytea[]) AS u (project_id, hash)
        JOIN discarded_hashes d ON d.project_id = u.project_id AND d.hash = u.hash
        "#,
        &hashes.iter().map(|(project, _)| project.0).collect::<Vec<_>>(),
        &hashes.iter().map(|(_, hash)| hash.to_vec()).collect::<Vec<_>>(),
    )
    .fetch_all(&mut **tx)
    .await?;
    let mut found = Found::default();
    for row in rows {
        let Ok(hash) = Hash::try_from(row.hash) else { continue };
        let known = if row.is_discarded { &mut found.discarded } else { &mut found.issues };
        known.insert((ProjectId(row.project_id), hash), IssueId(row.issue_id));
    }
    Ok(found)
}

/// The issues the hashes lead to; hashes nobody has seen are missing from the answer.
pub async fn list(tx: &mut Tx, hashes: &[(ProjectId, Hash)]) -> sqlx::Result<HashMap<(ProjectId, Hash), IssueId>> {
    let projects: Vec<i64> = hashes.iter().map(|(project, _)| project.0).collect();
    let values: Vec<Vec<u8>> = hashes.iter().map(|(_, hash)| hash.to_vec()).collect();
    let rows = sqlx::query!(
        r#"
        SELECT h.project_id, h.hash, h.issue_id
        FROM unnest($1::int8[], $2::bytea[]) AS u (project_id, hash)
        JOIN issue_hashes h ON h.project_id = u.project_id AND h.hash = u.hash
        "#,
        &projects,
        &values,
    )
    .fetch_all(&mut **tx)
    .await?;
    let known = rows.into_iter().filter_map(|row| {
        let hash: Hash = row.hash.try_into().ok()?;
        Some(((ProjectId(row.project_id), hash), IssueId(row.issue_id)))
    });
    Ok(known.collect())
}

/// Where a hash leads.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// The issue.
    pub issue_id: IssueId,
    /// A person decided that.
    pub pinned: bool,
}

/// As [`list`], with who decided it.
pub async fn list_leads(tx: &mut Tx, hashes: &[(ProjectId, Hash)]) -> sqlx::Result<Vec<((ProjectId, Hash), Known)>> {
    let rows = sqlx::query!(
        r#"
        SELECT h.project_id, h.hash, h.issue_id, h.pinned
        FROM unnest($1::int8[], $2::bytea[]) AS u (project_id, hash)
        JOIN issue_hashes h ON h.project_id = u.project_id AND h.hash = u.hash
        "#,
        &hashes.iter().map(|(project, _)| project.0).collect::<Vec<_>>(),
        &hashes.iter().map(|(_, hash)| hash.to_vec()).collect::<Vec<_>>(),
    )
    .fetch_all(&mut **tx)
    .await?;
    let known = rows.into_iter().filter_map(|row| {
        let hash: Hash = row.hash.try_into().ok()?;
        Some(((ProjectId(row.project_id), hash), Known { issue_id: IssueId(row.issue_id), pinned: row.pinned }))
    });
    Ok(known.collect())
}

/// How many hashes lead to each of the issues, counted up to [`HASHES_MAX`]. To be asked only of issues that get another.
pub async fn counts(tx: &mut Tx, issues: &[(ProjectId, IssueId)]) -> sqlx::Result<HashMap<(ProjectId, IssueId), i64>> {
    if issues.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query!(
        r#"
        SELECT u.project_id AS "project_id!", u.issue_id AS "issue_id!", h.hash_count AS "hash_count!"
        FROM unnest($1::int8[], $2::int8[]) AS u (project_id, issue_id)
        CROSS JOIN LATERAL (
            SELECT count(*) AS hash_count
            FROM (SELECT 1 FROM issue_hashes h WHERE h.project_id = u.project_id AND h.issue_id = u.issue_id LIMIT $3) AS h
        ) AS h
        "#,
        &issues.iter().map(|issue| issue.0.0).collect::<Vec<_>>(),
        &issues.iter().map(|issue| issue.1.0).collect::<Vec<_>>(),
        HASHES_MAX,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| ((ProjectId(row.project_id), IssueId(row.issue_id)), row.hash_count)).collect())
}

/// Attaches hashes that nobody has seen, in key order. A violation of `issue_hashes_pkey` means that another node was first, and that what was
/// decided about them no longer holds.
pub async fn attach(tx: &mut Tx, hashes: &BTreeMap<(ProjectId, Hash), NewHash>) -> sqlx::Result<()> {
    let statement = "COPY issue_hashes (project_id, hash, algorithm, issue_id, first_seen_at) FROM STDIN (FORMAT binary)";
    copy::rows(tx, statement, hashes, 5, |row, ((project, hash), new)| {
        row.int8(project.0).bytes(hash).int2(new.algorithm).int8(new.issue_id.0).time(new.first_seen_at);
    })
    .await
}

/// Where hashes of one project lead; those that nobody has seen are missing from the answer.
pub async fn list_of_project(db: impl PgExecutor<'_>, project: ProjectId, hashes: &[Hash]) -> sqlx::Result<HashMap<Hash, IssueId>> {
    let rows = sqlx::query!(
        "SELECT hash, issue_id FROM issue_hashes WHERE project_id = $1 AND hash = ANY ($2)",
        project.0,
        &hashes.iter().map(|hash| hash.to_vec()).collect::<Vec<_>>(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.hash.try_into().ok()?, IssueId(row.issue_id)))).collect())
}
