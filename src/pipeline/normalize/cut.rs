//! Cutting texts and trees to a size.

use crate::protocol::event::{Notes, Object, Place, Text};
use crate::protocol::json::Json;

/// Ends every text that was cut.
pub const CUT_MARK: &str = "...";
/// Stands where a tree was deeper than allowed.
const TOO_DEEP: &str = "[nested too deeply]";

/// How much of a tree is kept.
#[derive(Clone, Copy)]
pub(super) struct Size {
    /// Levels below the tree's own.
    pub(super) depth: usize,
    /// Characters of one text.
    pub(super) text: usize,
    /// Bytes of all keys and texts together.
    pub(super) bytes: usize,
}

/// Cuts to `max` characters, the mark included, and notes it.
pub(super) fn text(text: &mut Text<'_>, max: usize, at: Place<'_>, notes: &mut Notes) {
    if let Some(was) = shorten(text, max) {
        notes.cut(at, was, format!("cut to {} characters (was {})", grouped(max), grouped(was)));
    }
}

/// [`text`] for a field that may be absent.
pub(super) fn optional(field: &mut Option<Text<'_>>, max: usize, at: Place<'_>, notes: &mut Notes) {
    if let Some(value) = field {
        text(value, max, at, notes);
    }
}

/// Cuts a tree and notes it once.
pub(super) fn value(value: &mut Json<'_>, size: Size, at: Place<'_>, notes: &mut Notes) {
    if let Json::Text(whole) = value {
        return text(whole, size.text.min(size.bytes), at, notes);
    }
    let mut cutting = Cutting::new(size);
    cutting.value(value, size.depth);
    cutting.note(at, notes);
}

/// Cuts an object as one tree and notes it once.
pub(super) fn object(object: &mut Object<'_>, size: Size, at: Place<'_>, notes: &mut Notes) {
    let mut cutting = Cutting::new(size);
    cutting.object(object, size.depth);
    cutting.note(at, notes);
}

/// Cuts every value of an object to `each`, and drops entries once `total` bytes are used up.
pub(super) fn entries(object: &mut Object<'_>, each: Size, total: usize, at: Place<'_>, notes: &mut Notes) {
    let mut left = total;
    let before = object.len();
    object.retain(|key, entry| {
        let used = key.len() + self::entry(entry, each, at.key(key), notes);
        let fits = used <= left;
        left = left.saturating_sub(used);
        fits
    });
    if object.len() < before {
        notes.cut(
            at,
            before,
            format!("{} of {before} entries dropped: together at most {} bytes are kept", before - object.len(), grouped(total)),
        );
    }
}

/// Cuts one entry; the bytes it needs.
fn entry(entry: &mut Json<'_>, size: Size, at: Place<'_>, notes: &mut Notes) -> usize {
    if let Json::Text(whole) = entry {
        text(whole, size.text.min(size.bytes), at, notes);
        return whole.len();
    }
    let mut cutting = Cutting::new(size);
    cutting.value(entry, size.depth);
    cutting.note(at, notes);
    size.bytes - cutting.left
}

struct Cutting {
    size: Size,
    left: usize,
    lost: Lost,
}

/// What is missing of a tree.
#[derive(Default)]
struct Lost {
    /// Texts that were cut.
    texts: usize,
    /// Characters that the longest of them had.
    longest: usize,
    /// Entries of lists and objects.
    entries: usize,
    /// Lists and objects nested too deeply.
    branches: usize,
}

impl Cutting {
    fn new(size: Size) -> Self {
        Self { size, left: size.bytes, lost: Lost::default() }
    }

    fn note(&self, at: Place<'_>, notes: &mut Notes) {
        let Lost { texts, longest, entries, branches } = self.lost;
        if texts + entries + branches == 0 {
            return;
        }
        let parts = [
            (texts, format!("{} cut, of up to {} characters", counted(texts, "text was", "texts were"), grouped(longest))),
            (entries, format!("{} left out", counted(entries, "entry was", "entries were"))),
            (branches, format!("{} nested too deeply", counted(branches, "branch was", "branches were"))),
        ];
        let parts: Vec<_> = parts.into_iter().filter(|(count, _)| *count > 0).map(|(_, part)| part).collect();
        notes.cut(at, longest.max(entries), parts.join(", "));
    }

    fn value(&mut self, value: &mut Json<'_>, depth: usize) {
        match value {
            Json::Text(text) => self.text(text),
            Json::Array(_) | Json::Object(_) if depth == 0 && !is_empty(value) => {
                *value = Json::from(TOO_DEEP);
                self.lost.branches += 1;
            }
            Json::Array(list) => self.list(list, depth),
            Json::Object(object) => self.object(object, depth),
            Json::Number(number) => self.spend(number.as_str().len().max(8)),
            _ => self.spend(8),
        }
    }

    fn list(&mut self, list: &mut Vec<Json<'_>>, depth: usize) {
        let before = list.len();
        list.retain_mut(|item| {
            let fits = self.left > 0;
            if fits {
                self.value(item, depth.saturating_sub(1));
                self.spend(2);
            }
            fits
        });
        if list.len() < before {
            self.lost.entries += before - list.len();
            list.push(Json::from(format!("{CUT_MARK} {} more", before - list.len())));
        }
    }

    fn object(&mut self, object: &mut Object<'_>, depth: usize) {
        let before = object.len();
        object.retain(|key, item| {
            let fits = self.left > key.len();
            if fits {
                self.spend(key.len() + 4);
                self.value(item, depth.saturating_sub(1));
            }
            fits
        });
        let dropped = before - object.len();
        if dropped > 0 {
            object.insert(CUT_MARK, Json::from(format!("{dropped} more")));
            self.lost.entries += dropped;
        }
    }

    fn text(&mut self, text: &mut Text<'_>) {
        let max = self.size.text.min(self.left.max(CUT_MARK.len()));
        if let Some(was) = shorten(text, max) {
            self.lost.texts += 1;
            self.lost.longest = self.lost.longest.max(was);
        }
        self.spend(text.len());
    }

    fn spend(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(bytes);
    }
}

/// `1 text was`, `3 texts were`.
fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

fn is_empty(value: &Json<'_>) -> bool {
    match value {
        Json::Array(list) => list.is_empty(),
        Json::Object(object) => object.is_empty(),
        _ => false,
    }
}

/// Cuts to `max` characters, the mark included; the former number of characters if it was longer.
fn shorten(text: &mut Text<'_>, max: usize) -> Option<usize> {
    if text.len() <= max {
        return None;
    }
    text.char_indices().nth(max)?;
    let was = text.chars().count();
    let keep = max.saturating_sub(CUT_MARK.len());
    let end = text.char_indices().nth(keep).map_or(text.len(), |(at, _)| at);
    *text = Text::Owned([&text[..end], CUT_MARK].concat());
    Some(was)
}

/// `12004` as `12,004`.
pub(super) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_cut_by_characters_with_a_mark() {
        let mut notes = Notes::default();
        let mut long = Text::from("ä".repeat(20));
        text(&mut long, 10, Place::root("x"), &mut notes);
        assert_eq!(long, format!("{}...", "ä".repeat(7)));
        let mut fits = Text::from("ä".repeat(10));
        text(&mut fits, 10, Place::root("y"), &mut notes);
        assert_eq!(fits, "ä".repeat(10));
        let damage = notes.into_damage();
        assert_eq!((damage.len(), damage[0].what.as_str()), (1, "cut to 10 characters (was 20)"));
    }

    #[test]
    fn trees_are_cut_in_depth_texts_and_total() {
        let mut notes = Notes::default();
        let mut tree = Json::from(json!({"a": {"b": {"c": {"d": 1}}}, "long": "x".repeat(100), "list": vec!["y".repeat(30); 100]}));
        value(&mut tree, Size { depth: 3, text: 50, bytes: 300 }, Place::root("extra"), &mut notes);
        assert_eq!(tree["a"]["b"]["c"], json!(TOO_DEEP));
        assert_eq!(tree["long"].as_str().map(str::len), Some(50));
        let list = tree["list"].as_array().unwrap();
        assert!(list.len() < 12 && list.last().unwrap().as_str().unwrap().ends_with(" more"));
        assert_eq!(notes.into_damage().len(), 1);
    }

    #[test]
    fn entries_have_a_limit_each_and_one_together() {
        let mut notes = Notes::default();
        let mut extra: Object<'_> = (0..10).map(|n| (format!("k{n}").into(), Json::from("x".repeat(100)))).collect();
        entries(&mut extra, Size { depth: 5, text: 100, bytes: 1_000 }, 350, Place::root("extra"), &mut notes);
        assert_eq!(extra.keys().collect::<Vec<_>>(), ["k0", "k1", "k2"]);
        assert!(notes.into_damage()[0].what.starts_with("7 of 10 entries dropped"));
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([grouped(7), grouped(1_000), grouped(1_234_567)], ["7", "1,000", "1,234,567"]);
    }
}
