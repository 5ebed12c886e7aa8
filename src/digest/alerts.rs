//! Decisions to tell somebody, with their numbers, into `alerts`.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;

use super::failure::Failure;
use super::status::Telling;
use crate::domain::alert::Numbers;
use crate::store::Tx;
use crate::store::alert_decisions::{self, Decision};

/// Writes the decisions, to be mailed or with the reason why not, and tells how many were not made before. To be called after
/// everything is counted.
pub async fn decide(tx: &mut Tx, tellings: &[Telling], now: OffsetDateTime) -> Result<usize, Failure> {
    if tellings.is_empty() {
        return Ok(0);
    }
    let issues: BTreeSet<_> = tellings.iter().map(|telling| telling.issue).collect();
    let latest = tellings.iter().map(|telling| telling.since).max().unwrap_or(now);
    let numbers = alert_decisions::numbers(tx, &issues.into_iter().collect::<Vec<_>>(), latest).await?;
    let decision = |telling: &Telling| Decision {
        project_id: telling.issue.0,
        issue_id: telling.issue.1,
        rule_id: telling.rule_id,
        kind: telling.kind,
        since: telling.since,
        held_reason: telling.held_reason.clone(),
        numbers: Numbers {
            release: telling.release.clone(),
            environment: telling.environment.clone(),
            ..numbers.get(&telling.issue.1).cloned().unwrap_or_default()
        },
    };
    let made = alert_decisions::insert(tx, &distinct(tellings).map(decision).collect::<Vec<_>>(), now).await?;
    Ok(usize::try_from(made).unwrap_or(usize::MAX))
}

/// Of events that arrived in the same moment about the same issue, the one that is told stands for all.
fn distinct(tellings: &[Telling]) -> impl Iterator<Item = &Telling> {
    let mut chosen: BTreeMap<_, &Telling> = BTreeMap::new();
    for telling in tellings {
        let one = chosen.entry((telling.issue, telling.kind.name(), telling.since)).or_insert(telling);
        if telling.held_reason.is_none() {
            *one = telling;
        }
    }
    chosen.into_values()
}
