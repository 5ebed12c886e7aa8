//! Taking secrets out of an event, on by default: by the name they stand under ([`keys`]), and by their form inside texts ([`text`],
//! [`patterns`]). SDKs filter too, but only exact names and only at the top (protocol notes, section 7.5).
//!
//! Names of packages, the SDK's own description and the client's `_meta` are full of telling names that hold no secrets: there only the
//! form of a text counts.

mod beginnings;
mod document;
mod familiar;
mod keys;
mod names;
mod patterns;
mod people;
mod rules;
mod text;
mod tree;

pub use document::{document, line};
pub use rules::Rules;

use crate::domain::scrubbing::Rule;
use crate::protocol::event::{Breadcrumb, Damage, Event, Frame, LogEntry, Object, Request, Stacktrace, Text, User};
use crate::protocol::json::Json;
use familiar::Lines;
use rules::Scope;
use text::Kind;

/// Stands where a secret was, known by its name; the same word SDKs use. [`Rule`] has those of the others.
pub const FILTERED: &str = Rule::Name.marker();
/// Values of tags up to this length, in bytes, are cut by nothing.
const SHORT_LEN_MAX: usize = 200;
/// Cookies of this length or more are sessions under a name of their own.
const SESSION_LEN_MIN: usize = 16;

/// Removes secrets from the names that normalization gives other characters or cuts short, after which a secret may no longer be known for one.
/// To be called before it; [`event`] does the same again with all the rest.
pub fn names(event: &mut Event<'_>, rules: &Rules) {
    let root = rules.root();
    let at = |name: &str| root.enter(name);
    let Event { transaction, culprit, logger, server_name, release, dist, environment, .. } = event;
    for (name, field) in [
        ("transaction", transaction),
        ("culprit", culprit),
        ("logger", logger),
        ("server_name", server_name),
        ("release", release),
        ("dist", dist),
        ("environment", environment),
    ] {
        prose(field, at(name));
    }
    for tag in event.tags.iter_mut().filter(|(key, value)| key.contains(|c: char| !c.is_alphanumeric()) || value.len() > SHORT_LEN_MAX) {
        pairs(std::slice::from_mut(tag), at("tags"));
    }
}

/// Removes secrets in place. Doing it twice changes nothing.
pub fn event(event: &mut Event<'_>, rules: &Rules) {
    let root = rules.root();
    let at = |name: &str| root.enter(name);
    names(event, rules);
    event.fingerprint.iter_mut().for_each(|part| replace(part, Kind::Prose, at("fingerprint")));
    if let Some(entry) = &mut event.logentry {
        log_entry(entry, at("logentry"));
    }
    for exception in &mut event.exceptions {
        let scope = at("exception");
        prose(&mut exception.kind, scope.enter("type"));
        prose(&mut exception.value, scope.enter("value"));
        if let Some(mechanism) = &mut exception.mechanism {
            prose(&mut mechanism.kind, scope);
            prose(&mut mechanism.source, scope);
            tree::object(&mut mechanism.other, scope.enter("mechanism"));
        }
        stacktrace(exception.stacktrace.as_mut(), root);
        exception.thread_id.iter_mut().for_each(|id| tree::value(id, scope));
        tree::object(&mut exception.other, scope);
    }
    for thread in &mut event.threads {
        prose(&mut thread.name, at("threads"));
        stacktrace(thread.stacktrace.as_mut(), root);
        thread.id.iter_mut().for_each(|id| tree::value(id, at("threads")));
        tree::object(&mut thread.other, at("threads"));
    }
    stacktrace(event.stacktrace.as_mut(), root);
    event.breadcrumbs.iter_mut().for_each(|crumb| breadcrumb(crumb, at("breadcrumbs")));
    if let Some(sent) = &mut event.request {
        request(sent, at("request"));
    }
    if let Some(sent) = &mut event.user {
        user(sent, at("user"));
    }
    pairs(&mut event.tags, at("tags"));
    callers(&mut event.tags, root);
    contexts(&mut event.contexts, at("contexts"));
    tree::object(&mut event.extra, at("extra"));
    tree::object(&mut event.other, root);
    described(event, root);
    if let Some(template) = &mut event.template {
        tree::object(template, at("template"));
    }
    event.damage.iter_mut().for_each(|note| damage(note, root));
}

/// What describes the program and not its data.
fn described(event: &mut Event<'_>, root: Scope<'_>) {
    event.modules.iter_mut().for_each(|(_, version)| tree::texts(version, root));
    for (_, about) in event.sdk.iter_mut().flat_map(|sdk| sdk.other.iter_mut()) {
        match about {
            Json::Object(settings) => tree::object(settings, root),
            list => tree::texts(list, root),
        }
    }
    event.debug_meta.iter_mut().for_each(|image| tree::texts(image, root));
    if let Some(meta) = &mut event.client_meta {
        tree::without_values(meta, root);
    }
}

fn prose(field: &mut Option<Text<'_>>, scope: Scope<'_>) {
    if let Some(value) = field {
        replace(value, Kind::Prose, scope);
    }
}

fn replace(text: &mut Text<'_>, kind: Kind, scope: Scope<'_>) {
    if let Some(clean) = text::scrub(text, kind, scope) {
        *text = clean.into();
    }
}

/// A parameter that the text shows as a secret is one in the list of parameters too.
fn log_entry(entry: &mut LogEntry<'_>, scope: Scope<'_>) {
    prose(&mut entry.message, scope);
    let mut removed = Vec::new();
    if let Some(formatted) = &mut entry.formatted
        && let Some((clean, secrets)) = text::scrub_telling(formatted, Kind::Prose, scope)
    {
        (*formatted, removed) = (clean.into(), secrets);
    }
    tree::object(&mut entry.other, scope);
    match &mut entry.params {
        Some(Json::Array(params)) => {
            for param in params.iter_mut().filter(|param| is_removed(param, &removed)) {
                *param = Json::from(FILTERED);
            }
            params.iter_mut().for_each(|param| tree::value(param, scope.enter("params")));
        }
        Some(params) => tree::value(params, scope.enter("params")),
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

fn stacktrace(stacktrace: Option<&mut Stacktrace<'_>>, root: Scope<'_>) {
    let Some(stacktrace) = stacktrace else { return };
    let vars = root.enter("vars");
    stacktrace.frames.iter_mut().for_each(|one| frame(one, root, vars));
    tree::object(&mut stacktrace.other, root);
}

fn frame(frame: &mut Frame<'_>, root: Scope<'_>, vars: Scope<'_>) {
    source(frame, root);
    // Script URLs carry queries; file names are no place for secrets and are what people search for.
    for path in [&mut frame.filename, &mut frame.abs_path].into_iter().flatten().filter(|path| is_address(path)) {
        replace(path, Kind::Prose, root);
    }
    tree::object(&mut frame.vars, vars);
    tree::object(&mut frame.other, root);
}

fn source(frame: &mut Frame<'_>, root: Scope<'_>) {
    let familiar = root.is_plain().then(|| Lines::of(frame));
    if familiar.is_some_and(Lines::are_clean) {
        return;
    }
    let mut is_clean = true;
    for line in frame.pre_context.iter_mut().chain(&mut frame.context_line).chain(&mut frame.post_context) {
        if let Some(clean) = text::scrub(line, Kind::Source, root) {
            *line = clean.into();
            is_clean = false;
        }
    }
    if let Some(lines) = familiar.filter(|_| is_clean) {
        lines.note_clean();
    }
}

/// A URL and not a file's path.
fn is_address(path: &str) -> bool {
    path.match_indices(':').any(|(at, _)| path[at..].starts_with("://"))
}

fn breadcrumb(breadcrumb: &mut Breadcrumb<'_>, scope: Scope<'_>) {
    prose(&mut breadcrumb.kind, scope);
    prose(&mut breadcrumb.category, scope);
    prose(&mut breadcrumb.message, scope.enter("message"));
    tree::object(&mut breadcrumb.data, scope.enter("data"));
    tree::object(&mut breadcrumb.other, scope);
}

fn request(request: &mut Request<'_>, scope: Scope<'_>) {
    prose(&mut request.method, scope);
    prose(&mut request.url, scope.enter("url"));
    pairs(&mut request.query, scope.enter("query"));
    pairs(&mut request.headers, scope.enter("headers"));
    let cookies = scope.enter("cookies");
    pairs(&mut request.cookies, cookies);
    for (name, value) in &mut request.cookies {
        if is_session_like(value) && cookies.enter(name).guesses() {
            *value = FILTERED.into();
        }
    }
    if let Some(data) = &mut request.data {
        tree::value(data, scope.enter("data"));
    }
    tree::object(&mut request.env, scope.enter("env"));
    tree::object(&mut request.other, scope);
}

/// Who it was is what pages show, so it stays unless the project does not keep it; ids by chance look like cards.
fn user(user: &mut User<'_>, scope: Scope<'_>) {
    let address = scope.enter("ip_address");
    if address.drops_callers() && user.ip_address.is_some() {
        user.ip_address = Some(Rule::Address.marker().into());
    }
    let email = scope.enter("email");
    if email.drops_emails() && user.email.is_some() {
        user.email = Some(Rule::Email.marker().into());
    }
    for (field, scope) in [(&mut user.id, scope.enter("id")), (&mut user.email, email)] {
        if let Some(text) = field
            && let Some(clean) = text::scrub_id(text, scope)
        {
            *text = clean.into();
        }
    }
    prose(&mut user.username, scope.enter("username"));
    prose(&mut user.name, scope.enter("name"));
    tree::object(&mut user.other, scope);
}

/// Whoever has no other name is named by their address in the tag of the user.
fn callers(tags: &mut [(Text<'_>, Text<'_>)], root: Scope<'_>) {
    if !root.enter("user").enter("ip_address").drops_callers() {
        return;
    }
    for (_, person) in tags.iter_mut().filter(|(key, person)| key == "user" && person.starts_with("ip:")) {
        *person = format!("ip:{}", Rule::Address.marker()).into();
    }
}

/// Frameworks name their session cookies as they like; what matters is that nobody would type the value.
fn is_session_like(value: &str) -> bool {
    let is_marked = || crate::domain::scrubbing::is_scrubbed(value);
    value.len() >= SESSION_LEN_MIN
        && value.bytes().any(|byte| byte.is_ascii_digit())
        && !value.contains(char::is_whitespace)
        && !is_marked()
}

fn pairs(pairs: &mut [(Text<'_>, Text<'_>)], scope: Scope<'_>) {
    for (name, value) in pairs {
        let scope = scope.enter(name);
        let is_count = || scope.is_counter(name) && value.bytes().all(|byte| byte.is_ascii_digit());
        match scope.of_name(name) {
            None => {
                replace(value, Kind::Prose, scope);
                replace(name, Kind::Prose, scope);
            }
            Some(rule) if !is_count() && !text::is_harmless(value) => {
                *value = rule.marker().into();
                replace(name, Kind::Prose, scope);
            }
            Some(_) => {}
        }
    }
}

/// Every context stays an object, whatever it is called.
fn contexts(contexts: &mut Object<'_>, scope: Scope<'_>) {
    for (name, context) in contexts.iter_mut() {
        let scope = scope.enter(name);
        match (context, scope.of_name(name)) {
            (Json::Object(fields), Some(rule)) => {
                for (key, value) in fields.iter_mut().filter(|(key, _)| *key != "type") {
                    let scope = scope.enter(key);
                    if scope.is_safe() { tree::value(value, scope) } else { tree::hide(name, value, rule, scope) }
                }
            }
            (other, _) => tree::value(other, scope),
        }
    }
}

/// Notes quote what could not be read.
fn damage(damage: &mut Damage, root: Scope<'_>) {
    if damage.path.split('.').any(|name| root.of_name(name).is_some()) && damage.what.contains('"') {
        damage.what = format!("changed or dropped: {FILTERED}");
    } else {
        damage.what = text::scrub(&damage.what, Kind::Prose, root).unwrap_or_else(|| std::mem::take(&mut damage.what));
    }
}

#[cfg(test)]
mod tests;
