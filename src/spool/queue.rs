//! Appends on their way to the writer thread.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::error::AppendError;
use super::record;

/// Most bytes that wait for the writer; more means that the disk cannot keep up.
const WAITING_BYTES_MAX: u64 = 64 << 20;
/// Most bytes of one group. One record may be longer and is then a group of its own.
const GROUP_BYTES_MAX: u64 = 16 << 20;

/// One record to be made durable.
pub struct Append {
    pub lane: u64,
    /// Begins with the lane.
    pub meta: Bytes,
    pub body: Bytes,
    pub answer: oneshot::Sender<Result<(), AppendError>>,
}

impl Append {
    pub fn encoded_len(&self) -> u64 {
        record::encoded_len(&self.meta, &self.body)
    }

    /// The sender may have gone away meanwhile, which changes nothing.
    pub fn answer(self, result: Result<(), AppendError>) {
        drop(self.answer.send(result));
    }
}

/// Many senders, one receiver, bounded by bytes.
#[derive(Default)]
pub struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    appends: VecDeque<Append>,
    byte_count: u64,
    closed: bool,
}

impl Queue {
    pub fn push(&self, append: Append) -> Result<(), AppendError> {
        let mut waiting = self.waiting();
        let byte_count = waiting.byte_count + append.encoded_len();
        if waiting.closed {
            return Err(AppendError::Closed);
        }
        if byte_count > WAITING_BYTES_MAX && !waiting.appends.is_empty() {
            return Err(AppendError::Busy);
        }
        waiting.byte_count = byte_count;
        waiting.appends.push_back(append);
        if waiting.appends.len() == 1 {
            self.changed.notify_one(); // the writer sleeps only while nothing waits, and waking is a call of the system
        }
        Ok(())
    }

    /// Waits for appends and takes what is there, in order; `None` once the queue is closed and empty.
    pub fn take(&self) -> Option<Vec<Append>> {
        let mut waiting = self.waiting();
        while waiting.appends.is_empty() {
            if waiting.closed {
                return None;
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        Some(waiting.take_group())
    }

    /// No more appends; what waits is still written.
    pub fn close(&self) {
        self.waiting().closed = true;
        self.changed.notify_all();
    }

    /// Closes and lets go of what waits: the writer is gone and nobody will take it.
    pub fn abandon(&self) {
        self.close();
        self.waiting().appends.clear();
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn take_group(&mut self) -> Vec<Append> {
        let (mut group, mut group_bytes) = (Vec::new(), 0);
        while let Some(next) = self.appends.front() {
            let bytes = next.encoded_len();
            if !group.is_empty() && group_bytes + bytes > GROUP_BYTES_MAX {
                break;
            }
            group_bytes += bytes;
            group.extend(self.appends.pop_front());
        }
        self.byte_count -= group_bytes;
        group
    }
}
