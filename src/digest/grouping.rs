//! From an event to its fingerprint under the rules of its project.

use super::versions::Wanted;
use crate::domain::anatomy::Anatomy;
use crate::domain::fingerprint::{Fingerprint, Hash};
use crate::domain::grouping_rules::{FingerprintRules, GroupingRules};
use crate::pipeline::fingerprint::{self, Version};
use crate::pipeline::rules::{self, Ruled};
use crate::protocol::event::Event;

/// Where an event belongs.
pub struct Grouped {
    /// Its hashes, with what they are made of.
    pub fingerprint: Fingerprint,
    /// Hashes that lead to issues and are attached to none: of earlier versions, and what it was before rules took something out of it.
    pub older_hashes: Vec<Hash>,
    /// The fingerprint rule that matched.
    pub ruled: Option<Ruled>,
}

/// Applies the rules and computes the fingerprint. Where a project has no rules, nothing is looked at for them.
pub fn of(event: &mut Event<'_>, chosen: &GroupingRules, wanted: Wanted) -> Grouped {
    rules::apply(event, &chosen.stack);
    let ruled = rules::first(event, &chosen.fingerprint);
    let fingerprint = fingerprint::compute_ruled(event, ruled.as_ref(), wanted.version);
    let mut older_hashes =
        if wanted.oldest < wanted.version { fingerprint::compute_ruled(event, ruled.as_ref(), wanted.oldest).hashes } else { Vec::new() };
    older_hashes.extend(former(event, ruled.as_ref(), chosen, wanted));
    older_hashes.retain(|hash| !fingerprint.hashes.contains(hash));
    Grouped { fingerprint, older_hashes, ruled }
}

/// Where stack trace rules only take something out, issues come together: what an event was before leads to its issue still, and the first issue
/// that is found that way goes on. Rules that add something part issues, which must not be held together by what they were.
fn former(event: &mut Event<'_>, ruled: Option<&Ruled>, chosen: &GroupingRules, wanted: Wanted) -> Vec<Hash> {
    if chosen.stack.rules.is_empty() || ruled.is_some() || !rules::narrowed(event) {
        return Vec::new();
    }
    rules::without(event, |event| fingerprint::compute(event, wanted.version).hashes)
}

/// A stored event under rules that need not be those it was stored under.
pub struct Tried {
    /// Its hashes.
    pub hashes: Vec<Hash>,
    /// See [`Grouped`].
    pub older_hashes: Vec<Hash>,
    /// Line of the fingerprint rule that matches.
    pub line: Option<usize>,
    /// Lines of the stack trace rules that fit a frame.
    pub stack_lines: Vec<usize>,
}

/// Groups a stored event under other rules.
pub fn of_stored(event: &mut Event<'_>, chosen: &GroupingRules, wanted: Wanted) -> Tried {
    rules::forget(event);
    let stack_lines = rules::apply(event, &chosen.stack);
    let Grouped { fingerprint, older_hashes, ruled } = of(event, chosen, wanted);
    Tried { hashes: fingerprint.hashes, older_hashes, line: ruled.map(|ruled| ruled.line), stack_lines }
}

/// How a stored event is grouped, as it was when it was stored.
pub fn explain(event: &Event<'_>) -> Anatomy {
    let stored = event.grouping.clone().unwrap_or_default();
    let rule = stored.explanation.rule.and_then(|rule| FingerprintRules::parse_known(&rule.text).rules.pop());
    let ruled = rule.map(|rule| Ruled::of(&rule, event));
    fingerprint::anatomy(event, ruled.as_ref(), Version::of(stored.version))
}
