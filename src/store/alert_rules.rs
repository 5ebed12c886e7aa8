//! The alert rules of projects.

use anyhow::Context;
use sqlx::PgExecutor;
use time::OffsetDateTime;

use super::Tx;
use super::text::clean;
use crate::domain::alert::Kind;
use crate::domain::alert_rule::{AlertRule, Recipients};
use crate::domain::ids::{ProjectId, RuleId};
use crate::domain::level::Level;
use crate::domain::spike::Sensitivity;

struct Row {
    project_id: i64,
    id: i64,
    kind: String,
    name: String,
    enabled: bool,
    min_level: i16,
    environment: String,
    recipients: String,
    sensitivity: String,
    updated_at: OffsetDateTime,
}

impl TryFrom<Row> for AlertRule {
    type Error = anyhow::Error;
    fn try_from(row: Row) -> anyhow::Result<Self> {
        Ok(Self {
            id: RuleId(row.id),
            project_id: ProjectId(row.project_id),
            kind: Kind::parse(&row.kind).with_context(|| format!("alert_rules.kind of rule {} is {:?}", row.id, row.kind))?,
            name: row.name,
            enabled: row.enabled,
            min_level: Level::from_number(i64::from(row.min_level))
                .with_context(|| format!("alert_rules.min_level of rule {} is {}", row.id, row.min_level))?,
            environment: row.environment,
            recipients: Recipients::parse(&row.recipients),
            sensitivity: Sensitivity::parse(&row.sensitivity).unwrap_or_default(),
            updated_at: row.updated_at,
        })
    }
}

/// The rules of a project, in the order they were made.
pub async fn list(db: impl PgExecutor<'_>, project: ProjectId) -> anyhow::Result<Vec<AlertRule>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT project_id, id, kind, name, enabled, min_level, environment, recipients, sensitivity, updated_at
         FROM alert_rules WHERE project_id = $1 ORDER BY id",
        project.0
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(AlertRule::try_from).collect()
}

/// The rules of several projects about issues that are new or came back, on and off, in the order they were made.
pub async fn list_of_digest(db: impl PgExecutor<'_>, projects: &[ProjectId]) -> sqlx::Result<Vec<AlertRule>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT project_id, id, kind, name, enabled, min_level, environment, recipients, sensitivity, updated_at
         FROM alert_rules WHERE project_id = ANY ($1) AND kind IN ('new', 'regressed') ORDER BY project_id, id",
        &projects.iter().map(|project| project.0).collect::<Vec<_>>()
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(|row| AlertRule::try_from(row).map_err(|problem| sqlx::Error::Decode(problem.into()))).collect()
}

/// The rule that decides about a kind of alert.
pub async fn find_for(db: impl PgExecutor<'_>, project: ProjectId, kind: Kind) -> anyhow::Result<Option<AlertRule>> {
    let row = sqlx::query_as!(
        Row,
        "SELECT project_id, id, kind, name, enabled, min_level, environment, recipients, sensitivity, updated_at
         FROM alert_rules WHERE project_id = $1 AND kind = $2 ORDER BY id LIMIT 1",
        project.0,
        kind.rule()
    )
    .fetch_optional(db)
    .await?;
    row.map(AlertRule::try_from).transpose()
}

/// A rule by its id, of whichever project.
pub async fn find(db: impl PgExecutor<'_>, id: RuleId) -> anyhow::Result<Option<AlertRule>> {
    let row = sqlx::query_as!(
        Row,
        "SELECT project_id, id, kind, name, enabled, min_level, environment, recipients, sensitivity, updated_at
         FROM alert_rules WHERE id = $1",
        id.0
    )
    .fetch_optional(db)
    .await?;
    row.map(AlertRule::try_from).transpose()
}

/// Stores everything a form can change.
pub async fn update(tx: &mut Tx, rule: &AlertRule, now: OffsetDateTime) -> sqlx::Result<()> {
    let (name, environment) = (clean(&rule.name), clean(&rule.environment));
    sqlx::query!(
        "UPDATE alert_rules SET name = $3, enabled = $4, min_level = $5, environment = $6, recipients = $7, sensitivity = $8,
                                updated_at = $9
         WHERE project_id = $1 AND id = $2",
        rule.project_id.0,
        rule.id.0,
        name.as_ref() as &str,
        rule.enabled,
        rule.min_level.number(),
        environment.as_ref() as &str,
        rule.recipients.to_text(),
        rule.sensitivity.name(),
        now
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
