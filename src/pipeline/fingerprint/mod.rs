//! Which issue an event belongs to.
use crate::domain::fingerprint::Fingerprint;
use crate::protocol::event::Event;

/// The newest version.
pub const VERSION: i16 = 1;

/// Computes the hashes of an event with the newest version of the algorithm.
pub fn compute(event: &Event) -> Fingerprint {
    let _ = event;
    Fingerprint { version: VERSION, hashes: vec![[0; 16]], explanation: crate::domain::fingerprint::Explanation::default() }
}
