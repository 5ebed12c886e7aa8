//! An issue goes on when a release rewrote its failing line: the new hash is attached to the old issue instead of founding one.

use std::collections::{BTreeSet, HashMap, HashSet};

use time::OffsetDateTime;

use super::failure::Failure;
use super::plan::{Lead, Plan};
use super::sighting::Sighting;
use crate::domain::fingerprint::Hash;
use crate::domain::ids::ProjectId;
use crate::pipeline::fingerprint::{self, Version};
use crate::protocol::event;
use crate::store::outlines::{self, Candidate, Example};
use crate::store::{Tx, dictionaries};

/// Pairs of events that are compared for one batch; further ones found issues.
const LOOKS_MAX: usize = 200;
/// Why two issues are one.
const REASON: &str = "a line was rewritten in a later release";

/// What has the same outline as an event.
#[derive(Clone, Copy)]
enum Earlier<'a> {
    Stored(Candidate),
    OfBatch(&'a Sighting, Lead),
}

struct Desk<'a> {
    /// By outline, the latest last.
    known: HashMap<(ProjectId, Hash), Vec<Earlier<'a>>>,
    /// Releases in which an issue was seen in this batch so far.
    seen: HashSet<(ProjectId, Lead, &'a str)>,
    /// What the events of a hash said in this batch so far.
    said: HashMap<(ProjectId, Hash), BTreeSet<&'a str>>,
    looks: usize,
}

/// Looks at each event that would found an issue, in the order of arrival. The projects' buckets are held.
pub async fn join(tx: &mut Tx, plan: &mut Plan<'_>, now: OffsetDateTime) -> Result<(), Failure> {
    let outlines: BTreeSet<(ProjectId, Hash, Hash)> = plan.founders.iter().filter_map(|founder| outline_of(founder)).collect();
    if outlines.is_empty() {
        return Ok(());
    }
    let asked: BTreeSet<(ProjectId, Hash)> = outlines.iter().map(|(project, outline, _)| (*project, *outline)).collect();
    let mut desk = Desk { known: HashMap::new(), seen: HashSet::new(), said: HashMap::new(), looks: 0 };
    for (key, candidate) in outlines::list(tx, &asked.into_iter().collect::<Vec<_>>()).await?.into_iter().rev() {
        desk.known.entry(key).or_default().push(Earlier::Stored(candidate));
    }
    for at in 0..plan.leads.len() {
        let (sighting, lead, hash) = plan.leads[at];
        let project = sighting.project_id;
        if plan.founded_by(sighting, lead).is_some() && plan.end(project, lead) == lead {
            desk.look(tx, plan, sighting, lead).await?;
        }
        desk.seen.extend(sighting.release.as_deref().map(|release| (project, plan.end(project, lead), release)));
        desk.said.entry((project, hash)).or_default().insert(sighting.says());
    }
    Ok(outlines::remember(tx, &outlines, now).await?)
}

fn outline_of(founder: &Sighting) -> Option<(ProjectId, Hash, Hash)> {
    Some((founder.project_id, founder.memory.outline?, founder.hashes[0]))
}

impl<'a> Desk<'a> {
    async fn look(&mut self, tx: &mut Tx, plan: &mut Plan<'a>, sighting: &'a Sighting, lead: Lead) -> Result<(), Failure> {
        let Some(outline) = sighting.memory.outline else { return Ok(()) };
        let key = (sighting.project_id, outline);
        let earlier = self.known.get(&key).cloned().unwrap_or_default();
        for earlier in earlier.iter().rev() {
            if self.looks < LOOKS_MAX && self.goes_on(tx, plan, *earlier, sighting).await? {
                plan.join(key.0, lead, earlier.lead(), REASON);
                break;
            }
        }
        self.known.entry(key).or_default().push(Earlier::OfBatch(sighting, lead));
        Ok(())
    }

    /// Whether `new` is what failed earlier, rewritten.
    async fn goes_on(&mut self, tx: &mut Tx, plan: &Plan<'a>, earlier: Earlier<'a>, new: &Sighting) -> Result<bool, Failure> {
        let (project, end) = (new.project_id, plan.end(new.project_id, earlier.lead()));
        if let Some(release) = &new.release {
            let seen_before = match end {
                Lead::Known(issue) => outlines::was_seen_in(&mut **tx, project, issue, release).await?,
                Lead::New(_) => false,
            };
            if seen_before || self.seen.contains(&(project, end, release.as_str())) {
                return Ok(false); // two lines in one release are two statements
            }
        }
        let said = self.said(tx, project, earlier).await?;
        if fingerprint::speaks_against(said.iter().map(String::as_str), new.says()) {
            return Ok(false);
        }
        self.looks += 1;
        let Some(old) = earlier.example(tx, project).await? else { return Ok(false) };
        let old = open(tx, project, &old).await?;
        let new_json = open(tx, project, &new.example()).await?;
        let (Some(old), Some(new_json)) = (old, new_json) else { return Ok(false) };
        let (Ok(old), Ok(new_event)) = (event::from_stored(&old), event::from_stored(&new_json)) else { return Ok(false) };
        Ok(fingerprint::continues(&old, &new_event, Version::of(new.algorithm)))
    }

    /// What the events of the earlier hash say, as far as one looks.
    async fn said(&self, tx: &mut Tx, project: ProjectId, earlier: Earlier<'_>) -> Result<BTreeSet<String>, Failure> {
        let hash = match earlier {
            Earlier::Stored(candidate) => candidate.hash,
            Earlier::OfBatch(sighting, _) => sighting.hashes[0],
        };
        let in_batch = self.said.get(&(project, hash)).into_iter().flatten().map(|said| (*said).to_owned());
        let mut said: BTreeSet<String> = in_batch.collect();
        if let Earlier::Stored(candidate) = earlier {
            said.extend(outlines::titles(&mut **tx, project, candidate).await?);
        }
        Ok(said)
    }
}

impl Earlier<'_> {
    fn lead(&self) -> Lead {
        match self {
            Self::Stored(candidate) => Lead::Known(candidate.issue_id),
            Self::OfBatch(_, lead) => *lead,
        }
    }

    async fn example(&self, tx: &mut Tx, project: ProjectId) -> Result<Option<Example>, Failure> {
        match self {
            Self::Stored(candidate) => Ok(outlines::example(&mut **tx, project, *candidate).await?),
            Self::OfBatch(sighting, _) => Ok(Some(sighting.example())),
        }
    }
}

impl Sighting {
    fn example(&self) -> Example {
        Example { dictionary_id: self.packed.dictionary_id, payload: self.packed.payload.clone() }
    }
}

/// The JSON of an event; `None` where it cannot be unpacked, which costs the comparison and not the batch.
async fn open(tx: &mut Tx, project: ProjectId, example: &Example) -> Result<Option<Vec<u8>>, Failure> {
    match dictionaries::open(&mut **tx, project, example.dictionary_id, &example.payload).await {
        Ok(json) => Ok(Some(json)),
        Err(error) => match error.downcast::<sqlx::Error>() {
            Ok(error) => Err(error.into()),
            Err(error) => {
                tracing::warn!(project.id = project.0, "an event cannot be unpacked to be compared: {error:#}");
                Ok(None)
            }
        },
    }
}
