//! `issue_hashes`: which issue a fingerprint leads to.

use std::collections::{BTreeMap, HashMap};

use time::OffsetDateTime;

use super::{Tx, copy};
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

/// Attaches hashes that nobody has seen, in key order. A violation of `issue_hashes_pkey` means that another node was first, and that what was
/// decided about them no longer holds.
pub async fn attach(tx: &mut Tx, hashes: &BTreeMap<(ProjectId, Hash), NewHash>) -> sqlx::Result<()> {
    let statement = "COPY issue_hashes (project_id, hash, algorithm, issue_id, first_seen_at) FROM STDIN (FORMAT binary)";
    copy::rows(tx, statement, hashes, 5, |row, ((project, hash), new)| {
        row.int8(project.0).bytes(hash).int2(new.algorithm).int8(new.issue_id.0).time(new.first_seen_at);
    })
    .await
}
