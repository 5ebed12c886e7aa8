//! `new_issue_rates`: how many issues a project made lately. The row is also the lock under which nodes found issues one after the other.

use std::collections::HashMap;

use time::OffsetDateTime;

use super::Tx;
use crate::domain::ids::ProjectId;
use crate::domain::new_issues::Bucket;

/// The buckets of the projects, held until the transaction ends; an empty one as of `at` where there is none. In the order of the projects.
pub async fn hold(tx: &mut Tx, projects: &[ProjectId], at: OffsetDateTime) -> sqlx::Result<HashMap<ProjectId, Bucket>> {
    let rows = sqlx::query!(
        r#"
        INSERT INTO new_issue_rates AS r (project_id, level, at)
        SELECT project_id, 0, $2 FROM unnest($1::int8[]) AS u (project_id) ORDER BY project_id
        ON CONFLICT (project_id) DO UPDATE SET level = r.level
        RETURNING project_id, level, at
        "#,
        &projects.iter().map(|project| project.0).collect::<Vec<_>>(),
        at,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| (ProjectId(row.project_id), Bucket { level: row.level, at: row.at })).collect())
}

/// Writes buckets that [`hold`] holds.
pub async fn update(tx: &mut Tx, buckets: &[(ProjectId, Bucket)]) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        UPDATE new_issue_rates AS r
        SET level = u.level, at = u.at
        FROM unnest($1::int8[], $2::float8[], $3::timestamptz[]) AS u (project_id, level, at)
        WHERE r.project_id = u.project_id
        "#,
        &buckets.iter().map(|(project, _)| project.0).collect::<Vec<_>>(),
        &buckets.iter().map(|(_, bucket)| bucket.level).collect::<Vec<_>>(),
        &buckets.iter().map(|(_, bucket)| bucket.at).collect::<Vec<_>>(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
