//! What people decide about which issues are not one: hashes are split off an issue, in one transaction with the activity on both.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use time::OffsetDateTime;

use super::merges::Refusal;
use crate::clock::Clock;
use crate::domain::fingerprint::Hash;
use crate::domain::ids::{IssueId, ProjectId};
use crate::domain::person::Person;
use crate::domain::user::User;
use crate::store::activities::NewActivity;
use crate::store::counters::tags::Tags;
use crate::store::issue_reads::{self, Issue};
use crate::store::merges::split::{self, LeadingHash, Said, Snapshot, Split};
use crate::store::payload::library::Library;
use crate::store::{self, Db, Tx, activities, issue_standing, issue_state};

/// What an event says that its columns do not: who, and its tags as they are counted.
pub type Reading = (Option<Person>, Tags);

/// What it takes to open stored events.
pub struct Opener<'a> {
    /// Dictionaries.
    pub library: &'a Library,
    /// Reads the JSON of a stored event; `None` where it cannot be understood.
    pub read: fn(&[u8]) -> Option<Reading>,
}

/// Splits those of `hashes` off `issue` that lead to it. All hashes of an issue that was merged give that issue back; others of them become
/// issues of their own, one for each issue they come from. Answers them.
pub async fn split(
    db: &Db,
    clock: &Clock,
    opener: &Opener<'_>,
    who: &User,
    issue: IssueId,
    hashes: &[Hash],
) -> Result<Vec<Issue>, Refusal> {
    if !who.role.may_work() {
        return Err(Refusal::ReadOnly);
    }
    let mut tx = store::begin(db).await.context("splitting an issue")?;
    let locked = issue_standing::lock_visible(&mut tx, &[issue], who).await.context("locking an issue to split")?;
    let Some(locked) = locked.first() else { return Err(Refusal::Nothing) };
    let known = split::list_hashes(&mut *tx, locked.project_id, issue).await.context("reading hashes")?;
    let chosen: Vec<&LeadingHash> = known.iter().filter(|known| hashes.contains(&known.hash)).collect();
    if chosen.is_empty() {
        return Err(Refusal::Nothing);
    }
    if chosen.len() == known.len() {
        return Err(Refusal::Everything);
    }
    let snapshots = split::snapshots(&mut *tx, locked.project_id, issue).await.context("reading merges")?;
    let mut made = Vec::new();
    for (origin, hashes) in parts(&known, &chosen, &snapshots) {
        let part = Part { project_id: locked.project_id, from: issue, origin, hashes };
        made.push(apply(&mut tx, db, opener, who, part, &snapshots, clock.now()).await.context("splitting an issue")?);
    }
    note(&mut tx, who, locked.project_id, issue, &made, clock.now()).await.context("noting a split")?;
    tx.commit().await.context("splitting an issue")?;
    Ok(made)
}

struct Part {
    project_id: ProjectId,
    from: IssueId,
    /// The issue that is given back.
    origin: Option<IssueId>,
    hashes: Vec<Hash>,
}

/// Which hashes become one issue each: whole issues that were merged, with what had been merged into them before; then the rest by where they
/// come from.
fn parts(known: &[LeadingHash], chosen: &[&LeadingHash], snapshots: &[Snapshot]) -> Vec<(Option<IssueId>, Vec<Hash>)> {
    let mut left: BTreeSet<Hash> = chosen.iter().map(|hash| hash.hash).collect();
    let mut parts = Vec::new();
    for snapshot in snapshots {
        if !known.iter().any(|hash| hash.origin == Some(snapshot.id)) {
            continue; // all of its own were split off one by one
        }
        let family = family(snapshot.id, snapshots);
        let whole: Vec<Hash> =
            known.iter().filter(|hash| hash.origin.is_some_and(|id| family.contains(&id))).map(|hash| hash.hash).collect();
        if !whole.is_empty() && whole.iter().all(|hash| left.contains(hash)) {
            left.retain(|hash| !whole.contains(hash));
            parts.push((Some(snapshot.id), whole));
        }
    }
    let mut rest: BTreeMap<Option<IssueId>, Vec<Hash>> = BTreeMap::new();
    for hash in chosen.iter().filter(|hash| left.contains(&hash.hash)) {
        rest.entry(hash.origin).or_default().push(hash.hash);
    }
    parts.extend(rest.into_values().map(|hashes| (None, hashes)));
    parts
}

/// An issue with all that was merged into it.
fn family(id: IssueId, snapshots: &[Snapshot]) -> BTreeSet<IssueId> {
    let mut family = BTreeSet::from([id]);
    // Earlier merges come later in the list.
    for snapshot in snapshots {
        if family.contains(&snapshot.first_into) {
            family.insert(snapshot.id);
        }
    }
    family
}

async fn apply(
    tx: &mut Tx,
    db: &Db,
    opener: &Opener<'_>,
    who: &User,
    part: Part,
    snapshots: &[Snapshot],
    at: OffsetDateTime,
) -> anyhow::Result<Issue> {
    let snapshot = part.origin.and_then(|origin| snapshots.iter().find(|snapshot| snapshot.id == origin));
    let to = match snapshot {
        Some(snapshot) => snapshot.id,
        None => *issue_state::allocate(tx, 1).await?.first().context("no id for an issue")?,
    };
    let merged_at = snapshot.filter(|snapshot| snapshot.is_whole).map(|snapshot| snapshot.merged_at);
    let split = Split { project_id: part.project_id, from: part.from, to, merged_at, hashes: part.hashes, user_id: who.id, at };
    let said = read(tx, db, opener, &split).await?;
    split::split(tx, &split, &said).await?;
    issue_reads::find(&mut **tx, to).await?.context("the issue that was split off is gone")
}

/// Opens the events that came since the merge.
async fn read(tx: &mut Tx, db: &Db, opener: &Opener<'_>, split: &Split) -> anyhow::Result<Said> {
    let mut said = Said::default();
    for packed in split::list_packed(&mut **tx, split).await? {
        let opened = opener.library.open(db, split.project_id, packed.dictionary_id, &packed.payload).await.ok();
        let Some((person, tags)) = opened.and_then(|json| (opener.read)(&json)) else { continue };
        for (key, value) in tags.iter() {
            let seen = said.tags.entry((key.to_owned(), value.to_owned())).or_insert((0, packed.occurred_at));
            *seen = (seen.0 + 1, seen.1.max(packed.occurred_at));
        }
        if let Some(person) = person {
            let seen = said.people.entry(person).or_insert((packed.occurred_at, packed.user_label.clone().unwrap_or_default()));
            seen.0 = seen.0.max(packed.occurred_at);
        }
    }
    Ok(said)
}

async fn note(tx: &mut Tx, who: &User, project_id: ProjectId, from: IssueId, made: &[Issue], at: OffsetDateTime) -> anyhow::Result<()> {
    let source = issue_reads::find(&mut **tx, from).await?.context("the issue that was split is gone")?;
    let activity = |issue_id, kind, detail: String, at| NewActivity { project_id, issue_id, user_id: Some(who.id), kind, detail, at };
    let name = |issue: &Issue| format!("{} {}", issue.short_id(), issue.title());
    let mut notes = Vec::new();
    for issue in made {
        notes.push(activity(from, "split", name(issue), at));
        notes.push(activity(issue.id, "split_from", name(&source), at));
        let first = NewActivity {
            user_id: None,
            ..activity(issue.id, "first_seen", issue.first_release.clone().unwrap_or_default(), issue.first_seen_at)
        };
        notes.push(first);
    }
    Ok(activities::insert(tx, &notes).await?)
}
