//! Taking secrets out of an event, on by default: by the name they stand under ([`keys`]), and by their form inside texts ([`text`],
//! [`patterns`]). SDKs filter too, but only exact names and only at the top (protocol notes, section 7.5).
//!
//! Names of packages, the SDK's own description and the client's `_meta` are full of telling names that hold no secrets: there only the
//! form of a text counts.

mod beginnings;
mod keys;
mod patterns;
mod text;
mod tree;

use crate::protocol::event::{Breadcrumb, Damage, Event, Frame, LogEntry, Object, Request, Stacktrace, Text};
use crate::protocol::json::Json;
use text::Kind;

pub use crate::protocol::event::changes::FILTERED;

/// Cookies of this length or more are sessions under a name of their own.
const SESSION_LEN_MIN: usize = 16;

/// Removes secrets in place. Doing it twice changes nothing.
pub fn event(event: &mut Event<'_>) {
    let Event { transaction, culprit, logger, server_name, release, dist, environment, .. } = event;
    for field in [transaction, culprit, logger, server_name, release, dist, environment] {
        prose(field);
    }
    event.fingerprint.iter_mut().for_each(|part| replace(part, Kind::Prose));
    if let Some(entry) = &mut event.logentry {
        log_entry(entry);
    }
    for exception in &mut event.exceptions {
        prose(&mut exception.kind);
        prose(&mut exception.value);
        if let Some(mechanism) = &mut exception.mechanism {
            tree::object(&mut mechanism.other);
        }
        stacktrace(exception.stacktrace.as_mut());
        tree::object(&mut exception.other);
    }
    for thread in &mut event.threads {
        prose(&mut thread.name);
        stacktrace(thread.stacktrace.as_mut());
        tree::object(&mut thread.other);
    }
    stacktrace(event.stacktrace.as_mut());
    event.breadcrumbs.iter_mut().for_each(breadcrumb);
    if let Some(sent) = &mut event.request {
        request(sent);
    }
    if let Some(user) = &mut event.user {
        prose(&mut user.username);
        prose(&mut user.name);
        tree::object(&mut user.other);
    }
    pairs(&mut event.tags);
    contexts(&mut event.contexts);
    tree::object(&mut event.extra);
    tree::object(&mut event.other);
    described(event);
    if let Some(template) = &mut event.template {
        tree::object(template);
    }
    event.damage.iter_mut().for_each(damage);
}

/// The text of a file that came with an event, without secrets; `None` where it holds none. By the form of what stands in it, as in a
/// message: a file has no fields, and what looks like JSON or a form is read as such.
pub fn file(text: &str) -> Option<String> {
    text::scrub(text, Kind::Prose)
}

/// What describes the program and not its data.
fn described(event: &mut Event<'_>) {
    event.modules.iter_mut().for_each(|(_, version)| tree::texts(version));
    for (_, about) in event.sdk.iter_mut().flat_map(|sdk| sdk.other.iter_mut()) {
        match about {
            Json::Object(settings) => tree::object(settings),
            list => tree::texts(list),
        }
    }
    event.debug_meta.iter_mut().for_each(tree::texts);
    if let Some(meta) = &mut event.client_meta {
        tree::without_values(meta);
    }
}

fn prose(field: &mut Option<Text<'_>>) {
    if let Some(value) = field {
        replace(value, Kind::Prose);
    }
}

fn replace(text: &mut Text<'_>, kind: Kind) {
    if let Some(clean) = text::scrub(text, kind) {
        *text = clean.into();
    }
}

/// A parameter that the text shows as a secret is one in the list of parameters too.
fn log_entry(entry: &mut LogEntry<'_>) {
    prose(&mut entry.message);
    let mut removed = Vec::new();
    if let Some(formatted) = &mut entry.formatted
        && let Some((clean, secrets)) = text::scrub_telling(formatted, Kind::Prose)
    {
        (*formatted, removed) = (clean.into(), secrets);
    }
    match &mut entry.params {
        Some(Json::Array(params)) => {
            for param in params.iter_mut().filter(|param| is_removed(param, &removed)) {
                *param = Json::from(FILTERED);
            }
            params.iter_mut().for_each(tree::value);
        }
        Some(params) => tree::value(params),
        None => {}
    }
}

fn is_removed(param: &Json<'_>, removed: &[String]) -> bool {
    match param {
        Json::Text(text) => removed.iter().any(|secret| secret == text),
        Json::Number(number) => removed.contains(&number.to_string()),
        _ => false,
    }
}

fn stacktrace(stacktrace: Option<&mut Stacktrace<'_>>) {
    let Some(stacktrace) = stacktrace else { return };
    stacktrace.frames.iter_mut().for_each(frame);
    tree::object(&mut stacktrace.other);
}

fn frame(frame: &mut Frame<'_>) {
    for line in frame.pre_context.iter_mut().chain(&mut frame.context_line).chain(&mut frame.post_context) {
        replace(line, Kind::Source);
    }
    // Script URLs carry queries; file names are no place for secrets and are what people search for.
    for path in [&mut frame.filename, &mut frame.abs_path].into_iter().flatten().filter(|path| is_address(path)) {
        replace(path, Kind::Prose);
    }
    tree::object(&mut frame.vars);
    tree::object(&mut frame.other);
}

/// A URL and not a file's path.
fn is_address(path: &str) -> bool {
    path.match_indices(':').any(|(at, _)| path[at..].starts_with("://"))
}

fn breadcrumb(breadcrumb: &mut Breadcrumb<'_>) {
    prose(&mut breadcrumb.category);
    prose(&mut breadcrumb.message);
    tree::object(&mut breadcrumb.data);
    tree::object(&mut breadcrumb.other);
}

fn request(request: &mut Request<'_>) {
    prose(&mut request.url);
    pairs(&mut request.query);
    pairs(&mut request.headers);
    pairs(&mut request.cookies);
    for (_, value) in request.cookies.iter_mut().filter(|(_, value)| is_session_like(value)) {
        *value = FILTERED.into();
    }
    if let Some(data) = &mut request.data {
        tree::value(data);
    }
    tree::object(&mut request.env);
    tree::object(&mut request.other);
}

/// Frameworks name their session cookies as they like; what matters is that nobody would type the value.
fn is_session_like(value: &str) -> bool {
    value.len() >= SESSION_LEN_MIN && value.bytes().any(|byte| byte.is_ascii_digit()) && !value.contains(char::is_whitespace)
}

fn pairs(pairs: &mut [(Text<'_>, Text<'_>)]) {
    for (name, value) in pairs {
        let is_count = || keys::is_counter(name) && value.bytes().all(|byte| byte.is_ascii_digit());
        if !keys::is_sensitive(name) {
            replace(value, Kind::Prose);
            replace(name, Kind::Prose);
        } else if !is_count() && !text::is_harmless(value) {
            *value = FILTERED.into();
        }
    }
}

/// Every context stays an object, whatever it is called.
fn contexts(contexts: &mut Object<'_>) {
    for (name, context) in contexts.iter_mut() {
        match context {
            Json::Object(fields) if keys::is_sensitive(name) => {
                fields.iter_mut().filter(|(key, _)| *key != "type").for_each(|(_, value)| tree::hide(name, value));
            }
            other => tree::value(other),
        }
    }
}

/// Notes quote what could not be read.
fn damage(damage: &mut Damage) {
    if damage.path.split('.').any(keys::is_sensitive) && damage.what.contains('"') {
        damage.what = format!("changed or dropped: {FILTERED}");
    } else {
        damage.what = text::scrub(&damage.what, Kind::Prose).unwrap_or_else(|| std::mem::take(&mut damage.what));
    }
}

#[cfg(test)]
mod tests;
