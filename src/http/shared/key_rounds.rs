//! Readings of the whole list of keys that many callers wait for: what is left to a key that is not known once single look-ups are too
//! many. So guessing keys costs Postgres one statement a second, and a key that was made a moment ago works all the same.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

/// A round begins no sooner than this after the one before.
const PACE: Duration = Duration::from_secs(1);

/// Who reads, and who waits for it. The list itself is the caller's.
#[derive(Debug)]
pub struct Rounds {
    turn: Mutex<Turn>,
    done: watch::Sender<Done>,
}

#[derive(Debug, Default)]
struct Turn {
    /// Rounds that have begun to read.
    begun_count: u64,
    begun_at: Option<Instant>,
    /// One more is going to begin: whoever comes until then shares it.
    is_coming: bool,
}

/// The latest round that has ended.
#[derive(Clone, Copy, Debug, Default)]
struct Done {
    number: u64,
    is_answered: bool,
}

/// The place of a caller: the round that begins after it came, and whether it has to make it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// From 1.
    pub number: u64,
    /// To be made by this caller, with [`Rounds::make`].
    pub is_first: bool,
}

impl Default for Rounds {
    fn default() -> Self {
        Self { turn: Mutex::default(), done: watch::Sender::new(Done::default()) }
    }
}

impl Rounds {
    /// What is read in the round at this place was there when it was taken.
    pub fn place(&self) -> Place {
        let mut turn = self.turn();
        let is_first = !std::mem::replace(&mut turn.is_coming, true);
        Place { number: turn.begun_count + 1, is_first }
    }

    /// Waits until it is time, reads, and tells all that wait whether the database answered.
    pub async fn make(&self, read: impl Future<Output = bool>) {
        if let Some(due_at) = self.due_at() {
            sleep_until(due_at).await;
        }
        let number = self.begin();
        let is_answered = read.await;
        // A round that took longer than the next is not news.
        self.done.send_if_modified(|done| {
            let is_later = number > done.number;
            if is_later {
                *done = Done { number, is_answered };
            }
            is_later
        });
    }

    /// When the next round may begin; `None`: now.
    fn due_at(&self) -> Option<Instant> {
        self.turn().begun_at.map(|begun_at| begun_at + PACE)
    }

    fn turn(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self) -> u64 {
        let mut turn = self.turn();
        (turn.is_coming, turn.begun_at) = (false, Some(Instant::now()));
        turn.begun_count += 1;
        turn.begun_count
    }

    /// Waits for the round, at most as long as one may take to begin and `reading_max` to read. Whether the database answered.
    pub async fn ended(&self, place: Place, reading_max: Duration) -> bool {
        let mut done = self.done.subscribe();
        let end = timeout(PACE + reading_max, done.wait_for(|done| done.number >= place.number)).await;
        matches!(end, Ok(Ok(done)) if done.is_answered)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use super::*;

    #[tokio::test]
    async fn many_callers_share_a_round_and_the_next_begins_a_second_later() {
        for is_answered in [true, false] {
            let (rounds, read_count) = (Arc::new(Rounds::default()), Arc::new(AtomicUsize::new(0)));
            let callers: Vec<_> = (0..50).map(|_| rounds.place()).collect();
            assert_eq!(callers.iter().filter(|place| place.is_first).count(), 1);
            assert_eq!(rounds.due_at(), None, "the first is not kept waiting");
            let (making, counting) = (rounds.clone(), read_count.clone());
            tokio::spawn(async move {
                let read = async {
                    counting.fetch_add(1, Relaxed);
                    is_answered
                };
                making.make(read).await;
            });
            for place in callers {
                assert_eq!(rounds.ended(place, PACE).await, is_answered);
            }
            assert_eq!(read_count.load(Relaxed), 1);
            assert!(rounds.due_at().is_some_and(|at| at > Instant::now() && at <= Instant::now() + PACE));
        }
    }

    #[tokio::test]
    async fn who_comes_while_a_round_is_read_waits_for_the_next() {
        let rounds = Rounds::default();
        let early = rounds.place();
        assert_eq!(early, Place { number: 1, is_first: true });
        let mut late = None;
        rounds.make(async { late.replace(rounds.place()).is_none() }).await;
        assert!(rounds.ended(early, PACE).await);
        assert_eq!(late, Some(Place { number: 2, is_first: true }));
    }
}
