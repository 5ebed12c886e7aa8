//! The parts of an event that Sentry's clients look for under `entries`.

use serde_json::{Value, json};

use super::shape;
use crate::protocol::event::{Breadcrumb, Event, Exception, Frame, Request, Stacktrace, Thread};
use crate::protocol::security_report::Kind;

/// Only the parts that the event has, in the order of Sentry's page.
pub fn of(event: &Event) -> Vec<Value> {
    let mut entries = Vec::new();
    let mut add = |kind: &str, data: Value| entries.push(json!({ "type": kind, "data": data }));
    if let Some(entry) = &event.logentry {
        add("message", json!({ "formatted": entry.text(), "message": entry.message, "params": entry.params }));
    }
    if let Some((kind, report)) = Kind::in_event(&event.other) {
        add(kind.key(), json!(report));
    }
    if !event.exceptions.is_empty() {
        let values: Vec<Value> = event.exceptions.iter().map(exception).collect();
        add(
            "exception",
            json!({ "values": values, "hasSystemFrames": event.exceptions.iter().any(has_system_frames), "excOmitted": null }),
        );
    }
    if let Some(trace) = &event.stacktrace {
        add("stacktrace", stacktrace(trace));
    }
    if !event.threads.is_empty() {
        add("threads", json!({ "values": event.threads.iter().map(thread).collect::<Vec<_>>() }));
    }
    if let Some(template) = &event.template {
        add("template", json!(template));
    }
    if !event.breadcrumbs.is_empty() {
        add("breadcrumbs", json!({ "values": event.breadcrumbs.iter().map(breadcrumb).collect::<Vec<_>>() }));
    }
    if let Some(sent) = &event.request {
        add("request", request(sent));
    }
    if let Some(debug_meta) = &event.debug_meta {
        add("debugmeta", json!(debug_meta));
    }
    entries
}

fn exception(exception: &Exception) -> Value {
    json!({
        "type": exception.kind, "value": exception.value, "module": exception.module, "threadId": exception.thread_id,
        "mechanism": exception.mechanism, "stacktrace": exception.stacktrace.as_ref().map(stacktrace), "rawStacktrace": null,
    })
}

fn has_system_frames(exception: &Exception) -> bool {
    exception.frames().iter().any(|frame| frame.in_app == Some(true)) && exception.frames().iter().any(|frame| frame.in_app != Some(true))
}

fn stacktrace(trace: &Stacktrace) -> Value {
    let frames: Vec<Value> = trace.frames.iter().map(frame).collect();
    json!({ "frames": frames, "framesOmitted": trace.other.get("frames_omitted"), "registers": trace.other.get("registers") })
}

fn frame(frame: &Frame) -> Value {
    json!({
        "filename": frame.filename, "absPath": frame.abs_path, "module": frame.module, "package": frame.package, "function": frame.function,
        "platform": frame.platform, "lineNo": frame.lineno, "colNo": frame.colno, "inApp": frame.in_app.unwrap_or(false),
        "context": context(frame), "vars": frame.vars, "instructionAddr": frame.instruction_addr, "errors": null,
    })
}

/// `[line number, text]`, the failing line among its neighbours.
fn context<'a>(frame: &'a Frame<'a>) -> Vec<(i64, &'a str)> {
    let (Some(line), Some(text)) = (frame.lineno, frame.context_line.as_deref()) else { return Vec::new() };
    let above = frame.pre_context.iter().rev().zip(1..).map(|(text, n)| (line.saturating_sub(n), text.as_ref()));
    let below = frame.post_context.iter().zip(1..).map(|(text, n)| (line.saturating_add(n), text.as_ref()));
    let mut lines: Vec<(i64, &str)> = above.collect();
    lines.reverse();
    lines.push((line, text));
    lines.extend(below);
    lines
}

fn thread(thread: &Thread) -> Value {
    json!({
        "id": thread.id, "name": thread.name, "crashed": thread.crashed, "current": thread.current,
        "stacktrace": thread.stacktrace.as_ref().map(stacktrace), "rawStacktrace": null,
    })
}

fn breadcrumb(crumb: &Breadcrumb) -> Value {
    json!({
        "timestamp": shape::timestamp_or_null(crumb.timestamp), "type": crumb.kind.as_deref().unwrap_or("default"), "category": crumb.category,
        "level": crumb.level.map_or("info", |level| level.name()), "message": crumb.message, "data": crumb.data, "event_id": null,
    })
}

fn request(request: &Request) -> Value {
    json!({
        "method": request.method, "url": request.url, "query": request.query, "headers": request.headers, "cookies": request.cookies,
        "data": request.data, "env": request.env, "fragment": request.other.get("fragment"),
        "inferredContentType": request.other.get("inferred_content_type"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_failing_line_stands_among_its_neighbours() {
        let frame = Frame {
            lineno: Some(10),
            pre_context: vec!["a".into(), "b".into()],
            context_line: Some("c".into()),
            post_context: vec!["d".into()],
            ..Frame::default()
        };
        assert_eq!(context(&frame), [(8, "a"), (9, "b"), (10, "c"), (11, "d")]);
        assert_eq!(context(&Frame::default()), []);
    }

    #[test]
    fn only_what_the_event_has_is_an_entry() {
        assert_eq!(of(&Event::default()), Vec::<Value>::new());
        let event = Event { exceptions: vec![Exception::default()], request: Some(Request::default()), ..Event::default() };
        let kinds: Vec<Value> = of(&event).iter().map(|entry| entry["type"].clone()).collect();
        assert_eq!(kinds, ["exception", "request"]);
    }
}
