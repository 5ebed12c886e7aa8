//! The default algorithm: the first rung that yields something wins.

use std::borrow::Cow;

use super::chain::{Chain, Link, View};
use super::key::Key;
use super::stack::Stack;
use super::{parameterize, plain_text};
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
}

/// Climbs down until a rung yields something; the last one always does.
pub fn climb(event: &Event) -> Found {
    let chain = Chain::of(event);
    exceptions_with_frames(event, &chain)
        .or_else(|| exceptions_without_frames(&chain))
        .or_else(|| thread(event).and_then(|trace| bare_stack("thread", trace, event)))
        .or_else(|| event.stacktrace.as_ref().and_then(|trace| bare_stack("stack trace", trace, event)))
        .or_else(|| template(event))
        .or_else(|| report(event))
        .or_else(|| message(event))
        .unwrap_or_else(nothing)
}

fn exceptions_with_frames(event: &Event, chain: &Chain<'_>) -> Option<Found> {
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
    let keys = app.into_iter().chain(system).map(|links| key_of_links("exception", &links)).collect();
    Some(Found { rung: "exception", keys, parts, ignored })
}

fn exceptions_without_frames(chain: &Chain<'_>) -> Option<Found> {
    let links = chain.links(View::Text)?;
    let parts = links.iter().flatten().map(|part| readable(part)).collect();
    let keys = vec![key_of_links("exception without frames", &links)];
    Some(Found { rung: "exception without frames", keys, parts, ignored: Vec::new() })
}

fn key_of_links(rung: &str, links: &[Link<'_>]) -> Key {
    let mut key = Key::new(rung);
    for link in links {
        key.extend("link", link);
    }
    key
}

/// The crashed thread, else the current one, else the only one.
fn thread<'a>(event: &'a Event<'a>) -> Option<&'a Stacktrace<'a>> {
    let with = |holds: fn(&Thread<'_>) -> bool| event.threads.iter().find(|thread| holds(thread) && thread.stacktrace.is_some());
    let only = || if let [only] = event.threads.as_slice() { Some(only) } else { None };
    with(|thread| thread.crashed == Some(true)).or_else(|| with(|thread| thread.current == Some(true))).or_else(only)?.stacktrace.as_ref()
}

fn bare_stack(rung: &'static str, trace: &Stacktrace, event: &Event) -> Option<Found> {
    let stack = Stack::read(&trace.frames, &event.platform);
    let stacks: Vec<Link<'_>> = [stack.app(), stack.system()].into_iter().filter(|frames| !frames.is_empty()).map(borrowed).collect();
    let parts = stacks.first()?.iter().map(|part| readable(part)).collect();
    let keys = stacks.iter().map(|frames| key_of_links(rung, std::slice::from_ref(frames))).collect();
    Some(Found { rung, keys, parts, ignored: Vec::new() })
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
    Some(Found { rung: "template", keys: vec![key], parts: vec![file.to_owned(), line], ignored: Vec::new() })
}

/// What a browser reported: what the rules of its kind compare.
fn report(event: &Event) -> Option<Found> {
    let parts = security::grouping(event)?;
    let mut key = Key::new("report");
    parts.iter().for_each(|part| key.push(part));
    let parts = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let ignored = vec!["the page, and the rest of the addresses: only hosts are compared".to_owned()];
    Some(Found { rung: "browser report", keys: vec![key], parts, ignored })
}

fn message(event: &Event) -> Option<Found> {
    let sentence = event.logentry.as_ref().and_then(plain_text::of_logentry)?;
    let logger = event.logger.as_deref().unwrap_or_default().to_owned();
    let mut key = Key::new("message");
    key.push(&logger);
    key.push(&sentence);
    let ignored = if sentence.contains(plain_text::VALUE) { vec!["the values in the text".to_owned()] } else { Vec::new() };
    let parts = [sentence, logger].into_iter().filter(|part| !part.is_empty()).collect();
    Some(Found { rung: "message", keys: vec![key], parts, ignored })
}

fn nothing() -> Found {
    let ignored = vec!["there is no exception, no stack trace and no message".to_owned()];
    Found { rung: "nothing", keys: vec![Key::new("nothing")], parts: Vec::new(), ignored }
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
