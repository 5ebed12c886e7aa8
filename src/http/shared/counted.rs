//! What a stored event says that its columns do not: who, and its tags, as the digest counted them.

use crate::actions::splits::Reading;
use crate::protocol::event::{self, User};
use crate::store::counters::tags::Tags;

/// Reads the JSON of a stored event; `None` where it cannot be understood.
pub fn read(json: &[u8]) -> Option<Reading> {
    let event = event::from_stored(json).ok()?;
    Some((event.user.as_ref().and_then(User::person), Tags::counted(event.tags.iter().map(|(key, value)| (key, value)))))
}
