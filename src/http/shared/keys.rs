//! Which key may send to which project, in memory: accepting asks this, not Postgres, so it goes on while Postgres is away.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use time::{Duration, OffsetDateTime};
use tracing::warn;

use crate::domain::ids::ProjectId;
use crate::store::{self, Db};

/// How old the list may get: a disabled key works no longer than this.
const REFRESH_EVERY: Duration = Duration::seconds(5);
/// How long a request waits for a refresh or a look-up. Postgres being away costs one request in five seconds this much.
const WAIT_MAX: std::time::Duration = std::time::Duration::from_secs(1);
/// Unknown keys that may be looked up at once, and again per second: guessing keys must not become load on Postgres.
const LOOK_UPS_MAX: f64 = 100.0;
const LOOK_UPS_PER_SECOND: f64 = 10.0;

/// The keys that may send.
#[derive(Debug)]
pub struct KeyCache {
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    projects: HashMap<String, ProjectId>,
    is_loaded: bool,
    /// When the list was last asked for, with or without success.
    asked_at: Option<OffsetDateTime>,
    look_ups: f64,
    look_ups_at: Option<OffsetDateTime>,
}

/// The key is not known here, and Postgres cannot be asked now.
#[derive(Debug, thiserror::Error)]
#[error("the key cannot be checked now")]
pub struct KeysUnavailable;

impl Default for KeyCache {
    fn default() -> Self {
        Self {
            known: Mutex::new(Known {
                projects: HashMap::new(),
                is_loaded: false,
                asked_at: None,
                look_ups: LOOK_UPS_MAX,
                look_ups_at: None,
            }),
        }
    }
}

impl KeyCache {
    /// The project this key may send to; `None` for unknown and disabled keys.
    pub async fn project_of(&self, db: &Db, now: OffsetDateTime, public_key: &str) -> Result<Option<ProjectId>, KeysUnavailable> {
        if self.known().is_due(now) {
            self.refresh(db).await;
        }
        let (project, may_look_up) = {
            let mut known = self.known();
            let project = known.projects.get(public_key).copied();
            (project, project.is_none() && known.may_look_up(now))
        };
        match project {
            Some(project) => Ok(Some(project)),
            None if may_look_up => self.look_up(db, public_key).await,
            None => Err(KeysUnavailable),
        }
    }

    /// Whether the list was ever read: before, only single look-ups can tell who may send.
    pub fn is_loaded(&self) -> bool {
        self.known().is_loaded
    }

    /// Reads the whole list; on failure the old one stays.
    pub async fn refresh(&self, db: &Db) {
        match tokio::time::timeout(WAIT_MAX, store::keys::list_enabled(db)).await {
            Ok(Ok(keys)) => {
                let mut known = self.known();
                known.projects = keys.into_iter().map(|key| (key.public_key, key.project_id)).collect();
                known.is_loaded = true;
            }
            Ok(Err(error)) => warn!("project keys could not be read, the known ones stay valid: {error}"),
            Err(_) => warn!("project keys could not be read in time, the known ones stay valid"),
        }
    }

    async fn look_up(&self, db: &Db, public_key: &str) -> Result<Option<ProjectId>, KeysUnavailable> {
        let answer = tokio::time::timeout(WAIT_MAX, store::keys::find_enabled(db, public_key)).await;
        let project = answer.map_err(|_| KeysUnavailable)?.map_err(|_| KeysUnavailable)?;
        if let Some(project) = project {
            self.known().projects.insert(public_key.to_owned(), project);
        }
        Ok(project)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// True for one caller per interval; the others go on with what is known.
    fn is_due(&mut self, now: OffsetDateTime) -> bool {
        let due = self.asked_at.is_none_or(|asked_at| now - asked_at >= REFRESH_EVERY || now < asked_at);
        if due {
            self.asked_at = Some(now);
        }
        due
    }

    fn may_look_up(&mut self, now: OffsetDateTime) -> bool {
        let elapsed = self.look_ups_at.map_or(Duration::ZERO, |at| (now - at).max(Duration::ZERO));
        self.look_ups_at = Some(now);
        self.look_ups = (self.look_ups + elapsed.as_seconds_f64() * LOOK_UPS_PER_SECOND).min(LOOK_UPS_MAX);
        let may = self.look_ups >= 1.0;
        if may {
            self.look_ups -= 1.0;
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn guessing_keys_is_slowed_down_and_recovers() {
        let cache = KeyCache::default();
        let now = datetime!(2026-11-20 12:00 UTC);
        let granted = (0..500).filter(|_| cache.known().may_look_up(now)).count();
        assert_eq!(granted, 100);
        assert!(cache.known().may_look_up(now + Duration::milliseconds(100)));
        assert!(!cache.known().may_look_up(now + Duration::milliseconds(110)));
    }

    #[test]
    fn one_caller_per_interval_refreshes() {
        let cache = KeyCache::default();
        let now = datetime!(2026-11-20 12:00 UTC);
        let due = [0, 1, 4, 5, 6].map(|seconds| cache.known().is_due(now + Duration::seconds(seconds)));
        assert_eq!(due, [true, false, false, true, false]);
    }
}
