//! Which issue an event belongs to: an ordered list of hashes, from the event alone.
//!
//! Every version of the algorithm is frozen: the same event has the same hashes years later, and hashes are stored with the version that made
//! them. Versions share their code; what a later one does otherwise asks for its [`Version`]. `tests/it/grouping.rs` pins the hashes of each
//! over all labelled events, so that a change which moves one is noticed and becomes a new version.
//!
//! Deliberately absent, because they need memory of other events and so belong to `digest`: joining messages that differ in one word
//! that varies, carrying an issue on when its failing line was rewritten in a later release, merging. What that memory is asked for is here:
//! [`slots`] and [`continues`].

mod anatomy;
mod chain;
mod compute;
mod continuation;
mod custom;
mod forwarding;
mod frame;
mod function;
mod key;
mod ladder;
mod parameterize;
mod plain_text;
mod slots;
mod stack;
mod structured;
mod version;

pub use anatomy::anatomy;
pub use compute::{compute, compute_ruled};
pub use continuation::{continues, speaks_against};
pub use plain_text::spoken;
pub use slots::{Slot, slots};
pub use version::Version;

#[cfg(test)]
mod tests;
