//! An issue: one bug, however often it happens.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

/// Events that arrive within this time after a resolve are stragglers of servers not yet deployed: counted, nothing more
/// (alerting rules, section 6).
pub const REGRESSION_GRACE: Duration = Duration::minutes(60);
/// Until a project is this old a resolved issue reopens at the next event, without the grace: newcomers try exactly this.
pub const NEWCOMER_AGE: Duration = Duration::hours(24);

/// The kind of the issue that holds the events of new issues there was no room for (`domain::new_issues`).
pub const OVERFLOW_KIND: &str = "overflow";

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

/// Where an issue stands: everything that a person's decision changes, so that it can be taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// What was decided.
    pub status: Status,
    /// When it was decided (or came back).
    #[serde(with = "time::serde::rfc3339")]
    pub status_at: OffsetDateTime,
    /// `escalates`, `forever` or nothing.
    pub ignore_until: String,
}

/// What a person can decide about an issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Fixed.
    Resolve,
    /// Not now.
    Ignore(IgnoreUntil),
    /// Needs somebody again.
    Reopen,
}

impl Decision {
    /// The kind of activity it is, and its detail.
    pub fn activity(self) -> (&'static str, &'static str) {
        match self {
            Self::Resolve => ("resolved", ""),
            Self::Ignore(until) => ("ignored", until.name()),
            Self::Reopen => ("reopened", ""),
        }
    }

    /// Where an issue stands after it; `None` when it already stands there: asking twice is not two activities.
    pub fn apply(self, standing: &Standing, now: OffsetDateTime) -> Option<Standing> {
        let (status, ignore_until) = match self {
            Self::Resolve => (Status::Resolved, ""),
            Self::Ignore(until) => (Status::Ignored, until.name()),
            Self::Reopen => (Status::Unresolved, ""),
        };
        if standing.status == status && standing.ignore_until == ignore_until {
            return None;
        }
        Some(Standing { status, status_at: now, ignore_until: ignore_until.to_owned() })
    }
}
