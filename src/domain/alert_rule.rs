//! What a project wants to be told, by whom it is read, and why something was not told.

use time::OffsetDateTime;

use super::alert::Kind;
use super::ids::{ProjectId, RuleId, UserId};
use super::issue::{IgnoreUntil, Status};
use super::level::Level;
use super::spike::Sensitivity;

/// A rule of a project: one kind of alert.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertRule {
    /// Its row.
    pub id: RuleId,
    /// Whose.
    pub project_id: ProjectId,
    /// `new`, `regressed` or `spiking`.
    pub kind: Kind,
    /// For people.
    pub name: String,
    /// Off: decisions are recorded as held back.
    pub enabled: bool,
    /// Nothing below it is told.
    pub min_level: Level,
    /// Only this environment; empty: all.
    pub environment: String,
    /// Who is told.
    pub recipients: Recipients,
    /// For spikes.
    pub sensitivity: Sensitivity,
    /// When somebody last changed it.
    pub updated_at: OffsetDateTime,
}

/// Who is told. Whoever was disabled, has not accepted the invitation or left the project is not, whatever stands here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipients {
    /// Every member of the project.
    Members,
    /// These members.
    These(Vec<UserId>),
}

impl Recipients {
    /// Reads the database form: `members`, or user ids separated by commas.
    pub fn parse(raw: &str) -> Self {
        match raw {
            "members" => Self::Members,
            ids => Self::These(ids.split(',').filter_map(|id| id.trim().parse().ok()).map(UserId).collect()),
        }
    }

    /// The database form.
    pub fn to_text(&self) -> String {
        match self {
            Self::Members => "members".to_owned(),
            Self::These(ids) => ids.iter().map(UserId::to_string).collect::<Vec<_>>().join(","),
        }
    }

    /// Whether this member is meant.
    pub fn include(&self, user: UserId) -> bool {
        match self {
            Self::Members => true,
            Self::These(ids) => ids.contains(&user),
        }
    }
}

/// What the rule is asked about.
#[derive(Clone, Debug)]
pub struct Occasion<'a> {
    /// What happened.
    pub kind: Kind,
    /// Of the issue.
    pub status: Status,
    /// `None` unless ignored.
    pub ignore_until: Option<IgnoreUntil>,
    /// How bad.
    pub level: Level,
    /// Where: of the event, or of the last hour's events.
    pub environments: &'a [String],
}

/// `Ok`: tell. `Err`: do not, for this reason, which people read in the history of alerts.
pub fn decide(rule: Option<&AlertRule>, occasion: &Occasion) -> Result<(), String> {
    if occasion.status == Status::Ignored {
        let spike = matches!(occasion.kind, Kind::Spiking | Kind::Escalated);
        if !(spike && occasion.ignore_until == Some(IgnoreUntil::Escalates)) {
            return Err("the issue is ignored".to_owned());
        }
    }
    let Some(rule) = rule else { return Err("the project has no rule for it".to_owned()) };
    if !rule.enabled {
        return Err(format!("the rule “{}” is off", rule.name));
    }
    if occasion.level < rule.min_level {
        return Err(format!("its level is {}, the rule “{}” starts at {}", occasion.level, rule.name, rule.min_level));
    }
    if !rule.environment.is_empty() && !occasion.environments.contains(&rule.environment) {
        return Err(format!("not in {}, the only environment of the rule “{}”", rule.environment, rule.name));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule() -> AlertRule {
        AlertRule {
            id: RuleId(1),
            project_id: ProjectId(1),
            kind: Kind::Spiking,
            name: "Spikes".to_owned(),
            enabled: true,
            min_level: Level::Error,
            environment: String::new(),
            recipients: Recipients::Members,
            sensitivity: Sensitivity::Normal,
            updated_at: OffsetDateTime::UNIX_EPOCH,
        }
    }

    fn occasion(kind: Kind) -> Occasion<'static> {
        Occasion { kind, status: Status::Unresolved, ignore_until: None, level: Level::Error, environments: &[] }
    }

    #[test]
    fn an_ignored_issue_tells_nothing_unless_it_may_escalate() {
        let until = |kind, until| decide(Some(&rule()), &Occasion { status: Status::Ignored, ignore_until: until, ..occasion(kind) });
        assert!(until(Kind::Spiking, Some(IgnoreUntil::Forever)).is_err());
        assert!(until(Kind::Spiking, Some(IgnoreUntil::Escalates)).is_ok());
        assert!(until(Kind::New, Some(IgnoreUntil::Escalates)).is_err());
    }

    #[test]
    fn a_rule_that_is_off_or_missing_says_so() {
        let off = AlertRule { enabled: false, ..rule() };
        assert_eq!(decide(Some(&off), &occasion(Kind::Spiking)), Err("the rule “Spikes” is off".to_owned()));
        assert!(decide(None, &occasion(Kind::Spiking)).is_err());
    }

    #[test]
    fn level_and_environment_narrow_a_rule() {
        let narrow = AlertRule { environment: "production".to_owned(), min_level: Level::Fatal, ..rule() };
        assert!(decide(Some(&narrow), &occasion(Kind::Spiking)).is_err());
        let environments = ["production".to_owned()];
        let fatal = Occasion { level: Level::Fatal, environments: &environments, ..occasion(Kind::Spiking) };
        assert_eq!(decide(Some(&narrow), &fatal), Ok(()));
    }

    #[test]
    fn recipients_survive_the_database() {
        for raw in ["members", "3,5", ""] {
            assert_eq!(Recipients::parse(raw).to_text(), raw);
        }
    }
}
