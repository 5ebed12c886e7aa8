//! What a stored event says that its columns do not: who, and its tags, as the digest counted them.

use crate::actions::splits::Reading;
use crate::domain::person::Person;
use crate::domain::scrubbing::is_scrubbed;
use crate::protocol::event::{self, Event, Text, User};
use crate::store::text::clean_cut;

/// Longest tag, in bytes.
const TAG_LEN_MAX: usize = 400;
/// Most tags of one event that are counted.
const TAGS_MAX: usize = 100;

/// Reads the JSON of a stored event; `None` where it cannot be understood.
pub fn read(json: &[u8]) -> Option<Reading> {
    let event = event::from_stored(json).ok()?;
    Some((event.user.as_ref().and_then(person), tags(&event)))
}

fn tags(event: &Event<'_>) -> Vec<(String, String)> {
    let mut tags: Vec<(String, String)> = Vec::new();
    for (key, value) in event.tags.iter().take(TAGS_MAX) {
        let (key, value) = (clean_cut(key, TAG_LEN_MAX), clean_cut(value, TAG_LEN_MAX));
        if !key.is_empty() && !value.is_empty() && tags.iter().all(|(known, _)| *known != key) {
            tags.push((key, value));
        }
    }
    tags
}

fn person(user: &User<'_>) -> Option<Person> {
    let kept = |name: &Option<Text<'_>>| name.as_deref().filter(|name| !is_scrubbed(name)).map(str::to_owned);
    let (id, username, email, ip) = (kept(&user.id), kept(&user.username), kept(&user.email), kept(&user.ip_address));
    Person::of(id.as_deref(), username.as_deref(), email.as_deref(), ip.as_deref())
}
