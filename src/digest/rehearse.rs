//! What rules would do, tried on the events that are stored last: each is grouped under the rules as they are and as they would be. Nothing
//! is written.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Instant;

use anyhow::Context;
use time::OffsetDateTime;

use super::grouping;
use super::versions::{Versions, Wanted};
use crate::domain::fingerprint::Hash;
use crate::domain::grouping_rules::{GroupingRules, RuleTexts};
use crate::domain::ids::{IssueId, ProjectId};
use crate::domain::rehearsal::{Example, Joined, Parted, Rehearsal, RuleUse, Share};
use crate::protocol::event as protocol;
use crate::store::event_pages::{self, From};
use crate::store::event_reads::Stored;
use crate::store::payload::library::{Library, OpenError};
use crate::store::{self, Db};

/// Events that are looked at.
const EVENTS_MAX: usize = 1_000;
/// Events that are in memory at a time.
const PAGE: usize = 50;
/// Bytes of JSON that are read.
const BYTES_MAX: usize = 64 << 20;
/// How long may be looked, in seconds.
const SECONDS_MAX: f64 = 8.0;
/// Examples of one rule, and issues or groups of one list.
const LISTED_MAX: usize = 20;
const EXAMPLES_MAX: usize = 3;

/// An event under both rules.
struct Tried {
    example: Example,
    before: Vec<Hash>,
    after: Vec<Hash>,
    /// Lead to issues and are attached to none.
    older: Vec<Hash>,
}

/// Tries rules on the newest events of a project.
pub async fn rehearse(db: &Db, library: &Library, project: ProjectId, draft: GroupingRules) -> anyhow::Result<Rehearsal> {
    let current: RuleTexts = store::grouping_rules::newest(db, project).await.context("reading the rules")?.texts;
    let current = GroupingRules::parse_known(&current);
    let versions = Versions::default();
    versions.refresh(db, OffsetDateTime::UNIX_EPOCH).await?;
    let wanted = versions.of(project);
    let mut found = Rehearsal { uses: uses(&draft), ..Rehearsal::default() };
    let mut tried = Vec::new();
    let (mut from, mut bytes, start) = (From::Newest, 0, Instant::now());
    while found.event_count < EVENTS_MAX && !found.is_cut {
        let limit = PAGE as i64;
        let Some(hours) = event_pages::hours_of_project(db, project, from, limit).await? else { break };
        let page = event_pages::of_project(db, project, from, hours, limit).await?;
        let Some(last) = page.last() else { break };
        from = From::OlderThan(event_pages::place(last));
        let opened = open(db, library, page, &mut found).await?;
        bytes += opened.iter().map(|(_, json)| json.len()).sum::<usize>();
        let rules = (current.clone(), draft.clone());
        let answers =
            tokio::task::spawn_blocking(move || try_page(&opened, &rules.0, &rules.1, wanted)).await.context("trying rules on events")?;
        for (one, lines) in answers {
            note_uses(&mut found.uses, &lines, &one.example);
            tried.push(one);
        }
        found.is_cut = bytes > BYTES_MAX || start.elapsed().as_secs_f64() > SECONDS_MAX;
    }
    let (known, discarded) = known(db, project, &tried).await?;
    conclude(&mut found, &tried, known, &discarded);
    Ok(found)
}

fn uses(draft: &GroupingRules) -> Vec<RuleUse> {
    let named = |is_stack, line, source: &String| RuleUse { is_stack, line, source: source.clone(), ..RuleUse::default() };
    let fingerprint = draft.fingerprint.rules.iter().map(|rule| named(false, rule.line, &rule.source));
    fingerprint.chain(draft.stack.rules.iter().map(|rule| named(true, rule.line, &rule.source))).collect()
}

async fn open(db: &Db, library: &Library, page: Vec<Stored>, found: &mut Rehearsal) -> anyhow::Result<Vec<(Example, Vec<u8>)>> {
    let mut opened = Vec::with_capacity(page.len());
    for stored in page {
        let Stored { project_id, summary, dictionary_id, payload, .. } = stored;
        found.event_count += 1;
        found.since = Some(found.since.map_or(summary.received_at, |since| since.min(summary.received_at)));
        match library.open(db, project_id, dictionary_id, &payload).await {
            Ok(json) => {
                let example = Example { issue_id: summary.issue_id, event_id: summary.event_id, title: summary.title };
                opened.push((example, json));
            }
            Err(OpenError::Database(error)) => return Err(error),
            Err(_) => found.unreadable_count += 1,
        }
    }
    Ok(opened)
}

/// The lines of the draft that fit an event: of the fingerprint rule, and of stack trace rules.
type Lines = (Option<usize>, Vec<usize>);

fn try_page(opened: &[(Example, Vec<u8>)], current: &GroupingRules, draft: &GroupingRules, wanted: Wanted) -> Vec<(Tried, Lines)> {
    let read = |(example, json): &(Example, Vec<u8>)| {
        let mut event = protocol::from_stored(json).ok()?;
        let before = grouping::of_stored(&mut event, current, wanted).hashes;
        let after = grouping::of_stored(&mut event, draft, wanted);
        let tried = Tried { example: example.clone(), before, after: after.hashes, older: after.older_hashes };
        Some((tried, (after.line, after.stack_lines)))
    };
    opened.iter().filter_map(read).collect()
}

fn note_uses(uses: &mut [RuleUse], lines: &Lines, example: &Example) {
    let fits = |rule: &RuleUse| if rule.is_stack { lines.1.contains(&rule.line) } else { lines.0 == Some(rule.line) };
    for rule in uses.iter_mut().filter(|rule| fits(rule)) {
        rule.event_count += 1;
        let is_known = rule.examples.iter().any(|known| known.issue_id == example.issue_id);
        if rule.examples.len() < EXAMPLES_MAX && !is_known {
            rule.examples.push(example.clone());
        }
    }
}

/// Where hashes lead now that events would have and have not, and which of them lead nowhere.
async fn known(db: &Db, project: ProjectId, tried: &[Tried]) -> anyhow::Result<(HashMap<Hash, IssueId>, HashSet<Hash>)> {
    let asked: BTreeSet<Hash> =
        tried.iter().filter(|one| one.before != one.after).flat_map(|one| one.after.iter().chain(&one.older).copied()).collect();
    let asked: Vec<Hash> = asked.into_iter().collect();
    let known = store::hashes::list_of_project(db, project, &asked).await.context("reading where hashes lead")?;
    let discarded = store::discards::list_hashes(db, project, &asked).await.context("reading which hashes lead nowhere")?;
    Ok((known, discarded))
}

/// Where an event goes: to an issue that is known, or to a new one with this hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Known(IssueId),
    New(Hash),
}

/// As the digest would: in the order of arrival, unknown hashes are attached to where the first known one leads; where that is nowhere, the
/// event is dropped.
fn conclude(found: &mut Rehearsal, tried: &[Tried], known: HashMap<Hash, IssueId>, discarded: &HashSet<Hash>) {
    let mut leads: HashMap<Hash, End> = known.into_iter().map(|(hash, issue)| (hash, End::Known(issue))).collect();
    let mut flows: BTreeMap<(IssueId, End), Share> = BTreeMap::new();
    for one in tried.iter().rev() {
        let end = if one.before == one.after {
            End::Known(one.example.issue_id)
        } else {
            let decisive = one.after.iter().chain(&one.older).find(|hash| leads.contains_key(*hash) || discarded.contains(*hash));
            let end = match decisive {
                Some(hash) if discarded.contains(hash) => {
                    found.dropped_count += 1;
                    continue;
                }
                hash => hash.and_then(|hash| leads.get(hash).copied()).unwrap_or(End::New(one.after[0])),
            };
            one.after.iter().filter(|hash| !discarded.contains(*hash)).for_each(|hash| {
                leads.entry(*hash).or_insert(end);
            });
            end
        };
        found.moved_count += usize::from(end != End::Known(one.example.issue_id));
        let share = flows.entry((one.example.issue_id, end)).or_insert_with(|| Share { example: one.example.clone(), event_count: 0 });
        share.event_count += 1;
    }
    found.joined = joined(&flows);
    found.parted = parted(&flows);
    found.renewed = renewed(&flows, &found.joined);
}

fn joined(flows: &BTreeMap<(IssueId, End), Share>) -> Vec<Joined> {
    let mut by_end: BTreeMap<End, Vec<Share>> = BTreeMap::new();
    for ((_, end), share) in flows {
        by_end.entry(*end).or_default().push(share.clone());
    }
    let into = |end| if let End::Known(issue) = end { Some(issue) } else { None };
    let mut joined: Vec<Joined> =
        by_end.into_iter().filter(|(_, from)| from.len() > 1).map(|(end, from)| Joined { into: into(end), from: largest(from) }).collect();
    joined.sort_by_key(|one| std::cmp::Reverse(total(&one.from)));
    joined.truncate(LISTED_MAX);
    joined
}

fn parted(flows: &BTreeMap<(IssueId, End), Share>) -> Vec<Parted> {
    let mut by_issue: BTreeMap<IssueId, Vec<Share>> = BTreeMap::new();
    for ((issue, _), share) in flows {
        by_issue.entry(*issue).or_default().push(share.clone());
    }
    let mut parted: Vec<Vec<Share>> = by_issue.into_values().filter(|into| into.len() > 1).map(largest).collect();
    parted.sort_by_key(|into| std::cmp::Reverse(total(into)));
    parted.truncate(LISTED_MAX);
    let shorten = |mut into: Vec<Share>| {
        let more_count = into.len().saturating_sub(LISTED_MAX);
        into.truncate(LISTED_MAX);
        Parted { into, more_count }
    };
    parted.into_iter().map(shorten).collect()
}

/// Issues that go on under a new name and with nobody else.
fn renewed(flows: &BTreeMap<(IssueId, End), Share>, joined: &[Joined]) -> Vec<Share> {
    let is_alone =
        |issue: IssueId| flows.range((issue, End::Known(IssueId(i64::MIN)))..).take_while(|((one, _), _)| *one == issue).count() == 1;
    let is_joined = |issue: IssueId| joined.iter().any(|one| one.from.iter().any(|share| share.example.issue_id == issue));
    let renewed = flows.iter().filter(|((issue, end), _)| matches!(end, End::New(_)) && is_alone(*issue) && !is_joined(*issue));
    let mut renewed = largest(renewed.map(|(_, share)| share.clone()).collect());
    renewed.truncate(LISTED_MAX);
    renewed
}

fn largest(mut shares: Vec<Share>) -> Vec<Share> {
    shares.sort_by_key(|share| std::cmp::Reverse(share.event_count));
    shares
}

fn total(shares: &[Share]) -> usize {
    shares.iter().map(|share| share.event_count).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event_id::EventId;

    fn tried(issue: i64, before: &[u8], after: &[u8]) -> Tried {
        let example = Example { issue_id: IssueId(issue), event_id: EventId::random(), title: format!("of {issue}") };
        let hashes = |of: &[u8]| of.iter().map(|hash| [*hash; 16]).collect();
        Tried { example, before: hashes(before), after: hashes(after), older: Vec::new() }
    }

    fn concluded(newest_first: &[Tried], known: &[(u8, i64)]) -> Rehearsal {
        let mut found = Rehearsal::default();
        conclude(&mut found, newest_first, known.iter().map(|(hash, issue)| ([*hash; 16], IssueId(*issue))).collect(), &HashSet::new());
        found
    }

    #[test]
    fn events_that_would_belong_to_a_discarded_issue_would_be_dropped() {
        let mut found = Rehearsal::default();
        let events = [tried(1, &[1], &[9]), tried(2, &[2], &[3, 9]), tried(2, &[2], &[4])];
        conclude(&mut found, &events, HashMap::from([([3; 16], IssueId(2))]), &HashSet::from([[9; 16]]));
        assert_eq!((found.dropped_count, found.moved_count), (1, 1), "the first known hash decides");
    }

    #[test]
    fn what_is_not_touched_stays() {
        let found = concluded(&[tried(1, &[1], &[1]), tried(2, &[2], &[2])], &[]);
        assert_eq!((found.moved_count, found.joined.len(), found.parted.len(), found.renewed.len()), (0, 0, 0, 0));
    }

    #[test]
    fn issues_with_one_fingerprint_come_together_where_it_is_known_or_anew() {
        let both = [tried(1, &[1], &[9]), tried(2, &[2], &[9]), tried(2, &[2], &[9])];
        let anew = concluded(&both, &[]);
        assert_eq!((anew.moved_count, anew.joined[0].into, anew.joined[0].from[0].event_count), (3, None, 2));
        assert!(anew.renewed.is_empty());
        let known = concluded(&both, &[(9, 1)]);
        assert_eq!((known.moved_count, known.joined[0].into), (2, Some(IssueId(1))));
    }

    #[test]
    fn an_issue_parts_or_is_renewed_and_a_known_second_hash_keeps_it() {
        let parted = concluded(&[tried(1, &[1], &[8]), tried(1, &[1], &[9]), tried(1, &[1], &[9])], &[]);
        assert_eq!(parted.parted[0].into.iter().map(|share| share.event_count).collect::<Vec<_>>(), [2, 1]);
        let renewed = concluded(&[tried(1, &[1], &[9]), tried(1, &[1], &[9])], &[]);
        assert_eq!((renewed.renewed.len(), renewed.parted.len(), renewed.moved_count), (1, 0, 2));
        let kept = concluded(&[tried(1, &[1, 5], &[9, 5]), tried(1, &[1, 5], &[9, 5])], &[(5, 1)]);
        assert_eq!((kept.moved_count, kept.renewed.len()), (0, 0));
    }
}
