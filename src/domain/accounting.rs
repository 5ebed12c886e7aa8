//! What became of the items of this process: totals for its metrics, and what was refused before anything reached the spool, until a job has
//! written it to the accounting of the project. In memory only: `kill -9` forgets the refusals of the last seconds, never anything that was
//! answered with 200.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use time::OffsetDateTime;

use super::ids::ProjectId;
use super::outcome::Outcome;

/// Different refusals that wait to be written. Beyond it, while the database is away for days, they are counted in the totals only.
const WAITING_MAX: usize = 20_000;

/// Items that were refused, all in the same hour and for the same reason.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refused {
    /// Whose items.
    pub project_id: ProjectId,
    /// The start of the hour.
    pub hour: OffsetDateTime,
    /// The protocol's data category.
    pub category: &'static str,
    /// Why.
    pub outcome: Outcome,
}

/// Shared by the door, the digest and the job that writes.
#[derive(Debug, Default)]
pub struct Accounting {
    totals: Mutex<BTreeMap<(&'static str, String), u64>>,
    waiting: Mutex<BTreeMap<Refused, i64>>,
    strays: AtomicU64,
}

impl Accounting {
    /// Items refused at the door.
    pub fn refuse(&self, refused: Refused, count: i64) {
        self.count(&refused.outcome, refused.category, count);
        let mut waiting = lock(&self.waiting);
        if waiting.len() < WAITING_MAX || waiting.contains_key(&refused) {
            *waiting.entry(refused).or_default() += count;
        }
    }

    /// Items that ended, for the totals. What is taken back (a dead letter that is digested after all) leaves them as they are.
    pub fn count(&self, outcome: &Outcome, category: &str, count: i64) {
        if let Ok(count) = u64::try_from(count) {
            *lock(&self.totals).entry((outcome.parts().0, category.to_owned())).or_default() += count;
        }
    }

    /// Items since the start, by outcome and category.
    pub fn totals(&self) -> BTreeMap<(&'static str, String), u64> {
        lock(&self.totals).clone()
    }

    /// Events that lay in the default partition at the last look.
    pub fn strays(&self) -> u64 {
        self.strays.load(Relaxed)
    }

    /// Somebody looked into the default partition.
    pub fn note_strays(&self, count: u64) {
        self.strays.store(count, Relaxed);
    }

    /// Takes what waits to be written. Whoever takes it gives it back where writing failed.
    pub fn take(&self) -> BTreeMap<Refused, i64> {
        std::mem::take(&mut *lock(&self.waiting))
    }

    /// Gives back what could not be written.
    pub fn give_back(&self, refused: BTreeMap<Refused, i64>) {
        let mut waiting = lock(&self.waiting);
        for (refused, count) in refused {
            *waiting.entry(refused).or_default() += count;
        }
    }
}

/// Sums are whole between two statements, whoever panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn what_could_not_be_written_is_written_with_what_came_meanwhile() {
        let accounting = Accounting::default();
        let refused = |project| Refused {
            project_id: ProjectId(project),
            hour: datetime!(2026-11-20 12:00 UTC),
            category: "error",
            outcome: Outcome::Invalid("too_large"),
        };
        accounting.refuse(refused(1), 2);
        let taken = accounting.take();
        accounting.refuse(refused(1), 1);
        accounting.refuse(refused(2), 1);
        accounting.give_back(taken);
        assert_eq!(accounting.take().into_iter().collect::<Vec<_>>(), [(refused(1), 3), (refused(2), 1)]);
        assert_eq!(accounting.take().len(), 0);
        assert_eq!(accounting.totals().into_iter().collect::<Vec<_>>(), [(("invalid", "error".to_owned()), 4)]);
    }
}
