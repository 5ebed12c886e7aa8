//! `activities`: what happened to an issue, for its page.

use time::OffsetDateTime;

use super::Tx;
use crate::domain::ids::{IssueId, ProjectId, UserId};

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct NewActivity {
    /// Where.
    pub project_id: ProjectId,
    /// To what.
    pub issue_id: IssueId,
    /// Who did it; `None`: Bugle itself.
    pub user_id: Option<UserId>,
    /// `first_seen`, `resolved`, `reopened`, `ignored`, `regressed`, `alerted`, `merged`, `split`.
    pub kind: &'static str,
    /// What the kind does not say, for people.
    pub detail: String,
    /// When.
    pub at: OffsetDateTime,
}

/// Notes what happened, in the order given.
pub async fn insert(tx: &mut Tx, activities: &[NewActivity]) -> sqlx::Result<()> {
    if activities.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        INSERT INTO activities (project_id, issue_id, user_id, kind, detail, at)
        SELECT project_id, issue_id, user_id, kind, detail, at
        FROM unnest($1::int8[], $2::int8[], $3::int8[], $4::text[], $5::text[], $6::timestamptz[])
            AS u (project_id, issue_id, user_id, kind, detail, at)
        "#,
        &activities.iter().map(|activity| activity.project_id.0).collect::<Vec<_>>(),
        &activities.iter().map(|activity| activity.issue_id.0).collect::<Vec<_>>(),
        &activities.iter().map(|activity| activity.user_id.map(|user| user.0)).collect::<Vec<_>>() as &[Option<i64>],
        &activities.iter().map(|activity| activity.kind.to_owned()).collect::<Vec<_>>(),
        &activities.iter().map(|activity| super::text::clean(&activity.detail).into_owned()).collect::<Vec<_>>(),
        &activities.iter().map(|activity| activity.at).collect::<Vec<_>>(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
