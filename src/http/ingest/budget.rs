//! How much memory bodies may take that are being received, decoded or written.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

/// All bodies together while they are in flight, as received. At 10 KB each that is 25,000 requests at a time.
const BODY_BYTES_MAX: usize = 256 << 20;
/// Large bodies that are decoded at a time, each at most `limits.envelope_bytes` long after each encoding; no more than there are cores, as
/// more would be no faster and take more memory.
const LARGE_DECODES_MAX: usize = 4;

/// The bounds of this door.
#[derive(Debug)]
pub struct Budget {
    bytes: Arc<Semaphore>,
    decodes: Semaphore,
}

/// What one request has taken; given back when it is dropped.
#[derive(Debug)]
pub struct Share {
    bytes: Arc<Semaphore>,
    taken: Option<OwnedSemaphorePermit>,
}

/// All of it is in use.
#[derive(Debug)]
pub struct Exhausted;

impl Default for Budget {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { bytes: Arc::new(Semaphore::new(BODY_BYTES_MAX)), decodes: Semaphore::new(cores.min(LARGE_DECODES_MAX)) }
    }
}

impl Budget {
    /// Nothing taken yet.
    pub fn share(&self) -> Share {
        Share { bytes: Arc::clone(&self.bytes), taken: None }
    }

    /// Waits for its turn to decode a large body.
    pub async fn decode_turn(&self) -> Option<tokio::sync::SemaphorePermit<'_>> {
        self.decodes.acquire().await.ok()
    }
}

impl Share {
    /// Takes more, or fails at once: requests that wait for each other with their hands full would wait for ever.
    pub fn take(&mut self, bytes: usize) -> Result<(), Exhausted> {
        let bytes = u32::try_from(bytes).map_err(|_| Exhausted)?;
        let more = Arc::clone(&self.bytes).try_acquire_many_owned(bytes).map_err(|_: TryAcquireError| Exhausted)?;
        match &mut self.taken {
            Some(taken) => taken.merge(more),
            None => self.taken = Some(more),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_given_back() {
        let budget = Budget::default();
        let (mut first, mut second) = (budget.share(), budget.share());
        assert!(first.take(BODY_BYTES_MAX - 10).is_ok());
        assert!(first.take(5).is_ok());
        assert!(second.take(6).is_err());
        assert!(second.take(5).is_ok());
        drop(first);
        assert!(second.take(BODY_BYTES_MAX - 5).is_ok());
    }
}
