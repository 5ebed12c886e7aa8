//! The one shape of an event inside Bugle.
//!
//! `read` makes it from whatever an SDK sent, `pipeline` completes and scrubs it, its JSON (the derives below, Sentry's own field
//! names) is what is stored and what pages and the Web API read back. Every field may be missing; nothing here fails an event.
//!
//! An event borrows from the body it came in, so that texts nobody changes are never copied.

mod damage;
mod read;
mod stored;
mod types;

pub use damage::{NOTES_MAX, Notes, Place};
pub use read::{ReadError, read};
pub use stored::StoredError;
pub use types::*;

use stored::Stored;

/// Appends an event as it is stored. Read it back with [`from_stored`].
pub fn write(event: &Event<'_>, out: &mut Vec<u8>) {
    event.write(out);
}

/// An event as it is stored.
pub fn to_stored(event: &Event<'_>) -> Vec<u8> {
    let mut json = Vec::new();
    write(event, &mut json);
    json
}

/// Reads an event that was stored by this or an older version.
pub fn from_stored(json: &[u8]) -> Result<Event<'static>, StoredError> {
    let tree = crate::protocol::json::parse_stored(json).ok_or(StoredError::NotJson)?;
    Event::read(tree.into_owned())
}

impl<'a> Frame<'a> {
    /// From an object with the fields of one. `None` where one of them is of another type.
    pub fn of(object: Object<'a>) -> Option<Self> {
        Self::read(Json::Object(object)).ok()
    }
}
