//! What people change about alerts: rules, and mail about one issue.

use anyhow::Context;

use crate::clock::Clock;
use crate::domain::alert_rule::AlertRule;
use crate::domain::ids::{IssueId, ProjectId, UserId};
use crate::store::{self, Db, alert_outbox, alert_rules};

/// Stores a changed rule. The caller has checked that its person may work on the project.
pub async fn change(db: &Db, clock: &Clock, rule: &AlertRule) -> anyhow::Result<()> {
    let mut tx = store::begin(db).await?;
    alert_rules::update(&mut tx, rule, clock.now()).await.context("storing the rule")?;
    Ok(tx.commit().await?)
}

/// No more mail about the issue for this person. Asking twice is no error.
pub async fn mute(db: &Db, clock: &Clock, project: ProjectId, issue: IssueId, user: UserId) -> anyhow::Result<()> {
    let mut tx = store::begin(db).await?;
    alert_outbox::mute(&mut tx, project, issue, user, clock.now()).await.context("muting the issue")?;
    Ok(tx.commit().await?)
}
