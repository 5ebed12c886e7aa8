//! Which versions of the fingerprint are computed for whom. Most projects are on the newest and have hashes of no other; only of the others
//! anything is remembered, and only they cost a second computation.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::Context;
use time::{Duration, OffsetDateTime};

use crate::domain::ids::ProjectId;
use crate::pipeline::fingerprint::Version;
use crate::store::Db;
use crate::store::grouping_versions::{self, Pin};

/// How long what was read is believed. Meanwhile a project that was moved on is read as before, which finds its issues all the same.
const BELIEVED: Duration = Duration::seconds(10);

/// Shared by all threads of a digest. Clones are the same.
#[derive(Clone, Default)]
pub struct Versions(Arc<RwLock<State>>);

#[derive(Default)]
struct State {
    behind: HashMap<ProjectId, Pin>,
    read_at: Option<OffsetDateTime>,
}

/// What is computed of the events of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its hashes are stored.
    pub version: Version,
    /// Its hashes are looked up as well, where it is another one.
    pub oldest: Version,
}

impl Versions {
    /// Reads them again, where that was long ago. To be called before a batch is read.
    pub async fn refresh(&self, db: &Db, now: OffsetDateTime) -> anyhow::Result<()> {
        let read_at = self.0.read().unwrap_or_else(PoisonError::into_inner).read_at;
        if read_at.is_some_and(|at| (now - at).abs() < BELIEVED) {
            return Ok(());
        }
        let behind =
            grouping_versions::list_behind(db, Version::NEWEST.number()).await.context("reading the versions of the fingerprint")?;
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *state = State { behind: behind.into_iter().collect(), read_at: Some(now) };
        Ok(())
    }

    /// Of one project.
    pub fn of(&self, project: ProjectId) -> Wanted {
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
        match state.behind.get(&project) {
            None => Wanted::default(),
            Some(pin) => Wanted { version: Version::of(pin.version), oldest: Version::of(pin.oldest) },
        }
    }
}

impl Default for Wanted {
    fn default() -> Self {
        Self { version: Version::NEWEST, oldest: Version::NEWEST }
    }
}
