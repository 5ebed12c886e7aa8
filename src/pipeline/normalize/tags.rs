//! Tags the application set.

use std::collections::HashSet;

use super::{cut, names};
use crate::protocol::event::{Event, Notes, Place};

/// Most tags an application can set on one event.
pub(super) const TAGS_MAX: usize = 100;
/// Longest key and longest value, in characters.
pub(super) const TAG_LEN_MAX: usize = 200;

/// Keys get only letters, digits and `_.:-`; values one line. Each key stays once: the first of those that became equal.
pub(super) fn clean(event: &mut Event, notes: &mut Notes) {
    let at = Place::root("tags");
    if event.tags.len() > TAGS_MAX {
        notes.add(at, format!("cut to {TAGS_MAX} tags (was {})", cut::grouped(event.tags.len())));
        event.tags.truncate(TAGS_MAX);
    }
    let mut seen = HashSet::with_capacity(event.tags.len());
    let mut cleaned = Vec::with_capacity(event.tags.len() + 16);
    for (key, value) in std::mem::take(&mut event.tags) {
        let (mut name, mut value) = (clean_key(&key), names::one_line(value));
        cut::text(&mut name, TAG_LEN_MAX, at.key(&key), notes);
        cut::text(&mut value, TAG_LEN_MAX, at.key(&key), notes);
        if !name.is_empty() && !value.is_empty() && seen.insert(name.clone()) {
            cleaned.push((name, value));
        }
    }
    event.tags = cleaned;
}

fn clean_key(key: &str) -> String {
    let allowed = |c: char| match c {
        c if c.is_ascii_alphanumeric() || "_.:-".contains(c) => c,
        c if c.is_whitespace() => '-',
        _ => '_',
    };
    key.trim().chars().map(allowed).collect()
}
