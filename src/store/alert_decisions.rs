//! Deciding to tell somebody: rules and numbers in, rows of `alerts` out, inside the transaction that made it true.
//! Everything after such a row (folding, mails, spikes) is elsewhere.

use std::collections::HashMap;

use serde_json::Value;
use sqlx::PgExecutor;
use time::{Duration, OffsetDateTime};

use super::Tx;
use crate::domain::alert::{Kind, Numbers};
use crate::domain::ids::{IssueId, ProjectId, RuleId};

/// An enabled rule about new or regressed issues.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Whose rule.
    pub project_id: ProjectId,
    /// Which.
    pub id: RuleId,
    /// What it tells.
    pub kind: Kind,
    /// Lowest level it tells, as a number.
    pub min_level: i16,
    /// Only this environment; empty: all.
    pub environment: String,
}

/// A decision to insert.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Where.
    pub project_id: ProjectId,
    /// About what.
    pub issue_id: IssueId,
    /// The rule that asked for it.
    pub rule_id: RuleId,
    /// Why.
    pub kind: Kind,
    /// Arrival of the event that decided; with issue and kind, the key that stops doubles.
    pub since: OffsetDateTime,
    /// What justified it.
    pub numbers: Numbers,
}

/// The enabled rules about new and regressed issues of the projects, oldest first.
pub async fn rules(db: impl PgExecutor<'_>, projects: &[ProjectId]) -> sqlx::Result<Vec<Rule>> {
    let projects: Vec<i64> = projects.iter().map(|project| project.0).collect();
    let rows = sqlx::query!(
        r#"
        SELECT project_id, id, kind, min_level, environment
        FROM alert_rules
        WHERE project_id = ANY ($1) AND enabled AND kind IN ('new', 'regressed')
        ORDER BY project_id, id
        "#,
        &projects,
    )
    .fetch_all(db)
    .await?;
    let rules = rows.into_iter().filter_map(|row| {
        Some(Rule {
            project_id: ProjectId(row.project_id),
            id: RuleId(row.id),
            kind: Kind::parse(&row.kind)?,
            min_level: row.min_level,
            environment: row.environment,
        })
    });
    Ok(rules.collect())
}

/// What is known of the issues now: counts of the last 15 and 60 minutes before `now`, totals, people, and who resolved it last.
pub async fn numbers(tx: &mut Tx, issues: &[(ProjectId, IssueId)], now: OffsetDateTime) -> sqlx::Result<HashMap<IssueId, Numbers>> {
    let rows = sqlx::query!(
        r#"
        SELECT i.id, i.event_count, i.user_count, recent.last15 AS "last15!", recent.last60 AS "last60!", recent.capped60 AS "capped60!",
            people.people60 AS "people60!", resolved.by AS "resolved_by?", resolved.at AS "resolved_at?"
        FROM unnest($1::int8[], $2::int8[]) AS u (project_id, id)
        JOIN issues i ON i.project_id = u.project_id AND i.id = u.id
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(m.clean_count) FILTER (WHERE m.minute > $4), 0)::int8 AS last15,
                coalesce(sum(m.clean_count), 0)::int8 AS last60, coalesce(sum(m.capped_count), 0)::int8 AS capped60
            FROM issue_minutes m
            WHERE m.project_id = u.project_id AND m.issue_id = u.id AND m.minute > $3
        ) AS recent
        CROSS JOIN LATERAL (
            SELECT count(DISTINCT q.person) AS people60
            FROM issue_quarter_people q
            WHERE q.project_id = u.project_id AND q.issue_id = u.id AND q.last_seen_at > $3
        ) AS people
        LEFT JOIN LATERAL (
            SELECT coalesce(nullif(w.name, ''), w.email) AS by, a.at
            FROM activities a
            LEFT JOIN users w ON w.id = a.user_id
            WHERE a.project_id = u.project_id AND a.issue_id = u.id AND a.kind = 'resolved'
            ORDER BY a.at DESC, a.id DESC
            LIMIT 1
        ) AS resolved ON true
        "#,
        &issues.iter().map(|issue| issue.0.0).collect::<Vec<_>>(),
        &issues.iter().map(|issue| issue.1.0).collect::<Vec<_>>(),
        now - Duration::minutes(60),
        now - Duration::minutes(15),
    )
    .fetch_all(&mut **tx)
    .await?;
    let numbers = rows.into_iter().map(|row| {
        let numbers = Numbers {
            event_count: row.event_count,
            user_count: row.user_count,
            last15: row.last15,
            last60: row.last60,
            capped60: row.capped60,
            people60: row.people60,
            resolved_by: row.resolved_by,
            resolved_at: row.resolved_at.and_then(|at| at.format(&time::format_description::well_known::Rfc3339).ok()),
            ..Numbers::default()
        };
        (IssueId(row.id), numbers)
    });
    Ok(numbers.collect())
}

/// Inserts the decisions; one that was made before stays as it was.
pub async fn insert(tx: &mut Tx, decisions: &[Decision], decided_at: OffsetDateTime) -> sqlx::Result<u64> {
    if decisions.is_empty() {
        return Ok(0);
    }
    let numbers: Vec<Value> = decisions
        .iter()
        .map(|decision| serde_json::to_value(&decision.numbers))
        .collect::<Result<_, _>>()
        .map_err(|error| sqlx::Error::Encode(error.into()))?;
    let done = sqlx::query!(
        r#"
        INSERT INTO alerts (project_id, rule_id, issue_id, kind, since, decided_at, numbers)
        SELECT project_id, rule_id, issue_id, kind, since, $7, numbers
        FROM unnest($1::int8[], $2::int8[], $3::int8[], $4::text[], $5::timestamptz[], $6::jsonb[])
            AS u (project_id, rule_id, issue_id, kind, since, numbers)
        ON CONFLICT ON CONSTRAINT alerts_once_key DO NOTHING
        "#,
        &decisions.iter().map(|decision| decision.project_id.0).collect::<Vec<_>>(),
        &decisions.iter().map(|decision| decision.rule_id.0).collect::<Vec<_>>(),
        &decisions.iter().map(|decision| decision.issue_id.0).collect::<Vec<_>>(),
        &decisions.iter().map(|decision| decision.kind.name().to_owned()).collect::<Vec<_>>(),
        &decisions.iter().map(|decision| decision.since).collect::<Vec<_>>(),
        &numbers,
        decided_at,
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}
