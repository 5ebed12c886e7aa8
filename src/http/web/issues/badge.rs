//! The badges of an issue: what is special about it, in this order.

use time::OffsetDateTime;

use crate::domain::issue::Status;
use crate::store::issue_reads::Issue;

/// A badge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Badge {
    /// Its tone.
    pub class: &'static str,
    /// Its word.
    pub text: &'static str,
}

/// At most three: state, then New or Regressed, then Spiking.
pub fn badges(issue: &Issue, now: OffsetDateTime) -> Vec<Badge> {
    let badge = |class, text| Some(Badge { class, text });
    let state = match (issue.status, issue.ignore_until.as_str()) {
        (Status::Resolved, _) => badge("ok", "Resolved"),
        (Status::Ignored, "escalates") => badge("", "Ignored until it escalates"),
        (Status::Ignored, _) => badge("", "Ignored"),
        (Status::Unresolved, _) => None,
    };
    let origin = if issue.is_regressed() {
        badge("reg", "Regressed")
    } else if issue.is_new(now) {
        badge("new", "New")
    } else {
        None
    };
    let spiking = issue.spiking_since.and_then(|_| badge("hot", "Spiking"));
    [state, origin, spiking].into_iter().flatten().collect()
}
