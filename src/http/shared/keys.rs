//! Which key may send to which project, in memory: accepting asks this, not Postgres, so it goes on while Postgres is away. What was last
//! known is also in a file, for a start without Postgres.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use time::{Duration, OffsetDateTime};
use tokio::sync::Semaphore;
use tracing::warn;

use super::key_file;
use super::key_rounds::Rounds;
use crate::domain::ids::ProjectId;
use crate::domain::rate_limit::OwnLimits;
use crate::store::keys::EnabledKey;
use crate::store::{self, Db};

/// How old the list may get: a disabled key works no longer than this.
const REFRESH_EVERY: Duration = Duration::seconds(5);
/// How long a request waits for a refresh or a look-up. Postgres going away costs one request this much.
const WAIT_MAX: std::time::Duration = std::time::Duration::from_secs(1);
/// Unknown keys that may be looked up at once, and again per second: guessing keys must not become load on Postgres. Those above share a
/// reading of the whole list.
const LOOK_UPS_MAX: f64 = 100.0;
const LOOK_UPS_PER_SECOND: f64 = 10.0;
/// Look-ups under way at a time: more would only wait for each other's connections.
const LOOK_UPS_AT_ONCE: usize = 4;

/// The keys that may send. Cheap to clone; clones share what they know.
#[derive(Clone, Debug)]
pub struct KeyCache(Arc<Cache>);

#[derive(Debug)]
struct Cache {
    known: Mutex<Known>,
    /// `None`: nothing is written.
    file: Option<PathBuf>,
    /// What the file holds.
    saved: Mutex<Vec<EnabledKey>>,
    is_failing_to_save: AtomicBool,
    rounds: Rounds,
    looking_up: Semaphore,
}

#[derive(Debug)]
struct Known {
    keys: HashMap<String, EnabledKey>,
    is_loaded: bool,
    /// When the list was last asked for, with or without success.
    asked_at: Option<OffsetDateTime>,
    /// The last time it was asked for, the database did not answer.
    is_away: bool,
    look_ups: f64,
    look_ups_at: Option<OffsetDateTime>,
}

/// The key is not known here, and Postgres cannot be asked now.
#[derive(Debug, thiserror::Error)]
#[error("the key cannot be checked now")]
pub struct KeysUnavailable;

/// Whether it is time to read the list again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    No,
    /// The caller waits for it: so a disabled key stops within [`REFRESH_EVERY`].
    Now,
    /// The database was away the last time: nobody waits to find out that it still is.
    Beside,
}

impl Default for KeyCache {
    fn default() -> Self {
        Self::new(None)
    }
}

impl KeyCache {
    /// Knows what the file of an earlier life holds, and keeps it up to date.
    pub fn of_data_dir(data_dir: &Path) -> Self {
        Self::new(Some(data_dir.join(key_file::NAME)))
    }

    fn new(file: Option<PathBuf>) -> Self {
        let saved = file.as_deref().and_then(key_file::load);
        let known = Known {
            keys: by_key(saved.clone().unwrap_or_default()),
            is_loaded: saved.is_some(),
            asked_at: None,
            is_away: false,
            look_ups: LOOK_UPS_MAX,
            look_ups_at: None,
        };
        let (saved, is_failing_to_save) = (Mutex::new(saved.unwrap_or_default()), AtomicBool::new(false));
        Self(Arc::new(Cache {
            known: Mutex::new(known),
            file,
            saved,
            is_failing_to_save,
            rounds: Rounds::default(),
            looking_up: Semaphore::new(LOOK_UPS_AT_ONCE),
        }))
    }

    /// The project this key may send to; `None` for unknown and disabled keys.
    pub async fn project_of(&self, db: &Db, now: OffsetDateTime, public_key: &str) -> Result<Option<ProjectId>, KeysUnavailable> {
        let due = self.known().due(now);
        match due {
            Due::No => {}
            Due::Now => {
                self.read_list(db).await;
            }
            Due::Beside => {
                let (keys, db) = (self.clone(), db.clone());
                tokio::spawn(async move { keys.read_list(&db).await });
            }
        }
        if let Some(project) = self.known().keys.get(public_key).map(|key| key.project_id) {
            return Ok(Some(project));
        }
        match self.0.looking_up.try_acquire() {
            Ok(_held) if self.known().may_look_up(now) => self.look_up(db, public_key).await,
            _ => self.await_list(db, public_key).await,
        }
    }

    /// How much a key that may send was allowed, and its project.
    pub fn limits_of(&self, public_key: &str) -> OwnLimits {
        self.known().keys.get(public_key).map(|key| key.limits).unwrap_or_default()
    }

    /// Whether the list was ever read, be it from the file: before, only single look-ups can tell who may send.
    pub fn is_loaded(&self) -> bool {
        self.known().is_loaded
    }

    /// Reads the whole list; on failure the old one stays.
    pub async fn refresh(&self, db: &Db) {
        self.read_list(db).await;
    }

    /// Whether the database answered.
    async fn read_list(&self, db: &Db) -> bool {
        let answer = tokio::time::timeout(WAIT_MAX, store::keys::list_enabled(db)).await;
        let is_answered = matches!(answer, Ok(Ok(_)));
        let was_away = std::mem::replace(&mut self.known().is_away, !is_answered);
        match answer {
            Ok(Ok(keys)) => {
                let mut known = self.known();
                known.keys = by_key(keys.clone());
                known.is_loaded = true;
                drop(known);
                self.save(keys);
            }
            Ok(Err(error)) if !was_away => warn!("project keys could not be read, the known ones stay valid: {error}"),
            Err(_) if !was_away => warn!("project keys could not be read in time, the known ones stay valid"),
            _ => {}
        }
        is_answered
    }

    /// The key as the next reading of the list says, which many may wait for. Nobody waits while the database is known to be away.
    async fn await_list(&self, db: &Db, public_key: &str) -> Result<Option<ProjectId>, KeysUnavailable> {
        if self.known().is_away {
            return Err(KeysUnavailable);
        }
        let place = self.0.rounds.place();
        if place.is_first {
            let (keys, db) = (self.clone(), db.clone());
            tokio::spawn(async move { keys.0.rounds.make(keys.read_list(&db)).await });
        }
        if !self.0.rounds.ended(place, WAIT_MAX).await {
            return Err(KeysUnavailable);
        }
        Ok(self.known().keys.get(public_key).map(|key| key.project_id))
    }

    async fn look_up(&self, db: &Db, public_key: &str) -> Result<Option<ProjectId>, KeysUnavailable> {
        let answer = tokio::time::timeout(WAIT_MAX, store::keys::find_enabled(db, public_key)).await;
        let key = answer.map_err(|_| KeysUnavailable)?.map_err(|_| KeysUnavailable)?;
        let project = key.as_ref().map(|key| key.project_id);
        if let Some(key) = key {
            self.known().keys.insert(public_key.to_owned(), key);
        }
        Ok(project)
    }

    /// Where the file holds something else it is written, beside what goes on.
    fn save(&self, keys: Vec<EnabledKey>) {
        if self.0.file.is_none() || *self.saved() == keys {
            return;
        }
        let cache = self.clone();
        tokio::task::spawn_blocking(move || cache.save_now(keys));
    }

    fn save_now(&self, keys: Vec<EnabledKey>) {
        let Some(path) = &self.0.file else { return };
        let mut saved = self.saved();
        match key_file::save(path, &keys) {
            Ok(()) => {
                *saved = keys;
                self.0.is_failing_to_save.store(false, Relaxed);
            }
            Err(error) if !self.0.is_failing_to_save.swap(true, Relaxed) => {
                warn!("{} cannot be written; after a restart without the database new keys would not be known: {error}", path.display());
            }
            Err(_) => {}
        }
    }

    fn saved(&self) -> MutexGuard<'_, Vec<EnabledKey>> {
        self.0.saved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn by_key(keys: Vec<EnabledKey>) -> HashMap<String, EnabledKey> {
    keys.into_iter().map(|key| (key.public_key.clone(), key)).collect()
}

impl Known {
    /// Due for one caller per interval; the others go on with what is known.
    fn due(&mut self, now: OffsetDateTime) -> Due {
        if self.asked_at.is_some_and(|asked_at| now - asked_at < REFRESH_EVERY && now >= asked_at) {
            return Due::No;
        }
        self.asked_at = Some(now);
        if self.is_away { Due::Beside } else { Due::Now }
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
    fn one_caller_per_interval_refreshes_and_waits_only_while_the_database_answers() {
        let cache = KeyCache::default();
        let now = datetime!(2026-11-20 12:00 UTC);
        let mut due = |seconds| cache.known().due(now + Duration::seconds(seconds));
        assert_eq!([0, 1, 4, 5, 6].map(&mut due), [Due::Now, Due::No, Due::No, Due::Now, Due::No]);
        cache.known().is_away = true;
        assert_eq!([9, 10, 11].map(&mut due), [Due::No, Due::Beside, Due::No]);
    }
}
