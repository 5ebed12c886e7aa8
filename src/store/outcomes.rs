//! What became of everything that arrived: `project_outcomes`, per project, hour of arrival, category, outcome and reason.

use time::OffsetDateTime;

use super::Tx;
use super::text::clean_cut;
use crate::domain::ids::ProjectId;
use crate::domain::outcome::Outcome;

/// Longest category or reason that is kept, in bytes; clients make up their own.
const WORD_LEN_MAX: usize = 80;

/// So many items of one category that ended the same way in one hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Whose items.
    pub project_id: ProjectId,
    /// When they arrived; counted in the hour this lies in.
    pub at: OffsetDateTime,
    /// The protocol's data category: `error`, `transaction`, `session`, ….
    pub category: String,
    /// How they ended.
    pub outcome: Outcome,
    /// How many.
    pub count: i64,
}

/// Adds the tallies. Rows are touched in the order of their key, so that nodes that add at the same time wait for each other
/// instead of locking each other out.
pub async fn add(tx: &mut Tx, tallies: &[Tally]) -> sqlx::Result<()> {
    if tallies.is_empty() {
        return Ok(());
    }
    let (mut projects, mut hours, mut categories, mut outcomes, mut reasons, mut counts) = (vec![], vec![], vec![], vec![], vec![], vec![]);
    for tally in tallies {
        let (outcome, reason) = tally.outcome.parts();
        projects.push(tally.project_id.0);
        hours.push(tally.at);
        categories.push(clean_cut(&tally.category, WORD_LEN_MAX));
        outcomes.push(outcome.to_owned());
        reasons.push(clean_cut(reason, WORD_LEN_MAX));
        counts.push(tally.count);
    }
    sqlx::query!(
        r#"
        INSERT INTO project_outcomes AS o (project_id, hour, category, outcome, reason, item_count)
        SELECT project_id, hour, category, outcome, reason, sum(item_count)::int8
        FROM (
            SELECT u.project_id, date_trunc('hour', u.at, 'UTC') AS hour, u.category, u.outcome, u.reason, u.item_count
            FROM unnest($1::int8[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::int8[])
                AS u (project_id, at, category, outcome, reason, item_count)
        ) AS tallies
        GROUP BY project_id, hour, category, outcome, reason
        ORDER BY project_id, hour, category, outcome, reason
        ON CONFLICT (project_id, hour, category, outcome, reason) DO UPDATE SET item_count = o.item_count + excluded.item_count
        "#,
        &projects,
        &hours,
        &categories,
        &outcomes,
        &reasons,
        &counts,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
