//! What rules that are not saved yet would do to the events that are stored.

use time::OffsetDateTime;

use super::event_id::EventId;
use super::ids::IssueId;

/// What was tried, and what would become of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rehearsal {
    /// Events that were looked at, the newest that are stored.
    pub event_count: usize,
    /// Arrival of the oldest of them.
    pub since: Option<OffsetDateTime>,
    /// Events that cannot be unpacked.
    pub unreadable_count: usize,
    /// The time or the room for looking ran out before all were looked at.
    pub is_cut: bool,
    /// Each rule that is written there, in order: fingerprint rules, then stack trace rules.
    pub uses: Vec<RuleUse>,
    /// Events like these would go to another issue than they are in.
    pub moved_count: usize,
    /// Events like these would be dropped: they would belong to issues that were deleted together with their future.
    pub dropped_count: usize,
    /// Issues whose events would come together, the largest first.
    pub joined: Vec<Joined>,
    /// Issues whose events would part.
    pub parted: Vec<Parted>,
    /// Issues of which all events would go to one new issue.
    pub renewed: Vec<Share>,
}

/// What one rule would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleUse {
    /// It is a stack trace rule.
    pub is_stack: bool,
    /// Its line.
    pub line: usize,
    /// As it was written.
    pub source: String,
    /// Events for which it is the rule (fingerprint), or in which it fits a frame (stack trace).
    pub event_count: usize,
    /// Some of them.
    pub examples: Vec<Example>,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// Its issue as it is now.
    pub issue_id: IssueId,
    /// Its id.
    pub event_id: EventId,
    /// `Type: first line`.
    pub title: String,
}

/// Events of one issue as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// The newest of them.
    pub example: Example,
    /// How many they are.
    pub event_count: usize,
}

/// An issue to be, with where its events come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The issue that goes on; `None`: a new one.
    pub into: Option<IssueId>,
    /// At least two.
    pub from: Vec<Share>,
}

/// An issue as it is now, with where its events would go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parted {
    /// At least two groups, the largest first.
    pub into: Vec<Share>,
    /// Groups that are not listed.
    pub more_count: usize,
}
