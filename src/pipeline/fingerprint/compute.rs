//! From an event to its hashes and their explanation.

use super::key::Key;
use super::version::Version;
use super::{custom, ladder};
use crate::domain::fingerprint::{Explanation, Fingerprint, MatchedRule, Memory};
use crate::pipeline::rules::Ruled;
use crate::protocol::event::Event;

/// Most parts and most ignored things that an explanation names.
const EXPLAINED_MAX: usize = 60;
/// Longest line of an explanation, in characters.
const EXPLAINED_LEN_MAX: usize = 300;

/// The legacy checksum, else the client's fingerprint, else the default algorithm. Never fails, whatever the event holds.
pub fn compute(event: &Event, version: Version) -> Fingerprint {
    compute_ruled(event, None, version)
}

/// As [`compute`], but a fingerprint rule of the project that matched goes before what the client sent. What its stack trace rules say is
/// noted in the frames.
pub fn compute_ruled(event: &Event, ruled: Option<&Ruled>, version: Version) -> Fingerprint {
    let mut memory = Memory::default();
    let mut explanation = Explanation::default();
    let custom = ruled.map(|ruled| custom::of_rule(ruled, event)).or_else(|| custom::of(event));
    let keys = match custom {
        None => {
            let found = ladder::climb(event, version);
            memory = found.memory.clone();
            explain(found, &mut explanation)
        }
        Some(custom) if custom.wants_default => {
            let found = ladder::climb(event, version);
            if custom.parts.is_empty() {
                memory = found.memory.clone();
            }
            hybrid_keys(found, custom, &mut explanation)
        }
        Some(custom) => custom_keys(custom, ruled.is_some(), &mut explanation),
    };
    if let Some(ruled) = ruled {
        explanation.rule = Some(MatchedRule { line: ruled.line, text: ruled.source.clone() });
    }
    let mut hashes = Vec::with_capacity(keys.len());
    for key in keys {
        let hash = key.hash();
        if !hashes.contains(&hash) {
            hashes.push(hash);
        }
    }
    shorten(&mut explanation.parts);
    shorten(&mut explanation.ignored);
    Fingerprint { version: version.number(), hashes, explanation, memory }
}

fn explain(found: ladder::Found, explanation: &mut Explanation) -> Vec<Key> {
    explanation.rung = found.rung.to_owned();
    explanation.parts.extend(found.parts);
    explanation.ignored.extend(found.ignored);
    found.keys
}

/// `{{ default }}` with company subdivides the default groups.
fn hybrid_keys(found: ladder::Found, custom: custom::Custom, explanation: &mut Explanation) -> Vec<Key> {
    let mut keys = explain(found, explanation);
    if !custom.parts.is_empty() {
        explanation.rung = format!("{} and custom fingerprint", explanation.rung);
        for key in &mut keys {
            key.extend("custom fingerprint", &custom.parts);
        }
    }
    explanation.parts.extend(custom.parts);
    explanation.ignored.extend(custom.ignored);
    keys
}

fn custom_keys(custom: custom::Custom, is_rule: bool, explanation: &mut Explanation) -> Vec<Key> {
    explanation.rung = if is_rule { "fingerprint rule".to_owned() } else { custom.rung.to_owned() };
    let who = if is_rule { "a rule of the project" } else { "the client" };
    explanation.ignored.push(format!("exception, stack trace and message: {who} set the fingerprint"));
    explanation.ignored.extend(custom.ignored);
    let mut key = Key::new(custom.rung);
    for part in &custom.parts {
        key.push(part);
    }
    explanation.parts = custom.parts;
    vec![key]
}

fn shorten(lines: &mut Vec<String>) {
    if lines.len() > EXPLAINED_MAX {
        let more_count = lines.len() - (EXPLAINED_MAX - 1);
        lines.truncate(EXPLAINED_MAX - 1);
        lines.push(format!("and {more_count} more"));
    }
    for line in lines.iter_mut().filter(|line| line.len() > EXPLAINED_LEN_MAX) {
        if let Some((cut, _)) = line.char_indices().nth(EXPLAINED_LEN_MAX) {
            line.truncate(cut);
            line.push('…');
        }
    }
}
