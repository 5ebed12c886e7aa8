//! Why the key of an event is what it is: each exception and each frame, with the reason for which it counts or does not. For the page; what
//! is stored never depends on it.

use super::chain::{Chain, View};
use super::compute::compute_ruled;
use super::frame::{Contribution, is_comprehension};
use super::ladder;
use super::stack::{FRAMES_MAX, Stack};
use super::version::Version;
use crate::domain::anatomy::{Anatomy, FramePart, StackPart};
use crate::pipeline::rules::Ruled;
use crate::protocol::event::{Event, Exception, Frame, Stacktrace};

/// Frames of one stack that are listed.
const LISTED_MAX: usize = 120;

/// Takes a stored event apart; `ruled`: the fingerprint rule that matched it.
pub fn anatomy(event: &Event, ruled: Option<&Ruled>, version: Version) -> Anatomy {
    let hashes = compute_ruled(event, ruled, version).hashes;
    let names: &[&str] = if hashes.len() > 1 { &["the frames of the application", "all frames"] } else { &["all of it"] };
    let named = hashes.into_iter().enumerate().map(|(at, hash)| (names.get(at).copied().unwrap_or("more"), hash)).collect();
    Anatomy { hashes: named, stacks: stacks(event, version) }
}

fn stacks(event: &Event, version: Version) -> Vec<StackPart> {
    let chain = Chain::of(event, version);
    let views = [View::App, View::System, View::Text];
    if let Some(view) = views.into_iter().find(|view| chain.links(*view).is_some()) {
        let counting = chain.counting(view);
        let part = |(place, exception): (usize, &Exception<'_>)| of_exception(exception, &chain, place, view, &counting, event, version);
        return event.exceptions.iter().enumerate().rev().map(part).collect();
    }
    let bare =
        ladder::thread(event).map(|trace| ("Thread", trace)).or_else(|| event.stacktrace.as_ref().map(|trace| ("Stack trace", trace)));
    bare.map(|(name, trace)| of_trace(name, trace, event, version)).into_iter().collect()
}

fn of_exception(
    exception: &Exception<'_>,
    chain: &Chain<'_>,
    place: usize,
    view: View,
    counting: &[usize],
    event: &Event,
    version: Version,
) -> StackPart {
    let counts = counting.contains(&place);
    let name = exception.kind.as_deref().unwrap_or("Exception without a type").to_owned();
    let why = match (counts, view) {
        (true, View::Text) => "No exception has frames, so type and text count.",
        (true, _) => "Its type and the frames below count; its text does not.",
        (false, View::App) if chain.stack(place).app().is_empty() => {
            "Left out: it has no frame of the application, it is a library talking to itself."
        }
        (false, View::App) => "Left out: the innermost and the raised exception of a chain count, and those of one kind once.",
        (false, _) => "Left out: it is the same as another one.",
    };
    let frames = match (&exception.stacktrace, counts && view != View::Text) {
        (Some(trace), true) => frames(trace, chain.stack(place), view == View::App, event, version),
        _ => Vec::new(),
    };
    StackPart { name, counts, why: why.to_owned(), frames }
}

fn of_trace(name: &str, trace: &Stacktrace<'_>, event: &Event, version: Version) -> StackPart {
    let stack = Stack::read(Some(trace), &event.platform, version);
    let is_app = !stack.app().is_empty();
    let frames = frames(trace, &stack, is_app, event, version);
    StackPart { name: name.to_owned(), counts: true, why: "Its frames count.".to_owned(), frames }
}

fn frames<'a>(trace: &Stacktrace<'a>, stack: &Stack<'_>, is_app: bool, event: &Event, version: Version) -> Vec<FramePart> {
    let counting = stack.counting(is_app);
    let part = |(at, frame): (usize, &Frame<'a>)| {
        let in_app = frame.in_app == Some(true);
        let is_it = |contribution: &&&Contribution<'_>| {
            std::ptr::from_ref(contribution.frame).cast::<()>() == std::ptr::from_ref(frame).cast::<()>()
        };
        if let Some(contribution) = counting.iter().find(is_it) {
            let text = |text: &str| text.to_owned();
            let (place, function, line) = (text(&contribution.place), text(&contribution.function), text(&contribution.line));
            return FramePart { place, function, line, counts: true, in_app, why: said(frame) };
        }
        let why = reason(trace, at, is_app, event, version);
        let place = frame.module.as_deref().or(frame.filename.as_deref()).or(frame.abs_path.as_deref()).unwrap_or_default().to_owned();
        FramePart {
            place,
            function: frame.function.as_deref().unwrap_or_default().to_owned(),
            line: String::new(),
            counts: false,
            in_app,
            why,
        }
    };
    trace.frames.iter().enumerate().rev().take(LISTED_MAX).map(part).collect()
}

/// What rules or paths decided about a frame that counts.
fn said(frame: &Frame<'_>) -> String {
    let ruling = frame.ruling.as_deref();
    match ruling.and_then(|ruling| ruling.group_line.or(ruling.in_app_line)) {
        Some(line) => format!("Stack trace rule on line {line}."),
        None => String::new(),
    }
}

/// Why a frame does not count: the first reason in the order in which frames are left out.
fn reason(trace: &Stacktrace<'_>, at: usize, is_app: bool, event: &Event, version: Version) -> String {
    let frame = &trace.frames[at];
    let len = trace.frames.len();
    let ruling = frame.ruling.as_deref();
    if let Some(line) = ruling.filter(|ruling| ruling.group == Some(false)).and_then(|ruling| ruling.group_line) {
        return format!("Stack trace rule on line {line}: it does not take part.");
    }
    if len > FRAMES_MAX && (FRAMES_MAX / 2..len - FRAMES_MAX / 2).contains(&at) {
        return format!("In the middle of {len} frames: {FRAMES_MAX} are looked at, half of them from each end.");
    }
    let Some(contribution) = Contribution::of(frame, &event.platform, version) else {
        return "Plumbing of an event loop or a transpiler, or nothing is known of it.".to_owned();
    };
    if is_app && !contribution.in_app {
        return match ruling.and_then(|ruling| ruling.in_app_line) {
            Some(line) => format!("Not the application's, by the stack trace rule on line {line}."),
            None if frame.client_in_app == Some(true) => "Not the application's, by its path; the SDK said it was.".to_owned(),
            None => "Not the application's.".to_owned(),
        };
    }
    if trace.frames.get(at + 1).is_some_and(|inner| is_comprehension(inner) && inner.module == frame.module) {
        return "The comprehension inside it stands for it.".to_owned();
    }
    if contribution.is_forwarding {
        return "Its line only passes everything on, as decorators and middleware do.".to_owned();
    }
    match trace.ruling.and_then(|ruling| ruling.max_frames.or(ruling.min_frames)) {
        Some(count) => format!("A stack trace rule sets how many frames count: {count}."),
        None => "Recursion: the same function again, further down.".to_owned(),
    }
}
