//! What a batch means for the state of its issues: who comes back, and who is to be told.

use std::collections::{BTreeSet, HashMap};

use time::OffsetDateTime;

use super::assign::{Assigned, Placed};
use super::failure::Failure;
use crate::domain::alert::Kind;
use crate::domain::alert_rule::{self, AlertRule, Occasion};
use crate::domain::ids::{IssueId, ProjectId, RuleId};
use crate::domain::issue::{Status, regresses};
use crate::domain::level::Level;
use crate::store::Tx;
use crate::store::activities::NewActivity;
use crate::store::alert_rules;
use crate::store::counters::environments;
use crate::store::counters::projects::HeldProject;
use crate::store::issue_state::{self, Held};

/// An issue, by project.
pub type IssueKey = (ProjectId, IssueId);

/// Why the first event of an issue is not told where it is old.
const OLD: &str = "its first event was old when it arrived: only an event that arrives soon after it happened is told";

/// Something to tell, or the reason not to, and the event that decided it.
#[derive(Clone, Debug)]
pub struct Telling {
    /// About what.
    pub issue: IssueKey,
    /// Why.
    pub kind: Kind,
    /// The rule that was asked.
    pub rule_id: Option<RuleId>,
    /// `Some`: told to nobody, for this reason.
    pub held_reason: Option<String>,
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
    rules: &'a [AlertRule],
    /// Highest level of clean events per issue and environment, for rules about one environment.
    top_levels: HashMap<(ProjectId, IssueId, String), i16>,
    verdict: Verdict,
}

/// Locks the issues and judges each event in the order of arrival. Only what is new or came back leaves a trace, told or not:
/// a flood of repetitions is counted and nothing more.
pub async fn judge(tx: &mut Tx, assigned: &Assigned<'_>, projects: &HashMap<ProjectId, HeldProject>) -> Result<Verdict, Failure> {
    let placed = &assigned.placed;
    let known: BTreeSet<IssueKey> = placed.iter().map(Placed::issue).filter(|issue| !assigned.is_new(issue.1)).collect();
    let known: Vec<IssueKey> = known.into_iter().collect();
    let mut held = issue_state::lock(tx, &known).await?;
    if held.len() != known.len() {
        return Err(Failure::Race); // one was deleted since its hash was read
    }
    let new = |founder: &Placed<'_>| Held::new(founder.sighting.project_id, founder.issue_id, founder.sighting.received_at);
    held.extend(assigned.founders.values().map(new));
    let of: BTreeSet<ProjectId> = placed.iter().map(|placed| placed.sighting.project_id).collect();
    let rules = alert_rules::list_of_digest(&mut **tx, &of.into_iter().collect::<Vec<_>>()).await?;
    let top_levels = top_levels(tx, assigned, &rules).await?;
    let held = held.into_iter().map(|held| ((held.project_id, held.id), held)).collect();
    let mut bench = Bench { rules: &rules, top_levels, verdict: Verdict { held, tellings: vec![], activities: vec![] } };
    for founder in assigned.founders.values().filter(|founder| !founder.sighting.clean) {
        bench.verdict.tellings.push(telling(founder, Kind::New, None, Some(OLD.to_owned())));
    }
    for placed in placed.iter().filter(|placed| placed.sighting.clean) {
        if let Some(project) = projects.get(&placed.sighting.project_id) {
            bench.judge(placed, project.created_at);
        }
    }
    Ok(bench.verdict)
}

async fn top_levels(
    tx: &mut Tx,
    assigned: &Assigned<'_>,
    rules: &[AlertRule],
) -> Result<HashMap<(ProjectId, IssueId, String), i16>, Failure> {
    let asks = |placed: &Placed<'_>| {
        let environment = placed.sighting.environment.as_ref()?;
        let asked = rules.iter().any(|rule| rule.project_id == placed.sighting.project_id && rule.environment == *environment);
        asked.then(|| (placed.sighting.project_id, placed.issue_id, environment.clone()))
    };
    let known = assigned.placed.iter().filter(|placed| !assigned.is_new(placed.issue_id));
    let pairs: BTreeSet<_> = known.filter_map(asks).collect();
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
        let (status, ignore_until, top_level) = (held.status, held.ignore_until, held.top_level);
        held.top_level = top_level.max(sighting.level);
        let top_level_there = self.raise_top_level_there(placed);
        let occasion = Occasion {
            kind: if regressed { Kind::Regressed } else { Kind::New },
            status,
            ignore_until,
            level: Level::from_number(i64::from(sighting.level)).unwrap_or_default(),
            environments: sighting.environment.as_slice(),
        };
        // A rule is asked about a new issue until it was told: when the issue reaches the rule's level or environment.
        let untold = |rule: &&AlertRule| {
            let top = if rule.environment.is_empty() { top_level } else { top_level_there };
            regressed || top < rule.min_level.number()
        };
        let rules: Vec<&AlertRule> = self.rules.iter().filter(|rule| rule.project_id == key.0 && rule.kind == occasion.kind).collect();
        let verdict = match rules.iter().copied().filter(untold).find(|rule| alert_rule::decide(Some(rule), &occasion).is_ok()) {
            Some(rule) => telling(placed, occasion.kind, Some(rule.id), None),
            None if regressed || top_level == 0 => {
                let reason = alert_rule::decide(rules.first().copied(), &occasion).err();
                telling(placed, occasion.kind, rules.first().map(|rule| rule.id), reason)
            }
            None => return,
        };
        self.verdict.tellings.push(verdict);
    }

    /// Highest level of the issue's clean events in the environment of this one, before it.
    fn raise_top_level_there(&mut self, placed: &Placed<'_>) -> i16 {
        let Some(name) = placed.sighting.environment.clone() else { return 0 };
        let (project, issue) = placed.issue();
        let entry = self.top_levels.entry((project, issue, name)).or_default();
        let before = *entry;
        *entry = before.max(placed.sighting.level);
        before
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

fn telling(placed: &Placed<'_>, kind: Kind, rule_id: Option<RuleId>, held_reason: Option<String>) -> Telling {
    Telling {
        issue: placed.issue(),
        kind,
        rule_id,
        held_reason,
        since: placed.sighting.received_at,
        release: placed.sighting.release.clone(),
        environment: placed.sighting.environment.clone(),
    }
}
