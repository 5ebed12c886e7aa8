//! Tags the application set.

use std::collections::HashSet;

use super::{cut, names};
use crate::protocol::event::{Event, Notes, Place, Text};

/// Most tags an application can set on one event.
pub(super) const TAGS_MAX: usize = 100;
/// Longest key and longest value, in characters.
pub(super) const TAG_LEN_MAX: usize = 200;

/// Keys get only letters, digits and `_.:-`; values one line. Each key stays once: the first of those that became equal.
pub(super) fn clean(event: &mut Event<'_>, notes: &mut Notes) {
    let at = Place::root("tags");
    if event.tags.len() > TAGS_MAX {
        notes.cut(at, event.tags.len(), format!("cut to {TAGS_MAX} tags (was {})", cut::grouped(event.tags.len())));
        event.tags.truncate(TAGS_MAX);
    }
    let mut seen: HashSet<Text<'_>> = HashSet::with_capacity(event.tags.len());
    let mut cleaned = Vec::with_capacity(event.tags.len() + 16);
    for (key, value) in std::mem::take(&mut event.tags) {
        let (mut name, mut value) = (clean_key(key.clone()), names::one_line(value));
        cut::text(&mut name, TAG_LEN_MAX, at.key(&key), notes);
        cut::text(&mut value, TAG_LEN_MAX, at.key(&key), notes);
        if !name.is_empty() && !value.is_empty() && seen.insert(name.clone()) {
            cleaned.push((name, value));
        }
    }
    event.tags = cleaned;
}

fn clean_key(key: Text<'_>) -> Text<'_> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'-');
    if key.bytes().all(is_plain) {
        return key;
    }
    let cleaned = |c: char| match c {
        c if u8::try_from(c).is_ok_and(is_plain) => c,
        c if c.is_whitespace() => '-',
        _ => '_',
    };
    key.trim().chars().map(cleaned).collect::<String>().into()
}
