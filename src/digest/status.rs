//! What a batch means for the state of its issues: who comes back, and who is to be told.

use std::collections::{BTreeSet, HashMap};

use time::OffsetDateTime;

use super::assign::Placed;
use super::failure::Failure;
use crate::domain::alert::Kind;
use crate::domain::ids::{IssueId, ProjectId, RuleId};
use crate::domain::issue::{Status, regresses};
use crate::store::Tx;
use crate::store::activities::NewActivity;
use crate::store::alert_decisions::{self, Rule};
use crate::store::counters::environments;
use crate::store::issue_state::{self, Held};

/// An issue, by project.
pub type IssueKey = (ProjectId, IssueId);

/// Something to tell, and the event that decided it.
#[derive(Clone, Debug)]
pub struct Telling {
    /// About what.
    pub issue: IssueKey,
    /// Why.
    pub kind: Kind,
    /// The rule that wants it told.
    pub rule_id: RuleId,
    /// Arrival of the event.
    pub since: OffsetDateTime,
    /// Of the event.
    pub release: Option<String>,
    /// Of the event.
    pub environment: Option<String>,
}

/// The issues of a batch, locked, as they are after it; and what follows.
pub struct Verdict {
    /// By key.
    pub held: HashMap<IssueKey, Held>,
    /// In the order of arrival.
    pub tellings: Vec<Telling>,
    /// Issues that came back.
    pub activities: Vec<NewActivity>,
}

/// What the judgement of single events reads and moves on.
struct Bench<'a> {
    rules: &'a [Rule],
    /// Highest level of clean events per issue and environment, for rules about one environment.
    top_levels: HashMap<(ProjectId, IssueId, String), i16>,
    verdict: Verdict,
}

/// Locks the issues and judges each event in the order of arrival.
pub async fn judge(tx: &mut Tx, placed: &[Placed<'_>], projects: &HashMap<ProjectId, OffsetDateTime>) -> Result<Verdict, Failure> {
    let issues: BTreeSet<IssueKey> = placed.iter().map(Placed::issue).collect();
    let issues: Vec<IssueKey> = issues.into_iter().collect();
    let held = issue_state::lock(tx, &issues).await?;
    if held.len() != issues.len() {
        return Err(Failure::Race); // one was deleted since its hash was read
    }
    let of: BTreeSet<ProjectId> = issues.iter().map(|issue| issue.0).collect();
    let rules = alert_decisions::rules(&mut **tx, &of.into_iter().collect::<Vec<_>>()).await?;
    let top_levels = top_levels(tx, placed, &rules).await?;
    let held = held.into_iter().map(|held| ((held.project_id, held.id), held)).collect();
    let mut bench = Bench { rules: &rules, top_levels, verdict: Verdict { held, tellings: vec![], activities: vec![] } };
    for placed in placed.iter().filter(|placed| placed.sighting.clean) {
        if let Some(created_at) = projects.get(&placed.sighting.project_id) {
            bench.judge(placed, *created_at);
        }
    }
    Ok(bench.verdict)
}

async fn top_levels(tx: &mut Tx, placed: &[Placed<'_>], rules: &[Rule]) -> Result<HashMap<(ProjectId, IssueId, String), i16>, Failure> {
    let asks = |placed: &Placed<'_>| {
        let environment = placed.sighting.environment.as_ref()?;
        let asked = rules.iter().any(|rule| rule.project_id == placed.sighting.project_id && rule.environment == *environment);
        asked.then(|| (placed.sighting.project_id, placed.issue_id, environment.clone()))
    };
    let pairs: BTreeSet<_> = placed.iter().filter_map(asks).collect();
    if pairs.is_empty() {
        return Ok(HashMap::new());
    }
    Ok(environments::top_levels(tx, &pairs.into_iter().collect::<Vec<_>>()).await?)
}

impl Bench<'_> {
    /// One clean event.
    fn judge(&mut self, placed: &Placed<'_>, project_created_at: OffsetDateTime) {
        let (sighting, key) = (placed.sighting, placed.issue());
        let Some(held) = self.verdict.held.get_mut(&key) else { return };
        let regressed = regresses(held.status, held.status_at, project_created_at, sighting.received_at);
        if regressed {
            held.status = Status::Unresolved;
            held.status_at = sighting.received_at;
            held.regressed_at = Some(sighting.received_at);
            self.verdict.activities.push(regression(placed));
        }
        let quiet = held.status == Status::Ignored;
        let top_level = held.top_level;
        held.top_level = top_level.max(sighting.level);
        let in_environment = sighting.environment.as_ref().map(|name| (key.0, key.1, name.clone()));
        let top_level_there = in_environment.map_or(0, |there| {
            let entry = self.top_levels.entry(there).or_default();
            let top = *entry;
            *entry = top.max(sighting.level);
            top
        });
        let tells = |rule: &&Rule| {
            let top = if rule.environment.is_empty() { top_level } else { top_level_there };
            let about =
                rule.project_id == key.0 && (rule.environment.is_empty() || Some(&rule.environment) == sighting.environment.as_ref());
            let due = match rule.kind {
                Kind::New => top < rule.min_level,
                Kind::Regressed => regressed,
                Kind::Spiking | Kind::Escalated => false,
            };
            about && due && sighting.level >= rule.min_level
        };
        if !quiet && let Some(rule) = self.rules.iter().find(tells) {
            self.verdict.tellings.push(telling(placed, rule));
        }
    }
}

fn regression(placed: &Placed<'_>) -> NewActivity {
    NewActivity {
        project_id: placed.sighting.project_id,
        issue_id: placed.issue_id,
        user_id: None,
        kind: "regressed",
        detail: placed.sighting.release.clone().unwrap_or_default(),
        at: placed.sighting.received_at,
    }
}

fn telling(placed: &Placed<'_>, rule: &Rule) -> Telling {
    Telling {
        issue: placed.issue(),
        kind: rule.kind,
        rule_id: rule.id,
        since: placed.sighting.received_at,
        release: placed.sighting.release.clone(),
        environment: placed.sighting.environment.clone(),
    }
}
