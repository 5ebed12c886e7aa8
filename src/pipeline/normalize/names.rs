//! Names an event carries: release, environment, transaction and their like.

use super::cut;
use crate::protocol::event::{Event, Notes, Place, Text};

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

/// Control characters become blanks, blanks around it go.
pub(super) fn one_line(text: Text<'_>) -> Text<'_> {
    let clean = if text.chars().any(char::is_control) { text.replace(char::is_control, " ").into() } else { text };
    match clean.trim() {
        trimmed if trimmed.len() == clean.len() => clean,
        trimmed => trimmed.to_owned().into(),
    }
}
