//! The one shape of an event inside Bugle.
//!
//! `read` makes it from whatever an SDK sent, `pipeline` completes and scrubs it, its JSON (the derives below, Sentry's own field
//! names) is what is stored and what pages and the Web API read back. Every field may be missing; nothing here fails an event.

mod damage;
mod read;
mod types;

pub use damage::{NOTES_MAX, Notes, Place};
pub use read::{ReadError, read};
pub use types::*;

/// Reads an event that was stored by this or an older version.
pub fn from_stored(json: &[u8]) -> serde_json::Result<Event> {
    serde_json::from_slice(json)
}
