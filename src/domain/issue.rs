//! An issue: one bug, however often it happens.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

/// Events that arrive within this time after a resolve are stragglers of servers not yet deployed: counted, nothing more
/// (alerting rules, section 6).
pub const REGRESSION_GRACE: Duration = Duration::minutes(60);
/// Until a project is this old a resolved issue reopens at the next event, without the grace: newcomers try exactly this.
pub const NEWCOMER_AGE: Duration = Duration::hours(24);

/// What people decided about an issue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Needs somebody.
    #[default]
    Unresolved,
    /// Fixed; an event after the grace is a regression.
    Resolved,
    /// Quiet until it escalates, or for ever.
    Ignored,
}

impl Status {
    /// The word used in the database, in searches and in the Web API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unresolved => "unresolved",
            Self::Resolved => "resolved",
            Self::Ignored => "ignored",
        }
    }

    /// Reads the word, with Sentry's aliases `muted` and `archived` for ignored.
    pub fn parse(raw: &str) -> Option<Self> {
        Some(match raw {
            "unresolved" => Self::Unresolved,
            "resolved" => Self::Resolved,
            "ignored" | "muted" | "archived" => Self::Ignored,
            _ => return None,
        })
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How long an ignored issue stays quiet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IgnoreUntil {
    /// Only a spike is told.
    Escalates,
    /// Nothing is told, ever.
    Forever,
}

impl IgnoreUntil {
    /// The word used in forms and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Escalates => "escalates",
            Self::Forever => "forever",
        }
    }

    /// Reads the word.
    pub fn parse(raw: &str) -> Option<Self> {
        Some(match raw {
            "escalates" => Self::Escalates,
            "forever" => Self::Forever,
            _ => return None,
        })
    }
}

/// Whether an event that arrives now reopens an issue that was resolved at `resolved_at`.
pub fn regresses(status: Status, resolved_at: OffsetDateTime, project_created_at: OffsetDateTime, now: OffsetDateTime) -> bool {
    let grace = if now - project_created_at < NEWCOMER_AGE { Duration::ZERO } else { REGRESSION_GRACE };
    status == Status::Resolved && now > resolved_at + grace
}
