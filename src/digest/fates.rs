//! What became of events that were not stored, remembered for a while: files that are sent for them in a request of their own share their fate.
//! In memory only, and bounded: files whose event nobody remembers are kept like those whose event is still to come.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::event_id::EventId;
use crate::domain::ids::ProjectId;
use crate::domain::outcome::Outcome;

/// Events that are remembered; the oldest are forgotten first. SDKs send files within seconds of their event.
const REMEMBERED_MAX: usize = 20_000;

/// An event, by project.
pub type EventKey = (ProjectId, EventId);

/// Shared by all threads of a digest. Clones are the same.
#[derive(Clone, Default)]
pub struct Fates(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    known: HashMap<EventKey, Outcome>,
    oldest_first: VecDeque<EventKey>,
}

impl Fates {
    /// Remembers an event that is not stored.
    pub fn note(&self, event: EventKey, fate: Outcome) {
        let mut state = self.lock();
        if state.known.insert(event, fate).is_none() {
            state.oldest_first.push_back(event);
        }
        if state.oldest_first.len() > REMEMBERED_MAX
            && let Some(oldest) = state.oldest_first.pop_front()
        {
            state.known.remove(&oldest);
        }
    }

    /// Forgets events that are stored after all: sent again once a filter was gone, for example.
    pub fn forget(&self, stored: impl Iterator<Item = EventKey>) {
        let mut state = self.lock();
        if !state.known.is_empty() {
            stored.for_each(|event| drop(state.known.remove(&event)));
        }
    }

    /// How it ended.
    pub fn of(&self, event: EventKey) -> Option<Outcome> {
        self.lock().known.get(&event).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_oldest_are_forgotten_first() {
        let fates = Fates::default();
        let key = |n: usize| (ProjectId(1), EventId(Uuid::from_u128(n as u128)));
        for n in 0..=REMEMBERED_MAX {
            fates.note(key(n), Outcome::Sampled);
        }
        fates.note(key(1), Outcome::Filtered("crawler"));
        assert_eq!(fates.of(key(0)), None);
        assert_eq!(fates.of(key(1)), Some(Outcome::Filtered("crawler")));
        assert_eq!(fates.of(key(REMEMBERED_MAX)), Some(Outcome::Sampled));
        fates.forget([key(1), key(2)].into_iter());
        assert_eq!((fates.of(key(1)), fates.of(key(3))), (None, Some(Outcome::Sampled)));
    }
}
