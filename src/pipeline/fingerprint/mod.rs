//! Which issue an event belongs to: an ordered list of hashes, from the event alone.
//!
//! Every version of the algorithm is a frozen module: the same event has the same hashes years later, and hashes are stored with the
//! version that made them. A change of the rules is a new module beside the old one, never an edit of it; the hashes of version 1 are
//! pinned by `tests/it/grouping.rs`.
//!
//! Deliberately absent, because they need memory of other events and so belong to `digest`: joining messages that differ in one word
//! that varies, carrying an issue on when its failing line was rewritten in a later release, merging, and the projects' own rules.

pub mod v1;

use crate::domain::fingerprint::Fingerprint;
use crate::protocol::event::Event;

/// The newest version, which [`compute`] uses.
pub const VERSION: i16 = v1::VERSION;

/// Computes the hashes of a normalized event with the newest version of the algorithm. Never fails, whatever the event holds.
pub fn compute(event: &Event) -> Fingerprint {
    v1::compute(event)
}
