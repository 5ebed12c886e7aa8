//! `issue_hashes`: which issue a fingerprint leads to.

use std::collections::{BTreeMap, HashMap};

use time::OffsetDateTime;

use super::Tx;
use crate::domain::fingerprint::Hash;
use crate::domain::ids::{IssueId, ProjectId};

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

/// Attaches hashes in key order and tells how many were really new: fewer than asked means that another node was first, and that
/// what was decided about them no longer holds.
pub async fn attach(tx: &mut Tx, hashes: &BTreeMap<(ProjectId, Hash), NewHash>) -> sqlx::Result<u64> {
    if hashes.is_empty() {
        return Ok(0);
    }
    let (mut projects, mut values, mut algorithms, mut issues, mut times) = (vec![], vec![], vec![], vec![], vec![]);
    for ((project, hash), new) in hashes {
        projects.push(project.0);
        values.push(hash.to_vec());
        algorithms.push(new.algorithm);
        issues.push(new.issue_id.0);
        times.push(new.first_seen_at);
    }
    let done = sqlx::query!(
        r#"
        INSERT INTO issue_hashes (project_id, hash, algorithm, issue_id, first_seen_at)
        SELECT project_id, hash, algorithm, issue_id, first_seen_at
        FROM unnest($1::int8[], $2::bytea[], $3::int2[], $4::int8[], $5::timestamptz[])
            AS u (project_id, hash, algorithm, issue_id, first_seen_at)
        ON CONFLICT (project_id, hash) DO NOTHING
        "#,
        &projects,
        &values,
        &algorithms,
        &issues,
        &times,
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}
