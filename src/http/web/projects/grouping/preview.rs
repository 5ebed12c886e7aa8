//! What rules would do, in words.

use crate::domain::ids::IssueId;
use crate::domain::rehearsal::{Example, Rehearsal, Share};
use crate::http::web::format;
use crate::http::web::issues::show::text::cut;

/// Characters of the title of an example: a line on a desk.
const TITLE_MAX: usize = 80;

/// The result of a rehearsal as the page shows it.
pub struct Preview {
    /// What was looked at.
    pub scope: String,
    /// What would become of it, in a sentence.
    pub verdict: String,
    /// Issues that come together.
    pub joined: Vec<Group>,
    /// Issues that part.
    pub parted: Vec<Group>,
    /// Issues that begin anew.
    pub renewed: Vec<ShareLink>,
}

/// Events that come together or part.
pub struct Group {
    /// `SHOP-3 and 2 others become one new issue`
    pub heading: String,
    /// Whose events.
    pub shares: Vec<ShareLink>,
}

/// Events of one issue.
pub struct ShareLink {
    /// One of them.
    pub example: ExampleLink,
    /// `214 events`
    pub count: String,
}

/// An event to be looked at.
pub struct ExampleLink {
    /// Its address.
    pub address: String,
    /// `SHOP-3`
    pub name: String,
    /// Its title.
    pub title: String,
}

impl Preview {
    /// Of a rehearsal in a project whose issues are called `prefix`.
    pub fn of(found: &Rehearsal, prefix: &str) -> Self {
        let joined = found.joined.iter().map(|one| {
            let goal = one.into.map_or_else(|| "one new issue".to_owned(), |issue| name(prefix, issue));
            Group {
                heading: format!("{} would go to {goal}:", format::many(one.from.len() as i64, "issue", "issues")),
                shares: shares(&one.from, prefix),
            }
        });
        let parted = found.parted.iter().map(|one| {
            let count = one.into.len() + one.more_count;
            let issue = one.into.first().map_or_else(String::new, |share| name(prefix, share.example.issue_id));
            Group {
                heading: format!("{issue} would part into {}, for example:", format::many(count as i64, "issue", "issues")),
                shares: shares(&one.into, prefix),
            }
        });
        Self {
            scope: scope(found),
            verdict: verdict(found),
            joined: joined.collect(),
            parted: parted.collect(),
            renewed: shares(&found.renewed, prefix),
        }
    }

    /// What comes together, and what parts.
    pub fn groups(&self) -> [(&'static str, &[Group]); 2] {
        [("Together", &self.joined), ("Apart", &self.parted)]
    }
}

fn scope(found: &Rehearsal) -> String {
    let Some(since) = found.since else { return "No events are stored yet that rules could be tried on.".to_owned() };
    let mut scope =
        format!("Tried on the last {}, since {}.", format::many(found.event_count as i64, "event", "events"), format::exact(since));
    if found.is_cut {
        scope.push_str(" More would have taken too long.");
    }
    if found.unreadable_count > 0 {
        scope.push_str(&format!(" {} of them cannot be unpacked.", found.unreadable_count));
    }
    scope
}

fn verdict(found: &Rehearsal) -> String {
    let counted = |count: usize| format::many(count as i64, "event", "events");
    let moved = match found.moved_count {
        0 if found.event_count == found.dropped_count => String::new(),
        0 => "Events like these would go where they are now.".to_owned(),
        count => format!("{} like these would go to another issue than they are in. What is stored stays where it is.", counted(count)),
    };
    let dropped = match found.dropped_count {
        0 => String::new(),
        count => format!("{} like these would be dropped, because they would belong to a discarded issue. ", counted(count)),
    };
    dropped + &moved
}

fn shares(of: &[Share], prefix: &str) -> Vec<ShareLink> {
    of.iter()
        .map(|share| ShareLink { example: link(&share.example, prefix), count: format::many(share.event_count as i64, "event", "events") })
        .collect()
}

/// Links to examples.
pub fn links(of: &[Example], prefix: &str) -> Vec<ExampleLink> {
    of.iter().map(|example| link(example, prefix)).collect()
}

fn link(example: &Example, prefix: &str) -> ExampleLink {
    ExampleLink {
        address: format!("/issues/{}/events/{}", example.issue_id, example.event_id),
        name: name(prefix, example.issue_id),
        title: cut(&example.title, TITLE_MAX),
    }
}

fn name(prefix: &str, issue: IssueId) -> String {
    format!("{prefix}-{issue}")
}
