//! Names an event carries: release, environment, transaction and their like.

use super::cut;
use crate::protocol::event::{Event, Notes, Place};

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
pub(super) fn clean(event: &mut Event, notes: &mut Notes) {
    if !PLATFORMS.contains(&event.platform.as_str()) {
        event.platform = "other".to_owned();
    }
    let fields: [(&mut Option<String>, &str, usize); 8] = [
        (&mut event.logger, "logger", 64),
        (&mut event.transaction, "transaction", 200),
        (&mut event.culprit, "culprit", 200),
        (&mut event.server_name, "server_name", 256),
        (&mut event.release, "release", 200),
        (&mut event.dist, "dist", 64),
        (&mut event.environment, "environment", 64),
        (&mut event.checksum, "checksum", 128),
    ];
    for (field, name, max) in fields {
        if let Some(value) = field.take() {
            let mut value = one_line(value);
            cut::text(&mut value, max, Place::root(name), notes);
            *field = Some(value).filter(|value| !value.is_empty());
        }
    }
    if event.release.is_none() && event.dist.take().is_some() {
        notes.add(Place::root("dist"), "means nothing without a release; dropped");
    }
}

/// Control characters become blanks, blanks around it go.
pub(super) fn one_line(text: String) -> String {
    let clean = if text.chars().any(char::is_control) { text.replace(char::is_control, " ") } else { text };
    match clean.trim() {
        trimmed if trimmed.len() == clean.len() => clean,
        trimmed => trimmed.to_owned(),
    }
}
