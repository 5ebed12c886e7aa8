//! An alert: one decision to tell somebody something, and the numbers that justify it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The first clean event of an issue.
    New,
    /// It was resolved and came back.
    Regressed,
    /// Much more than the issue does on ordinary days.
    Spiking,
    /// Ten times the spike that was already told.
    Escalated,
}

impl Kind {
    /// The word used in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Regressed => "regressed",
            Self::Spiking => "spiking",
            Self::Escalated => "escalated",
        }
    }

    /// Reads the word.
    pub fn parse(raw: &str) -> Option<Self> {
        [Self::New, Self::Regressed, Self::Spiking, Self::Escalated].into_iter().find(|kind| kind.name() == raw)
    }

    /// The rule that decides about it: an escalation belongs to the rule for spikes.
    pub fn rule(self) -> &'static str {
        match self {
            Self::Escalated => "spiking",
            other => other.name(),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What was known when the alert was decided. Everything a mail says about "how much" comes from here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Numbers {
    /// Events of the issue so far.
    pub event_count: i64,
    /// People affected so far.
    pub user_count: i64,
    /// Clean events in the last 15 and 60 minutes.
    pub last15: i64,
    /// See `last15`.
    pub last60: i64,
    /// Capped events in the last 60 minutes: what the decision was made on.
    pub capped60: i64,
    /// Distinct people in the last 60 minutes.
    pub people60: i64,
    /// Expected events per hour.
    pub usual_per_hour: f64,
    /// Spiking: when the run of events began (RFC 3339).
    pub started_at: Option<String>,
    /// Events of the ordinary hours before, in this many days.
    pub count_before: i64,
    /// See `count_before`.
    pub days_before: i64,
    /// Largest capped 15-minute sum of the 14 days before.
    pub highest15_before: i64,
    /// How much the traffic of the whole project is up.
    pub traffic: f64,
    /// Release and environment of the event that decided, where known.
    pub release: Option<String>,
    /// See `release`.
    pub environment: Option<String>,
    /// Regressed: who had resolved it, and when (RFC 3339).
    pub resolved_by: Option<String>,
    /// See `resolved_by`.
    pub resolved_at: Option<String>,
}
