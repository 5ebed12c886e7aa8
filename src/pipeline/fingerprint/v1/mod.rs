//! Version 1 of the algorithm. Frozen: see the parent module before changing anything that moves a hash.

mod chain;
mod custom;
mod forwarding;
mod frame;
mod function;
mod key;
mod ladder;
mod parameterize;
mod plain_text;
mod stack;

use key::Key;

use crate::domain::fingerprint::{Explanation, Fingerprint};
use crate::protocol::event::Event;

/// Stored beside every hash this module makes.
pub const VERSION: i16 = 1;
/// Most parts and most ignored things that an explanation names.
const EXPLAINED_MAX: usize = 60;
/// Longest line of an explanation, in characters.
const EXPLAINED_LEN_MAX: usize = 300;

/// The legacy checksum, else the client's fingerprint, else the default algorithm.
pub fn compute(event: &Event) -> Fingerprint {
    let mut explanation = Explanation::default();
    let keys = match custom::of(event) {
        None => default_keys(event, &mut explanation),
        Some(custom) if custom.wants_default => hybrid_keys(event, custom, &mut explanation),
        Some(custom) => custom_keys(custom, &mut explanation),
    };
    let mut hashes = Vec::with_capacity(keys.len());
    for key in keys {
        let hash = key.hash();
        if !hashes.contains(&hash) {
            hashes.push(hash);
        }
    }
    shorten(&mut explanation.parts);
    shorten(&mut explanation.ignored);
    Fingerprint { version: VERSION, hashes, explanation }
}

fn default_keys(event: &Event, explanation: &mut Explanation) -> Vec<Key> {
    let found = ladder::climb(event);
    explanation.rung = found.rung.to_owned();
    explanation.parts.extend(found.parts);
    explanation.ignored.extend(found.ignored);
    found.keys
}

/// `{{ default }}` with company subdivides the default groups.
fn hybrid_keys(event: &Event, custom: custom::Custom, explanation: &mut Explanation) -> Vec<Key> {
    let mut keys = default_keys(event, explanation);
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

fn custom_keys(custom: custom::Custom, explanation: &mut Explanation) -> Vec<Key> {
    explanation.rung = custom.rung.to_owned();
    explanation.ignored.push("exception, stack trace and message: the client set the fingerprint".into());
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
    for line in lines {
        if let Some((cut, _)) = line.char_indices().nth(EXPLAINED_LEN_MAX) {
            line.truncate(cut);
            line.push('…');
        }
    }
}

#[cfg(test)]
mod tests;
