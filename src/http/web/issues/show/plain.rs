//! An event as plain text, for chat and terminals.

use std::fmt::Write as _;

use crate::http::web::format;
use crate::protocol::event::{Event, Exception, Frame};
use crate::protocol::json::Json;
use crate::protocol::security_report::Kind;
use crate::store::issue_reads::Issue;

use super::exceptions::bare_frames;
use super::frame::{FrameView, location};
use super::request::full_url;
use super::stack::packages;
use super::text::cut;

/// Frames of one exception with their source; the rest is a line.
const FRAMES_MAX: usize = 30;
/// Lines of source before the failing one, for the raising frame.
const CONTEXT: usize = 3;
/// Locals of the raising frame.
const VARS_MAX: usize = 20;

/// The text; `url` is the address of the event.
pub fn text(issue: &Issue, event: &Event, message: &str, url: &str) -> String {
    let mut out = String::new();
    let kind = if issue.type_.is_empty() { "Message" } else { &issue.type_ };
    let _ = writeln!(out, "{}  {kind}\n{message}\n", issue.short_id());
    facts(&mut out, issue, event);
    if let Some((_, report)) = Kind::in_event(&event.other) {
        let fields = report.iter().filter(|(_, value)| !value.is_null() && value.as_str() != Some(""));
        for (name, value) in fields {
            let _ = writeln!(out, "  {name}: {}", cut(&one_line(value), 500));
        }
    }
    if event.exceptions.is_empty() {
        frames(&mut out, &bare_frames(event), true);
    }
    for (n, exception) in event.exceptions.iter().rev().enumerate() {
        let caused = if n > 0 { "\ncaused by " } else { "\n" };
        let _ = writeln!(out, "{caused}{}", title(exception));
        frames(&mut out, exception.frames(), n == 0);
    }
    let _ = writeln!(out, "\n{url}");
    // Tabs and line breaks are content; other control characters could drive a terminal.
    out.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

fn facts(out: &mut String, issue: &Issue, event: &Event) {
    let in_release = |release: &Option<String>| release.as_deref().map(|release| format!(" in {release}")).unwrap_or_default();
    let _ = writeln!(out, "first seen  {}{}", format::exact(issue.first_seen_at), in_release(&issue.first_release));
    let _ = writeln!(out, "last seen   {}{}", format::exact(issue.last_seen_at), in_release(&issue.last_release));
    let users = if issue.user_count > 0 { format!(", users {}", format::grouped(issue.user_count)) } else { String::new() };
    let _ = writeln!(out, "events      {}{users}", format::grouped(issue.event_count));
    let id = event.event_id.map(|id| id.to_string()).unwrap_or_default();
    let known = [&event.environment, &event.release, &event.server_name, &event.transaction].map(Option::as_deref);
    let _ = writeln!(out, "event       {}", std::iter::once(id.as_str()).chain(known.into_iter().flatten()).collect::<Vec<_>>().join(", "));
    if let Some(request) = event.request.as_ref().filter(|request| request.url.is_some()) {
        let _ = writeln!(out, "request     {} {}", request.method.as_deref().unwrap_or("GET"), full_url(request));
    }
}

/// A text without its quotes, anything else as JSON.
fn one_line(value: &Json<'_>) -> String {
    if let Json::Text(text) = value { text.to_string() } else { value.to_string() }
}

fn title(exception: &Exception) -> String {
    let kind = exception.kind.as_deref().unwrap_or("Error");
    match exception.value.as_deref() {
        Some(value) if !value.is_empty() => format!("{kind}: {}", cut(value, 2_000)),
        _ => kind.to_owned(),
    }
}

/// Newest first; own frames with source, runs of framework frames as a line.
fn frames(out: &mut String, frames: &[Frame], raising: bool) {
    let has_app = frames.iter().any(|frame| frame.in_app == Some(true));
    let mut run: Vec<FrameView> = Vec::new();
    let mut first = raising;
    for (n, frame) in frames.iter().rev().enumerate().take(FRAMES_MAX) {
        if frame.in_app == Some(true) || (!has_app && n == 0) {
            close_run(out, &mut run);
            one(out, frame, first);
            first = false;
        } else {
            run.push(FrameView::new(frame, false));
        }
    }
    close_run(out, &mut run);
    if frames.len() > FRAMES_MAX {
        let _ = writeln!(out, "  ({} older frames)", frames.len() - FRAMES_MAX);
    }
}

fn close_run(out: &mut String, run: &mut Vec<FrameView>) {
    if !run.is_empty() {
        let word = if run.len() == 1 { "frame" } else { "frames" };
        let _ = writeln!(out, "  ({} framework {word}: {})", run.len(), packages(run));
        run.clear();
    }
}

fn one(out: &mut String, frame: &Frame, raising: bool) {
    let function = frame.function.as_deref().map(|name| format!(" in {name}")).unwrap_or_default();
    let _ = writeln!(out, "  {}{function}", location(frame));
    let before = if raising { &frame.pre_context[frame.pre_context.len().saturating_sub(CONTEXT)..] } else { &[] };
    if let Some(line) = frame.context_line.as_deref() {
        let number = frame.lineno.unwrap_or_default();
        let first = number - i64::try_from(before.len()).unwrap_or(0);
        for (text, number) in before.iter().zip(first..) {
            let _ = writeln!(out, "    {number:>5}  {}", cut(text.trim_end(), 500));
        }
        let _ = writeln!(out, "  > {number:>5}  {}", cut(line.trim_end(), 500));
    }
    if raising {
        for (name, value) in frame.vars.iter().take(VARS_MAX) {
            let _ = writeln!(out, "      {name} = {}", cut(&one_line(value), 300));
        }
    }
}
