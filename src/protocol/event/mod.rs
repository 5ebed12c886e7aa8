//! The one shape of an event inside Bugle.
//!
//! `read` makes it from whatever an SDK sent, `pipeline` completes and scrubs it, its JSON ([`stored`], Sentry's own field names)
//! is what is stored and what pages and the Web API read back. Every field may be missing; nothing here fails an event.
//!
//! An event borrows from the body it came in, so that texts nobody changes are never copied.

pub mod changes;
mod damage;
mod facts;
mod read;
mod stored;
mod types;

use std::cell::RefCell;
use std::ops::Range;

pub use damage::{NOTES_MAX, Notes, Place};
pub use read::{ReadError, read};
pub use stored::StoredError;
pub use types::*;

use stored::{Out, Stored};

/// Largest buffer a thread keeps, in bytes: most events fit, and the threads together stay small.
const BUFFER_KEPT: usize = 128 * 1_024;

/// Writes an event as it is stored into a buffer that its thread keeps, and hands that on, with the places in it at which the local variables
/// of frames stand, in order.
pub fn with_stored<R>(event: &Event<'_>, take: impl FnOnce(&[u8], &[Range<usize>]) -> R) -> R {
    thread_local! {
        static BUFFER: RefCell<Out> = RefCell::default();
    }
    let mut out = BUFFER.take();
    out.json.clear();
    out.locals.clear();
    event.write(&mut out);
    let taken = take(&out.json, &out.locals);
    out.json.shrink_to(BUFFER_KEPT);
    BUFFER.set(out);
    taken
}

/// An event as it is stored. Read it back with [`from_stored`].
pub fn to_stored(event: &Event<'_>) -> Vec<u8> {
    let mut out = Out::default();
    event.write(&mut out);
    out.json
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
