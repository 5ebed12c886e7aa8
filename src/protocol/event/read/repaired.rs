//! Notes on what the JSON parser had to replace: where it can still be seen, and how often where it cannot.

use super::super::{Change, Notes, Object, Place};
use crate::protocol::json::{Json, NUL_REPLACEMENT, Repairs, TOO_DEEP};

/// Most places of one event that are named.
const PLACES_MAX: usize = 20;

/// Notes what was repaired. Called only where something was, so it may look at everything.
pub(super) fn note(fields: &Object<'_>, repairs: Repairs, notes: &mut Notes) {
    let Repairs { nul, surrogates, tokens, numbers, escapes, too_deep, encoding } = repairs;
    let mut whole = |count: u32, what: String| {
        if count > 0 {
            notes.add(Place::EVENT, Change::Repaired, what);
        }
    };
    whole(tokens, format!("NaN, Infinity or another word that JSON does not have became null ({tokens} times)"));
    whole(numbers, format!("a number too large to be one became text ({numbers} times)"));
    whole(escapes, format!("a control character or an escape that means nothing was made valid ({escapes} times)"));
    let replaced = match (nul, surrogates, encoding) {
        (0, 0, false) => None,
        (_, 0, false) => Some("NUL characters, which no database text can hold"),
        (0, _, false) => Some("halves of surrogate pairs, which are no characters"),
        (0, 0, true) => Some("bytes that are not UTF-8"),
        _ => Some("NUL characters, halves of surrogate pairs or bytes that are not UTF-8"),
    };
    let mut search = Search { replaced, too_deep: too_deep > 0, left: PLACES_MAX };
    for (key, value) in fields.iter() {
        search.look(key, value, Place::root(key), notes);
    }
}

/// Finds what stands where something was replaced.
struct Search {
    replaced: Option<&'static str>,
    too_deep: bool,
    left: usize,
}

impl Search {
    fn look(&mut self, key: &str, value: &Json<'_>, at: Place<'_>, notes: &mut Notes) {
        if self.left == 0 {
            return;
        }
        if key.contains(NUL_REPLACEMENT) {
            self.found(at, notes);
        }
        match value {
            Json::Text(text) if self.too_deep && text == TOO_DEEP => {
                self.left = self.left.saturating_sub(1);
                notes.add(at, Change::Cut, "nested too deeply; left out");
            }
            Json::Text(text) if text.contains(NUL_REPLACEMENT) => self.found(at, notes),
            Json::Array(list) => list.iter().enumerate().for_each(|(index, value)| self.look("", value, at.index(index), notes)),
            Json::Object(fields) => fields.iter().for_each(|(key, value)| self.look(key, value, at.key(key), notes)),
            _ => {}
        }
    }

    fn found(&mut self, at: Place<'_>, notes: &mut Notes) {
        if let Some(replaced) = self.replaced {
            self.left = self.left.saturating_sub(1);
            notes.add(at, Change::Repaired, format!("{replaced}, were replaced by {NUL_REPLACEMENT}"));
        }
    }
}
