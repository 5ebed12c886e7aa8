//! Where issues stand: changes that people decide, the activity each leaves, and taking them back.

use serde_json::Value;
use sqlx::types::Json;
use time::OffsetDateTime;

use super::Tx;
use crate::domain::ids::{IssueId, ProjectId, UserId};
use crate::domain::issue::{Standing, Status};
use crate::domain::user::User;

/// An issue locked for a change.
#[derive(Clone, Debug)]
pub struct Locked {
    /// The project.
    pub project_id: ProjectId,
    /// The issue.
    pub id: IssueId,
    /// As it stands now.
    pub standing: Standing,
}

/// Locks those of the issues that `who` may see, in key order. What they may not see is as if it did not exist.
pub async fn lock_visible(tx: &mut Tx, issues: &[IssueId], who: &User) -> sqlx::Result<Vec<Locked>> {
    let rows = sqlx::query!(
        "SELECT i.project_id, i.id, i.status, i.status_at, i.ignore_until FROM issues i \
         WHERE i.id = ANY($1) AND ($2 OR EXISTS (SELECT 1 FROM project_members m WHERE m.project_id = i.project_id AND m.user_id = $3)) \
         ORDER BY i.project_id, i.id FOR NO KEY UPDATE OF i",
        &issues.iter().map(|id| id.0).collect::<Vec<_>>(),
        who.role.may_administer(),
        who.id.0
    )
    .fetch_all(&mut **tx)
    .await?;
    let locked = rows.into_iter().map(|row| Locked {
        project_id: ProjectId(row.project_id),
        id: IssueId(row.id),
        standing: standing(&row.status, row.status_at, row.ignore_until),
    });
    Ok(locked.collect())
}

/// Locks the issues that `who` changed at `at` and nothing has changed since, with how they stood before, in key order. Those they may
/// no longer see stay as they are.
pub async fn lock_undoable(tx: &mut Tx, who: &User, at: OffsetDateTime) -> sqlx::Result<Vec<Locked>> {
    let rows = sqlx::query!(
        r#"SELECT i.project_id, i.id, a.before AS "before!: Json<Standing>" FROM activities a
             JOIN issues i ON i.project_id = a.project_id AND i.id = a.issue_id AND i.status_at = a.at
             WHERE a.user_id = $1 AND a.at = $2 AND a.before IS NOT NULL
               AND ($3 OR EXISTS (SELECT 1 FROM project_members m WHERE m.project_id = i.project_id AND m.user_id = $1))
             ORDER BY i.project_id, i.id FOR NO KEY UPDATE OF i"#,
        who.id.0,
        at,
        who.role.may_administer()
    )
    .fetch_all(&mut **tx)
    .await?;
    let locked = rows.into_iter().map(|row| Locked { project_id: ProjectId(row.project_id), id: IssueId(row.id), standing: row.before.0 });
    Ok(locked.collect())
}

/// Writes where the issues stand now.
pub async fn update(tx: &mut Tx, issues: &[Locked]) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE issues i SET status = u.status, status_at = u.status_at, ignore_until = u.ignore_until \
         FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::timestamptz[], $5::text[]) AS u (project_id, id, status, status_at, ignore_until) \
         WHERE i.project_id = u.project_id AND i.id = u.id",
        &issues.iter().map(|issue| issue.project_id.0).collect::<Vec<_>>(),
        &issues.iter().map(|issue| issue.id.0).collect::<Vec<_>>(),
        &issues.iter().map(|issue| issue.standing.status.name().to_owned()).collect::<Vec<_>>(),
        &issues.iter().map(|issue| issue.standing.status_at).collect::<Vec<_>>(),
        &issues.iter().map(|issue| issue.standing.ignore_until.clone()).collect::<Vec<_>>(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// One activity of `who` for each issue; `before` is how each stood, for Undo.
pub async fn insert_activities(
    tx: &mut Tx,
    who: UserId,
    (kind, detail): (&str, &str),
    before: &[Locked],
    at: OffsetDateTime,
) -> sqlx::Result<()> {
    let standings: Vec<Value> = before.iter().map(|issue| serde_json::json!(issue.standing)).collect();
    sqlx::query!(
        "INSERT INTO activities (project_id, issue_id, user_id, kind, detail, before, at) \
         SELECT u.project_id, u.issue_id, $1, $2, $3, u.before, $4 \
         FROM unnest($5::bigint[], $6::bigint[], $7::jsonb[]) AS u (project_id, issue_id, before)",
        who.0,
        kind,
        detail,
        at,
        &before.iter().map(|issue| issue.project_id.0).collect::<Vec<_>>(),
        &before.iter().map(|issue| issue.id.0).collect::<Vec<_>>(),
        &standings
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Removes what `who` did to these issues at `at`: it was taken back.
pub async fn delete_activities(tx: &mut Tx, who: UserId, issues: &[Locked], at: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM activities WHERE user_id = $1 AND at = $2 AND before IS NOT NULL AND issue_id = ANY($3)",
        who.0,
        at,
        &issues.iter().map(|issue| issue.id.0).collect::<Vec<_>>()
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn standing(status: &str, status_at: OffsetDateTime, ignore_until: String) -> Standing {
    Standing { status: Status::parse(status).unwrap_or_default(), status_at, ignore_until }
}
