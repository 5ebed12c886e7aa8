//! Deciding to tell somebody: numbers in, rows of `alerts` out, inside the transaction that made it true.
//! Everything after such a row (folding, mails, spikes) is elsewhere.

use std::collections::HashMap;

use serde_json::Value;
use time::{Duration, OffsetDateTime};

use super::Tx;
use super::text::clean;
use crate::domain::alert::{Kind, Numbers};
use crate::domain::ids::{IssueId, ProjectId, RuleId};

/// A decision to insert.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Where.
    pub project_id: ProjectId,
    /// About what.
    pub issue_id: IssueId,
    /// The rule that was asked.
    pub rule_id: Option<RuleId>,
    /// Why.
    pub kind: Kind,
    /// Arrival of the event that decided; with issue and kind, the key that stops doubles.
    pub since: OffsetDateTime,
    /// What justified it.
    pub numbers: Numbers,
    /// `Some`: told to nobody, for this reason.
    pub held_reason: Option<String>,
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

/// Inserts the decisions, each once by issue, kind and `since`; one that was made before stays as it was, unless it was held back and is
/// now to be told.
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
        INSERT INTO alerts (project_id, rule_id, issue_id, kind, since, decided_at, numbers, state, held_reason, settled_at)
        SELECT project_id, rule_id, issue_id, kind, since, $8::timestamptz, numbers,
            CASE WHEN held_reason IS NULL THEN 'pending' ELSE 'held' END, coalesce(held_reason, ''),
            CASE WHEN held_reason IS NOT NULL THEN $8::timestamptz END
        FROM unnest($1::int8[], $2::int8[], $3::int8[], $4::text[], $5::timestamptz[], $6::jsonb[], $7::text[])
            AS u (project_id, rule_id, issue_id, kind, since, numbers, held_reason)
        ON CONFLICT ON CONSTRAINT alerts_once_key DO UPDATE
        SET state = 'pending', held_reason = '', settled_at = NULL, rule_id = excluded.rule_id, numbers = excluded.numbers
        WHERE alerts.state = 'held' AND excluded.state = 'pending'
        "#,
        &decisions.iter().map(|decision| decision.project_id.0).collect::<Vec<_>>(),
        &decisions.iter().map(|decision| decision.rule_id.map(|id| id.0)).collect::<Vec<_>>() as &[Option<i64>],
        &decisions.iter().map(|decision| decision.issue_id.0).collect::<Vec<_>>(),
        &decisions.iter().map(|decision| decision.kind.name().to_owned()).collect::<Vec<_>>(),
        &decisions.iter().map(|decision| decision.since).collect::<Vec<_>>(),
        &numbers,
        &decisions.iter().map(|decision| decision.held_reason.as_deref().map(|why| clean(why).into_owned())).collect::<Vec<_>>()
            as &[Option<String>],
        decided_at,
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}
