//! The order in which an event is compressed: the local variables of frames are moved behind everything else. What is left of a stack is
//! the same in every event of an issue, and so becomes one long match in a dictionary instead of one per frame.

use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::Range;

use memchr::{memchr, memchr_iter, memchr2, memmem};

/// Largest buffer a thread keeps, in bytes: room for most events.
const BUFFER_KEPT: usize = 128 << 10;
/// Begins what is moved.
const VARS: &[u8] = b"\"vars\":{";
/// Stands where something was taken out, and between what was taken out. No JSON holds it unescaped.
const HOLE: u8 = 1;
/// Stands between the rest and what was taken out; at the very begin it says that all that follows is as it was.
const END: u8 = 2;

/// What is moved, and the result; kept for the next event.
#[derive(Default)]
pub struct Folding {
    rest: Vec<u8>,
    moved: Vec<u8>,
}

/// Moves the variables; [`unfold`] moves them back.
pub fn fold(json: &[u8]) -> Cow<'_, [u8]> {
    let mut folding = Folding::default();
    if folding.fold(json, locals(json).as_deref()) { Cow::Owned(folding.rest) } else { Cow::Borrowed(json) }
}

/// As [`fold`] where it is known where the variables stand, into buffers that the thread keeps.
pub fn with_folded<R>(json: &[u8], locals: Option<&[Range<usize>]>, take: impl FnOnce(&[u8]) -> R) -> R {
    thread_local! {
        static FOLDING: RefCell<Folding> = RefCell::default();
    }
    let mut folding = FOLDING.take();
    let taken = if folding.fold(json, locals) { take(&folding.rest) } else { take(json) };
    folding.rest.clear();
    folding.rest.shrink_to(BUFFER_KEPT);
    folding.moved.clear();
    folding.moved.shrink_to(BUFFER_KEPT);
    FOLDING.set(folding);
    taken
}

/// Finds the variables in JSON; `None`: it is no JSON of ours and must be kept as it is.
pub fn locals(json: &[u8]) -> Option<Vec<Range<usize>>> {
    if holds_control(json) {
        return None;
    }
    let mut locals = Vec::new();
    let mut at = 0;
    while let Some(found) = memmem::find(&json[at..], VARS) {
        let from = at + found + VARS.len() - 1;
        let Some(to) = object_end(json, from) else { break };
        locals.push(from..to);
        at = to;
    }
    Some(locals)
}

impl Folding {
    /// Whether there was anything to move; else the JSON is to be taken as it is.
    fn fold(&mut self, json: &[u8], locals: Option<&[Range<usize>]>) -> bool {
        let Self { rest, moved } = self;
        rest.clear();
        moved.clear();
        let Some(locals) = locals else {
            rest.push(END);
            rest.extend_from_slice(json);
            return true;
        };
        if locals.is_empty() {
            return false;
        }
        rest.reserve(json.len() + locals.len() * 2 + 1);
        let mut kept_to = 0;
        for local in locals {
            rest.extend_from_slice(&json[kept_to..local.start]);
            rest.push(HOLE);
            moved.extend_from_slice(&json[local.clone()]);
            moved.push(HOLE);
            kept_to = local.end;
        }
        rest.extend_from_slice(&json[kept_to..]);
        rest.push(END);
        rest.extend_from_slice(moved);
        true
    }
}

/// Whether [`fold`] left something as it was, because it holds what no JSON of ours does.
pub fn is_as_it_was(folded: &[u8]) -> bool {
    folded.first() == Some(&END)
}

/// Whether there are characters that JSON has only escaped. Looks at many bytes at once, and so leaves late.
fn holds_control(json: &[u8]) -> bool {
    json.chunks(4_096).any(|part| part.iter().fold(false, |holds, byte| holds | (*byte < b' ')))
}

/// What [`fold`] was given; `None` where it cannot have been its work. Never longer than `folded`.
pub fn unfold(folded: Vec<u8>) -> Option<Vec<u8>> {
    let Some(end) = memchr(END, &folded) else { return Some(folded) };
    if end == 0 {
        return Some(folded[1..].to_vec());
    }
    let (rest, mut moved) = (&folded[..end], &folded[end + 1..]);
    let mut json = Vec::with_capacity(folded.len());
    let mut kept_to = 0;
    for hole in memchr_iter(HOLE, rest) {
        let len = memchr(HOLE, moved)?;
        json.extend_from_slice(&rest[kept_to..hole]);
        json.extend_from_slice(&moved[..len]);
        moved = &moved[len + 1..];
        kept_to = hole + 1;
    }
    json.extend_from_slice(&rest[kept_to..]);
    moved.is_empty().then_some(json)
}

/// Behind the object that begins at `at`; `None` where it does not end.
fn object_end(json: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    loop {
        match *json.get(at)? {
            b'"' => at = string_end(json, at + 1)?,
            b'{' => depth += 1,
            b'}' if depth == 1 => return Some(at + 1),
            b'}' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
}

/// The quote that ends the string whose text begins at `at`.
fn string_end(json: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr2(b'"', b'\\', json.get(at..)?)?;
        if json[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(json: &[u8]) -> Vec<u8> {
        let folded = fold(json).into_owned();
        assert_eq!(unfold(folded.clone()).expect("own work"), json, "{}", String::from_utf8_lossy(json));
        folded
    }

    #[test]
    fn variables_are_moved_behind_the_rest() {
        let json = br#"{"frames":[{"f":1,"vars":{"a":"}\"{\\","b":{"c":[{}]}}},{"f":2,"vars":{}}],"end":true}"#;
        let folded = there_and_back(json);
        assert_eq!(folded, b"{\"frames\":[{\"f\":1,\"vars\":\x01},{\"f\":2,\"vars\":\x01}],\"end\":true}\x02{\"a\":\"}\\\"{\\\\\",\"b\":{\"c\":[{}]}}\x01{}\x01");
    }

    #[test]
    fn whatever_it_is_it_comes_back() {
        for bytes in [
            &b""[..],
            b"{}",
            br#"{"vars":{"vars":{"vars":{}}}}"#,
            br#"{"vars":[1],"x":"\"vars\":{","y":{"vars":{"z":"\\"}}}"#,
            br#"{"vars":{"never":"ends"#,
            br#"{"vars":{"a":1},"vars":{"cut":"\"#,
            b"\x01",
            b"\x02",
            b"{\"vars\":{\"raw\":\"\x01\x02\"}}",
            b"\x02{\"vars\":{}}\x01",
        ] {
            there_and_back(bytes);
        }
    }

    #[test]
    fn what_fold_cannot_have_made_is_refused() {
        for damaged in [&b"{\"vars\":\x01}\x02"[..], b"{}\x02{}\x01", b"{\"vars\":\x01}\x02{}"] {
            assert_eq!(unfold(damaged.to_vec()), None);
        }
    }
}
