//! Stack traces: how many frames are kept, and how much of each.

use super::cut::{self, Size};
use crate::protocol::event::{Event, Exception, Frame, Notes, Place, Stacktrace, Text, Thread};
use crate::protocol::json::{Json, Number};

/// Most exceptions of a chain; both ends are kept.
const EXCEPTIONS_MAX: usize = 50;
/// Most threads; those that crashed or were current are kept whatever their place.
const THREADS_MAX: usize = 100;
/// Most frames of a stack trace; both ends are kept, as many of each.
pub(super) const FRAMES_MAX: usize = 250;
/// Most frames of a stack trace with locals and surrounding lines; the application's go first, those nearest to the failure before others.
pub(super) const DETAILED_MAX: usize = 50;
/// Longest source line, in characters: minified files are one line.
const LINE_MAX: usize = 1_024;
const LINES_MAX: usize = 20;
/// What is kept of the locals of one frame.
const VARS: Size = Size { depth: 5, text: 2_048, bytes: 8_192 };
const OTHER: Size = Size { depth: 5, text: 1_024, bytes: 4_096 };

/// Trims all stack traces of an event. In-app flags must be decided.
pub(super) fn trim(event: &mut Event<'_>, notes: &mut Notes) {
    let exceptions = Place::root("exception");
    let at = exceptions.key("values");
    keep_ends(&mut event.exceptions, EXCEPTIONS_MAX, exceptions, notes);
    for (index, exception) in event.exceptions.iter_mut().enumerate() {
        trim_exception(exception, at.index(index), notes);
    }
    keep_threads(&mut event.threads, notes);
    for (index, thread) in event.threads.iter_mut().enumerate() {
        let threads = Place::root("threads");
        let values = threads.key("values");
        let at = values.index(index);
        cut::optional(&mut thread.name, 256, at.key("name"), notes);
        cut::object(&mut thread.other, OTHER, at, notes);
        trim_stacktrace(thread.stacktrace.as_mut(), at.key("stacktrace"), notes);
    }
    trim_stacktrace(event.stacktrace.as_mut(), Place::root("stacktrace"), notes);
}

fn trim_exception(exception: &mut Exception<'_>, at: Place<'_>, notes: &mut Notes) {
    cut::optional(&mut exception.kind, 256, at.key("type"), notes);
    cut::optional(&mut exception.value, 8_192, at.key("value"), notes);
    cut::optional(&mut exception.module, 256, at.key("module"), notes);
    cut::object(&mut exception.other, OTHER, at, notes);
    if let Some(mechanism) = &mut exception.mechanism {
        cut::optional(&mut mechanism.kind, 128, at.key("mechanism"), notes);
        cut::optional(&mut mechanism.source, 256, at.key("mechanism"), notes);
        cut::object(&mut mechanism.other, OTHER, at.key("mechanism"), notes);
    }
    trim_stacktrace(exception.stacktrace.as_mut(), at.key("stacktrace"), notes);
}

fn keep_threads(threads: &mut Vec<Thread<'_>>, notes: &mut Notes) {
    let before = threads.len();
    let mut kept = 0;
    threads.retain(|thread| {
        kept += 1;
        kept <= THREADS_MAX || thread.crashed == Some(true) || thread.current == Some(true)
    });
    if threads.len() < before {
        notes.cut(Place::root("threads"), before, format!("cut to {} threads (was {before})", threads.len()));
    }
}

fn trim_stacktrace(stacktrace: Option<&mut Stacktrace<'_>>, at: Place<'_>, notes: &mut Notes) {
    let Some(stacktrace) = stacktrace else { return };
    if let Some((from, to)) = keep_ends(&mut stacktrace.frames, FRAMES_MAX, at.key("frames"), notes) {
        // The page shows the gap; the name is that of the protocol.
        stacktrace.other.insert("frames_omitted", Json::Array(vec![number(from), number(to)]));
    }
    cut::object(&mut stacktrace.other, OTHER, at, notes);
    strip_beyond(&mut stacktrace.frames, at.key("frames"), notes);
    for (index, frame) in stacktrace.frames.iter_mut().enumerate() {
        trim_frame(frame, at.key("frames").index(index), notes);
    }
}

fn number(place: usize) -> Json<'static> {
    Json::Number(Number::from(place as u64))
}

/// Drops from the middle; the range of what was dropped.
fn keep_ends<T>(list: &mut Vec<T>, max: usize, at: Place<'_>, notes: &mut Notes) -> Option<(usize, usize)> {
    let before = list.len();
    if before <= max {
        return None;
    }
    let (from, to) = (max / 2, before - (max - max / 2));
    list.drain(from..to);
    notes.cut(at, before, format!("cut to {max} by leaving out the middle (was {})", cut::grouped(before)));
    Some((from, to))
}

/// Takes locals and surrounding lines from all but the most telling frames. The line itself stays: grouping reads it.
fn strip_beyond(frames: &mut [Frame<'_>], at: Place<'_>, notes: &mut Notes) {
    if frames.len() <= DETAILED_MAX {
        return;
    }
    let mut ranked: Vec<usize> = (0..frames.len()).rev().collect();
    ranked.sort_by_key(|index| frames[*index].in_app != Some(true));
    let mut stripped = 0;
    for index in ranked.into_iter().skip(DETAILED_MAX) {
        let frame = &mut frames[index];
        stripped += usize::from(!frame.vars.is_empty() || !frame.pre_context.is_empty() || !frame.post_context.is_empty());
        frame.vars.clear();
        frame.pre_context.clear();
        frame.post_context.clear();
    }
    if stripped > 0 {
        notes.cut(
            at,
            stripped + DETAILED_MAX,
            format!("locals and surrounding lines are kept for {DETAILED_MAX} frames, not for {stripped} others"),
        );
    }
}

fn trim_frame(frame: &mut Frame<'_>, at: Place<'_>, notes: &mut Notes) {
    let fields = [
        (&mut frame.function, "function", 512),
        (&mut frame.module, "module", 256),
        (&mut frame.filename, "filename", 512),
        (&mut frame.abs_path, "abs_path", 2_048),
        (&mut frame.package, "package", 512),
        (&mut frame.platform, "platform", 64),
        (&mut frame.instruction_addr, "instruction_addr", 64),
        (&mut frame.context_line, "context_line", LINE_MAX),
    ];
    for (field, name, max) in fields {
        cut::optional(field, max, at.key(name), notes);
    }
    trim_lines(&mut frame.pre_context, true, at.key("pre_context"), notes);
    trim_lines(&mut frame.post_context, false, at.key("post_context"), notes);
    cut::object(&mut frame.vars, VARS, at.key("vars"), notes);
    cut::object(&mut frame.other, OTHER, at, notes);
}

/// Keeps the lines nearest to the frame's own.
fn trim_lines(lines: &mut Vec<Text<'_>>, nearest_is_last: bool, at: Place<'_>, notes: &mut Notes) {
    if lines.len() > LINES_MAX {
        notes.cut(at, lines.len(), format!("cut to {LINES_MAX} lines (was {})", cut::grouped(lines.len())));
        if nearest_is_last {
            lines.drain(..lines.len() - LINES_MAX);
        } else {
            lines.truncate(LINES_MAX);
        }
    }
    for (index, line) in lines.iter_mut().enumerate() {
        cut::text(line, LINE_MAX, at.index(index), notes);
    }
}
