//! A batch folded into sums, so that a thousand events of one issue cost a handful of rows.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use time::OffsetDateTime;

use super::assign::{Assigned, Placed};
use super::commit::{Spans, widen};
use super::failure::Failure;
use super::plan::Name;
use super::status::{IssueKey, Verdict};
use crate::domain::ids::{IssueId, ProjectId};
use crate::domain::person::Person;
use crate::store::Tx;
use crate::store::counters::people::PEOPLE_MAX;
use crate::store::counters::{OTHER, environments, hour, hours, minute, minutes, people, projects, quarter, quarters, releases, tags};
use crate::store::issue_state::{self, Advance, NewIssue};

/// One person counts at most so often per issue and quarter of an hour in the capped count (alerting rules, section 1).
const CAP_PER_QUARTER: i32 = 5;

/// Counts the events of a batch. The issues are locked by [`super::status::judge`], whose verdict they get; those that are new are written.
/// What belongs to a new issue is new as well, and goes in without a look at what is there.
pub async fn add(tx: &mut Tx, assigned: &Assigned<'_>, verdict: &Verdict) -> Result<(), Failure> {
    let placed = assigned.placed.as_slice();
    let is_new = |issue: &IssueId| assigned.is_new(*issue);
    let (new, known) = parted(people_of(placed), |key| is_new(&key.1));
    let is_full = |key: &(ProjectId, IssueId, Person)| verdict.held.get(&(key.0, key.1)).is_some_and(|held| held.user_count >= PEOPLE_MAX);
    let (full, known) = parted(known, is_full);
    people::see_again(tx, &full).await?;
    let mut new_people = people::upsert(tx, &known).await?;
    new_people.extend(people::insert(tx, &new).await?);
    add_issues(tx, assigned, advances(placed, verdict, &new_people)).await?;
    add_environments(tx, assigned).await?;
    add_releases(tx, assigned).await?;
    let (new, known) = parted(hours_of(placed), |key| is_new(&key.1));
    hours::add(tx, &known).await?;
    hours::insert(tx, &new).await?;
    let (new, known) = parted(quarters_of(placed), |key| is_new(&key.1));
    let before = quarters::add(tx, &known).await?;
    quarters::insert(tx, &new).await?;
    let (new, known) = parted(minutes_of(placed, before), |key| is_new(&key.1));
    minutes::add(tx, &known).await?;
    minutes::insert(tx, &new).await?;
    let (new, known) = parted(tags_of(placed), |key| is_new(&key.0.1));
    tags::add(tx, &known).await?;
    tags::insert(tx, &new).await?;
    add_to_projects(tx, placed).await
}

/// What belongs to new issues, and the rest.
fn parted<K: Ord, V>(sums: BTreeMap<K, V>, is_new: impl Fn(&K) -> bool) -> (BTreeMap<K, V>, BTreeMap<K, V>) {
    sums.into_iter().partition(|(key, _)| is_new(key))
}

async fn add_issues(tx: &mut Tx, assigned: &Assigned<'_>, advances: Vec<Advance>) -> Result<(), Failure> {
    let (mut new, mut known) = (vec![], vec![]);
    for advance in advances {
        match assigned.founders.get(&advance.held.id) {
            Some(founder) => {
                let name = assigned.names.get(&advance.held.id);
                new.push(named(founder.sighting.found(advance), name));
            }
            None => known.push(advance),
        }
    }
    issue_state::insert(tx, &new).await?;
    Ok(issue_state::advance(tx, &known).await?)
}

fn named(issue: NewIssue, name: Option<&Name>) -> NewIssue {
    match name {
        None => issue,
        Some(Name { kind: None, value }) => NewIssue { value: value.clone(), ..issue },
        Some(Name { kind: Some(kind), value }) => NewIssue { kind, type_name: String::new(), value: value.clone(), ..issue },
    }
}

async fn add_to_projects(tx: &mut Tx, placed: &[Placed<'_>]) -> Result<(), Failure> {
    let (mut per_hour, mut arrivals) = (BTreeMap::new(), Spans::new());
    for placed in placed {
        *per_hour.entry((placed.sighting.project_id, hour(placed.sighting.received_at))).or_insert(0) += 1;
        widen(&mut arrivals, placed.sighting.project_id, placed.sighting.received_at);
    }
    projects::add_hours(tx, &per_hour).await?;
    Ok(projects::touch(tx, &arrivals).await?)
}

fn people_of(placed: &[Placed<'_>]) -> BTreeMap<(ProjectId, IssueId, Person), OffsetDateTime> {
    let mut people = BTreeMap::new();
    for placed in placed {
        if let Some(person) = placed.sighting.person {
            let last = people.entry((placed.sighting.project_id, placed.issue_id, person)).or_insert(placed.sighting.occurred_at);
            *last = placed.sighting.occurred_at.max(*last);
        }
    }
    people
}

fn advances(placed: &[Placed<'_>], verdict: &Verdict, new_people: &HashMap<IssueKey, i64>) -> Vec<Advance> {
    let mut advances: BTreeMap<IssueKey, Advance> = BTreeMap::new();
    for placed in placed {
        let (sighting, key) = (placed.sighting, placed.issue());
        let Some(held) = verdict.held.get(&key) else { continue };
        let advance = advances.entry(key).or_insert_with(|| Advance {
            held: held.clone(),
            event_count: 0,
            user_count: new_people.get(&key).copied().unwrap_or_default(),
            first_seen_at: sighting.occurred_at,
            last_seen_at: sighting.occurred_at,
            latest: sighting.latest(),
            first_release: None,
        });
        advance.event_count += 1;
        advance.first_seen_at = advance.first_seen_at.min(sighting.occurred_at);
        if sighting.occurred_at >= advance.last_seen_at {
            let release = sighting.release.clone().or(advance.latest.release.take());
            advance.latest = issue_state::Latest { release, ..sighting.latest() };
            advance.last_seen_at = sighting.occurred_at;
        }
        advance.first_release = advance.first_release.take().or_else(|| sighting.release.clone());
    }
    advances.into_values().collect()
}

async fn add_environments(tx: &mut Tx, assigned: &Assigned<'_>) -> Result<(), Failure> {
    let mut spans = Spans::new();
    let mut seen: BTreeMap<(ProjectId, IssueId, String), environments::Seen> = BTreeMap::new();
    for placed in &assigned.placed {
        let sighting = placed.sighting;
        let Some(name) = &sighting.environment else { continue };
        let at = sighting.occurred_at;
        widen(&mut spans, (sighting.project_id, name.clone()), at);
        let sum = seen.entry((sighting.project_id, placed.issue_id, name.clone())).or_insert(environments::Seen {
            event_count: 0,
            first_seen_at: at,
            last_seen_at: at,
            top_level: 0,
        });
        sum.event_count += 1;
        sum.first_seen_at = sum.first_seen_at.min(at);
        sum.last_seen_at = sum.last_seen_at.max(at);
        sum.top_level = sum.top_level.max(if sighting.clean { sighting.level } else { 0 });
    }
    let kept = environments::upsert(tx, &spans).await?;
    spans.retain(|key, _| !kept.contains(key));
    environments::upsert(tx, &of_projects_as_other(spans, |all, more| *all = (all.0.min(more.0), all.1.max(more.1)))).await?;
    let seen = of_issues_with_other(seen, &kept, environments::Seen::join);
    let (new, known) = parted(seen, |key| assigned.is_new(key.1));
    environments::insert(tx, &new).await?;
    Ok(environments::add(tx, &known).await?)
}

/// What is beyond the limit of a project, put together under one name.
fn of_projects_as_other<V>(left: BTreeMap<(ProjectId, String), V>, join: impl Fn(&mut V, V)) -> BTreeMap<(ProjectId, String), V> {
    let mut sums = BTreeMap::new();
    left.into_iter().for_each(|((project, _), more)| add_up(&mut sums, (project, OTHER.to_owned()), more, &join));
    sums
}

/// The same by issue, beside what is within the limit.
fn of_issues_with_other<V>(
    seen: BTreeMap<(ProjectId, IssueId, String), V>,
    kept: &HashSet<(ProjectId, String)>,
    join: impl Fn(&mut V, V),
) -> BTreeMap<(ProjectId, IssueId, String), V> {
    let mut sums = BTreeMap::new();
    for ((project, issue, name), more) in seen {
        let named = (project, name);
        let name = if kept.contains(&named) { named.1 } else { OTHER.to_owned() };
        add_up(&mut sums, (project, issue, name), more, &join);
    }
    sums
}

fn add_up<K: Ord, V>(sums: &mut BTreeMap<K, V>, key: K, more: V, join: impl Fn(&mut V, V)) {
    match sums.entry(key) {
        Entry::Occupied(mut sum) => join(sum.get_mut(), more),
        Entry::Vacant(place) => drop(place.insert(more)),
    }
}

async fn add_releases(tx: &mut Tx, assigned: &Assigned<'_>) -> Result<(), Failure> {
    let mut of_projects = BTreeMap::new();
    let mut of_issues: BTreeMap<(ProjectId, IssueId, String), releases::Seen> = BTreeMap::new();
    for placed in &assigned.placed {
        let sighting = placed.sighting;
        let Some(version) = &sighting.release else { continue };
        add_release(&mut of_projects, (sighting.project_id, version.clone()), sighting.occurred_at);
        add_release(&mut of_issues, (sighting.project_id, placed.issue_id, version.clone()), sighting.occurred_at);
    }
    let kept = releases::add_to_projects(tx, &of_projects).await?;
    of_projects.retain(|key, _| !kept.contains(key));
    releases::add_to_projects(tx, &of_projects_as_other(of_projects, releases::Seen::join)).await?;
    let of_issues = of_issues_with_other(of_issues, &kept, releases::Seen::join);
    let (new, known) = parted(of_issues, |key| assigned.is_new(key.1));
    releases::insert_of_issues(tx, &new).await?;
    Ok(releases::add_to_issues(tx, &known).await?)
}

fn add_release<K: Ord>(sums: &mut BTreeMap<K, releases::Seen>, key: K, at: OffsetDateTime) {
    let sum = sums.entry(key).or_insert(releases::Seen { event_count: 0, first_seen_at: at, last_seen_at: at });
    sum.event_count += 1;
    sum.first_seen_at = sum.first_seen_at.min(at);
    sum.last_seen_at = sum.last_seen_at.max(at);
}

/// By the hour in which it happened for charts, by the hour of arrival for detection.
fn hours_of(placed: &[Placed<'_>]) -> BTreeMap<(ProjectId, IssueId, OffsetDateTime), hours::Hour> {
    let mut hours: BTreeMap<_, hours::Hour> = BTreeMap::new();
    for placed in placed {
        let sighting = placed.sighting;
        hours.entry((sighting.project_id, placed.issue_id, hour(sighting.occurred_at))).or_default().event_count += 1;
        if sighting.clean {
            hours.entry((sighting.project_id, placed.issue_id, hour(sighting.received_at))).or_default().clean_count += 1;
        }
    }
    hours
}

fn quarter_key(placed: &Placed<'_>) -> Option<quarters::Key> {
    let sighting = placed.sighting;
    Some((sighting.project_id, placed.issue_id, quarter(sighting.received_at), sighting.person?))
}

fn quarters_of(placed: &[Placed<'_>]) -> BTreeMap<quarters::Key, quarters::Seen> {
    let mut seen = BTreeMap::new();
    for placed in placed.iter().filter(|placed| placed.sighting.clean) {
        let Some(key) = quarter_key(placed) else { continue };
        let at = placed.sighting.received_at;
        let sum = seen.entry(key).or_insert(quarters::Seen { event_count: 0, last_seen_at: at });
        sum.event_count += 1;
        sum.last_seen_at = sum.last_seen_at.max(at);
    }
    seen
}

/// `before`: how often each person had been seen in its quarter before this batch.
fn minutes_of(
    placed: &[Placed<'_>],
    mut before: HashMap<quarters::Key, i32>,
) -> BTreeMap<(ProjectId, IssueId, OffsetDateTime), minutes::Minute> {
    let mut minutes: BTreeMap<_, minutes::Minute> = BTreeMap::new();
    for placed in placed.iter().filter(|placed| placed.sighting.clean) {
        let sum = minutes.entry((placed.sighting.project_id, placed.issue_id, minute(placed.sighting.received_at))).or_default();
        sum.clean_count += 1;
        let seen = quarter_key(placed).map(|key| before.entry(key).or_default());
        let capped = seen.is_none_or(|seen| {
            *seen += 1;
            *seen <= CAP_PER_QUARTER
        });
        sum.capped_count += i32::from(capped);
    }
    minutes
}

fn tags_of(placed: &[Placed<'_>]) -> tags::Sums {
    let mut sums: BTreeMap<_, tags::Seen> = BTreeMap::new();
    for placed in placed {
        let sighting = placed.sighting;
        for (key, value) in sighting.tags.iter() {
            let tag = (sighting.project_id, placed.issue_id, key, value);
            let sum = sums.entry(tag).or_insert(tags::Seen { event_count: 0, last_seen_at: sighting.occurred_at });
            sum.event_count += 1;
            sum.last_seen_at = sum.last_seen_at.max(sighting.occurred_at);
        }
    }
    let owned = |(project, issue, key, value): (_, _, &str, &str)| ((project, issue, key.to_owned()), value.to_owned());
    sums.into_iter().map(|(tag, seen)| (owned(tag), seen)).collect()
}
