//! The default algorithm: the first rung that yields something wins.

use std::borrow::Cow;

use super::chain::{Chain, Link, View};
use super::key::Key;
use super::stack::Stack;
use super::version::Version;
use super::{frame, parameterize, plain_text};
use crate::domain::fingerprint::{Hash, Memory, Sentence};
use crate::pipeline::security;
use crate::protocol::event::{Event, Stacktrace, Thread};
use crate::protocol::json::Json;

/// What a rung yielded.
pub struct Found {
    /// Its name.
    pub rung: &'static str,
    /// At least one, the deciding one first.
    pub keys: Vec<Key>,
    /// What took part in the first key, for people.
    pub parts: Vec<String>,
    /// What did not, and why, for people.
    pub ignored: Vec<String>,
    /// What other events may be compared with.
    pub memory: Memory,
}

/// Texts of a chain of exceptions that count.
const TEXTS_MAX: usize = 3;
/// The rung of messages.
const MESSAGE: &str = "message";
/// The rung of exceptions of which there is a text only.
const TEXT: &str = "exception without frames";

/// Climbs down until a rung yields something; the last one always does.
pub fn climb(event: &Event, version: Version) -> Found {
    let chain = Chain::of(event, version);
    exceptions_with_frames(event, &chain, version)
        .or_else(|| exceptions_without_frames(&chain))
        .or_else(|| thread(event).and_then(|trace| bare_stack("thread", trace, event, version)))
        .or_else(|| event.stacktrace.as_ref().and_then(|trace| bare_stack("stack trace", trace, event, version)))
        .or_else(|| template(event))
        .or_else(|| report(event))
        .or_else(|| message(event, version))
        .unwrap_or_else(nothing)
}

fn exceptions_with_frames(event: &Event, chain: &Chain<'_>, version: Version) -> Option<Found> {
    let app = chain.links(View::App);
    let system = chain.links(View::System);
    let deciding = app.as_ref().or(system.as_ref())?;
    let parts = deciding.iter().flatten().map(|part| readable(part)).collect();
    let mut ignored = Vec::new();
    if app.is_some() {
        ignored.push("frames of libraries and the runtime: frames of the application are there".to_owned());
    }
    if event.exceptions.len() > deciding.len() {
        ignored.push(format!("{} of {} exceptions in the chain", event.exceptions.len() - deciding.len(), event.exceptions.len()));
    }
    if event.exceptions.iter().any(|exception| exception.value.as_deref().is_some_and(|value| !value.is_empty())) {
        ignored.push("the exception's text: frames decide".to_owned());
    }
    if version >= Version::Two && app.is_none() && matches!(event.platform.as_ref(), "javascript" | "node") {
        return Some(library_of_javascript(event, system?, parts, version));
    }
    let memory = Memory { outline: app.as_deref().and_then(outline), sentence: None };
    let keys = app.into_iter().chain(system).map(|links| key_of_links("exception", &links)).collect();
    Some(Found { rung: "exception", keys, parts, ignored, memory })
}

/// Frames of the application are lost at every callback: what is left of a refused connection or a failed query is the same for all of them.
/// The text says which one it was. (Since version 2.)
fn library_of_javascript(event: &Event, system: Vec<Link<'_>>, mut parts: Vec<String>, version: Version) -> Found {
    let mut texts: Vec<String> = event
        .exceptions
        .iter()
        .rev()
        .take(TEXTS_MAX)
        .filter_map(|one| one.value.as_deref())
        .map(|text| plain_text::of(text, version))
        .collect();
    texts.dedup();
    let mut key = key_of_links("exception", &system);
    key.extend("text", &texts);
    parts.extend(texts);
    let ignored = Vec::new();
    Found { rung: "exception", keys: vec![key], parts, ignored, memory: Memory::default() }
}

fn exceptions_without_frames(chain: &Chain<'_>) -> Option<Found> {
    let links = chain.links(View::Text)?;
    let parts = links.iter().flatten().map(|part| readable(part)).collect();
    let keys = vec![key_of_links(TEXT, &links)];
    let sentence = match links.as_slice() {
        [link] => Some(Sentence { rung: TEXT, scope: link[0].to_string(), text: link[1..].join(" ") }),
        _ => None,
    };
    Some(Found { rung: TEXT, keys, parts, ignored: Vec::new(), memory: Memory { sentence, outline: None } })
}

/// The deciding key without the texts of lines; `None` where there are none.
fn outline(links: &[Link<'_>]) -> Option<Hash> {
    let mut has_lines = false;
    let mut key = Key::new("outline");
    for link in links {
        key.push("link");
        for part in link {
            let (place, line) = part.rsplit_once(frame::SEPARATOR).unwrap_or((part, ""));
            has_lines |= !line.is_empty();
            key.push(place);
        }
    }
    has_lines.then(|| key.hash())
}

/// The key of a text that is all there is.
pub fn key_of_sentence(rung: &str, scope: &str, text: &str) -> Key {
    if rung == TEXT {
        return key_of_links(TEXT, &[vec![scope.into(), text.into()]]);
    }
    let mut key = Key::new(rung);
    key.push(scope);
    key.push(text);
    key
}

fn key_of_links(rung: &str, links: &[Link<'_>]) -> Key {
    let mut key = Key::new(rung);
    for link in links {
        key.extend("link", link);
    }
    key
}

/// The crashed thread, else the current one, else the only one.
pub fn thread<'a>(event: &'a Event<'a>) -> Option<&'a Stacktrace<'a>> {
    let with = |holds: fn(&Thread<'_>) -> bool| event.threads.iter().find(|thread| holds(thread) && thread.stacktrace.is_some());
    let only = || if let [only] = event.threads.as_slice() { Some(only) } else { None };
    with(|thread| thread.crashed == Some(true)).or_else(|| with(|thread| thread.current == Some(true))).or_else(only)?.stacktrace.as_ref()
}

fn bare_stack(rung: &'static str, trace: &Stacktrace, event: &Event, version: Version) -> Option<Found> {
    let stack = Stack::read(Some(trace), &event.platform, version);
    let stacks: Vec<Link<'_>> = [stack.app(), stack.system()].into_iter().filter(|frames| !frames.is_empty()).map(borrowed).collect();
    let parts = stacks.first()?.iter().map(|part| readable(part)).collect();
    let keys = stacks.iter().map(|frames| key_of_links(rung, std::slice::from_ref(frames))).collect();
    Some(Found { rung, keys, parts, ignored: Vec::new(), memory: Memory::default() })
}

fn borrowed(parts: Vec<&str>) -> Link<'_> {
    parts.into_iter().map(Cow::Borrowed).collect()
}

/// A Django template that failed, as raven reported it: its file and the text of the line.
fn template(event: &Event) -> Option<Found> {
    let template = event.template.as_ref()?;
    let text = |name: &str| template.get(name).and_then(Json::as_str).unwrap_or_default();
    let file = [text("filename"), text("abs_path")].into_iter().find(|file| !file.is_empty())?;
    let line = text("context_line").split_whitespace().collect::<Vec<_>>().join(" ");
    let mut key = Key::new("template");
    key.push(file);
    key.push(&line);
    Some(Found { rung: "template", keys: vec![key], parts: vec![file.to_owned(), line], ignored: Vec::new(), memory: Memory::default() })
}

/// What a browser reported: what the rules of its kind compare.
fn report(event: &Event) -> Option<Found> {
    let parts = security::grouping(event)?;
    let mut key = Key::new("report");
    parts.iter().for_each(|part| key.push(part));
    let parts = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let ignored = vec!["the page, and the rest of the addresses: only hosts are compared".to_owned()];
    Some(Found { rung: "browser report", keys: vec![key], parts, ignored, memory: Memory::default() })
}

fn message(event: &Event, version: Version) -> Option<Found> {
    let text = event.logentry.as_ref().and_then(|entry| plain_text::of_logentry(entry, version))?;
    let scope = event.logger.as_deref().unwrap_or_default().to_owned();
    let keys = vec![key_of_sentence(MESSAGE, &scope, &text)];
    let ignored = if text.contains(plain_text::VALUE) { vec!["the values in the text".to_owned()] } else { Vec::new() };
    let parts = [&text, &scope].into_iter().filter(|part| !part.is_empty()).cloned().collect();
    let memory = Memory { sentence: Some(Sentence { rung: MESSAGE, scope, text }), outline: None };
    Some(Found { rung: MESSAGE, keys, parts, ignored, memory })
}

fn nothing() -> Found {
    let ignored = vec!["there is no exception, no stack trace and no message".to_owned()];
    Found { rung: "nothing", keys: vec![Key::new("nothing")], parts: Vec::new(), ignored, memory: Memory::default() }
}

fn readable(part: &str) -> String {
    let mut shown = String::with_capacity(part.len() + 2);
    for piece in part.split(super::frame::SEPARATOR).filter(|piece| !piece.is_empty()) {
        if !shown.is_empty() {
            shown.push_str(" · ");
        }
        shown.push_str(piece);
    }
    shown.truncate(parameterize::cut(&shown).len());
    shown
}
