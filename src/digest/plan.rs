//! What a batch means for issues before anything is written: which event leads where, and which leads turn out to be one.

use std::collections::{BTreeMap, HashMap};

use super::sighting::Sighting;
use crate::domain::fingerprint::Hash;
use crate::domain::ids::{IssueId, ProjectId};

/// An issue that is known, or the place in the list of those that this batch founds. The smaller of two goes on when they are one: what is
/// known before what is new, the older before the younger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lead {
    /// It has a row.
    Known(IssueId),
    /// It will get one.
    New(usize),
}

/// Events that share a hash lead to one issue, within the batch as over batches.
pub struct Plan<'a> {
    /// Each event, where it leads, and the hash that decided, in the order of arrival.
    pub leads: Vec<(&'a Sighting, Lead, Hash)>,
    /// The first event of each [`Lead::New`].
    pub founders: Vec<&'a Sighting>,
    /// Hashes nobody has seen, with the event that brought each, and where they will lead.
    pub attached: BTreeMap<(ProjectId, Hash), (&'a Sighting, Lead)>,
    /// What an issue is called otherwise than after its first event.
    pub names: HashMap<(ProjectId, Lead), Name>,
    /// Leads that turned out to be another one, with what made it so.
    joined: BTreeMap<(ProjectId, Lead), (Lead, String)>,
}

/// What an issue is called otherwise than after its first event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// `Some`: its kind as well; the type of an exception goes.
    pub kind: Option<&'static str>,
    /// Instead of the message or value.
    pub value: String,
}

impl<'a> Plan<'a> {
    /// `known`: where the hashes of the events lead that lead somewhere.
    pub fn of(fresh: &[&'a Sighting], known: HashMap<(ProjectId, Hash), IssueId>) -> Self {
        let mut leads: HashMap<_, Lead> = known.into_iter().map(|(key, id)| (key, Lead::Known(id))).collect();
        let mut plan = Plan {
            leads: Vec::with_capacity(fresh.len()),
            founders: vec![],
            attached: BTreeMap::new(),
            names: HashMap::new(),
            joined: BTreeMap::new(),
        };
        for sighting in fresh {
            let decided = sighting.keys().chain(sighting.older_keys()).find_map(|key| leads.get(&key).map(|lead| (*lead, key.1)));
            let (lead, hash) = decided.unwrap_or_else(|| {
                plan.founders.push(sighting);
                (Lead::New(plan.founders.len() - 1), sighting.hashes[0])
            });
            for key in sighting.keys() {
                if let std::collections::hash_map::Entry::Vacant(vacant) = leads.entry(key) {
                    vacant.insert(lead);
                    plan.attached.insert(key, (sighting, lead));
                }
            }
            plan.leads.push((sighting, lead, hash));
        }
        plan
    }

    /// Where a lead of this project leads in the end.
    pub fn end(&self, project: ProjectId, mut lead: Lead) -> Lead {
        while let Some((next, _)) = self.joined.get(&(project, lead)) {
            lead = *next;
        }
        lead
    }

    /// Makes two leads one, and answers which. `reason`: for people.
    pub fn join(&mut self, project: ProjectId, one: Lead, other: Lead, reason: &str) -> Lead {
        let (one, other) = (self.end(project, one), self.end(project, other));
        let (stays, goes) = (one.min(other), one.max(other));
        if stays != goes {
            self.joined.insert((project, goes), (stays, reason.to_owned()));
            if let Some(name) = self.names.remove(&(project, goes)) {
                self.names.entry((project, stays)).or_insert(name);
            }
        }
        stays
    }

    /// Attaches a hash of which no event has come.
    pub fn attach(&mut self, key: (ProjectId, Hash), sighting: &'a Sighting, lead: Lead) {
        self.attached.entry(key).or_insert((sighting, lead));
    }

    /// The founder of a lead, where this event is it.
    pub fn founded_by(&self, sighting: &Sighting, lead: Lead) -> Option<usize> {
        match lead {
            Lead::New(place) if std::ptr::eq(self.founders[place], sighting) => Some(place),
            _ => None,
        }
    }

    /// Issues that have rows and are another one now: project, from, into, reason.
    pub fn merges<'s>(&'s self) -> Vec<(ProjectId, IssueId, IssueId, &'s str)> {
        let merge = |(key, by): (&(ProjectId, Lead), &'s (Lead, String))| match (key.1, self.end(key.0, key.1)) {
            (Lead::Known(from), Lead::Known(into)) => Some((key.0, from, into, by.1.as_str())),
            _ => None,
        };
        self.joined.iter().filter_map(merge).collect()
    }

    /// Issues that have rows and are called otherwise from now on.
    pub fn renamed(&self) -> Vec<(ProjectId, IssueId, &str)> {
        let renamed = self.names.iter().filter_map(|((project, lead), name)| match lead {
            Lead::Known(id) => Some((*project, *id, name.value.as_str())),
            Lead::New(_) => None,
        });
        renamed.collect()
    }

    /// Founders whose issue is made: those that turned out to be no other one.
    pub fn made(&self) -> Vec<usize> {
        let is_made = |place: &usize| self.end(self.founders[*place].project_id, Lead::New(*place)) == Lead::New(*place);
        (0..self.founders.len()).filter(is_made).collect()
    }
}
