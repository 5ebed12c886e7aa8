//! Names an event carries: release, environment, transaction and their like.

use super::cut;
use crate::domain::scrubbing::is_scrubbed;
use crate::protocol::event::{Change, Event, Notes, Place, Text};

/// Platforms the protocol knows; others are `other`.
const PLATFORMS: &[&str] = &[
    "as3",
    "c",
    "cfml",
    "cocoa",
    "csharp",
    "dart",
    "elixir",
    "go",
    "groovy",
    "haskell",
    "java",
    "javascript",
    "native",
    "node",
    "objc",
    "perl",
    "php",
    "powershell",
    "python",
    "ruby",
    "rust",
    "swift",
];

/// Cleans and cuts; the limits are those of Sentry, so that names are the same in both.
pub(super) fn clean(event: &mut Event<'_>, notes: &mut Notes) {
    if !PLATFORMS.contains(&event.platform.as_ref()) {
        event.platform = "other".into();
    }
    name(&mut event.logger, "logger", 64, notes);
    name(&mut event.transaction, "transaction", 200, notes);
    name(&mut event.culprit, "culprit", 200, notes);
    name(&mut event.server_name, "server_name", 256, notes);
    name(&mut event.release, "release", 200, notes);
    name(&mut event.dist, "dist", 64, notes);
    name(&mut event.environment, "environment", 64, notes);
    only(&mut event.environment, "environment", |c| c != '/', notes);
    only(&mut event.dist, "dist", |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'), notes);
    if event.release.as_deref().is_some_and(|release| matches!(release, "." | "..")) {
        event.release = None;
        notes.drop(Place::root("release"), "not the name of a release; dropped");
    }
    name(&mut event.checksum, "checksum", 128, notes);
    if event.release.is_none() && event.dist.take().is_some() {
        notes.drop(Place::root("dist"), "means nothing without a release; dropped");
    }
}

fn name(field: &mut Option<Text<'_>>, name: &str, max: usize, notes: &mut Notes) {
    if let Some(value) = field.take() {
        let mut value = one_line(value);
        cut::text(&mut value, max, Place::root(name), notes);
        *field = Some(value).filter(|value| !value.is_empty());
    }
}

/// Replaces characters that the name may not have: it stands in addresses, and Sentry's tools refuse it. What stands where a secret was
/// stays readable.
fn only(field: &mut Option<Text<'_>>, name: &str, is_legal: impl Fn(char) -> bool, notes: &mut Notes) {
    if let Some(value) = field
        && !value.chars().all(&is_legal)
        && !is_scrubbed(value)
    {
        *value = value.chars().map(|c| if is_legal(c) { c } else { '_' }).collect::<String>().into();
        notes.add(Place::root(name), Change::Corrected, "characters that it may not have became _");
    }
}

/// Control characters become blanks, blanks around it go.
pub(super) fn one_line(text: Text<'_>) -> Text<'_> {
    let clean = if text.chars().any(char::is_control) { text.replace(char::is_control, " ").into() } else { text };
    match clean.trim() {
        trimmed if trimmed.len() == clean.len() => clean,
        trimmed => trimmed.to_owned().into(),
    }
}
