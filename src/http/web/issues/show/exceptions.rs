//! The exceptions of an event: a chain, newest first, or a group of which one member is chosen.

use crate::protocol::event::{Event, Exception, Frame, Stacktrace};

use super::changed::Marks;
use super::frame::{self, FrameView};
use super::stack::{self, Row, Wanted};
use super::text::{Shown, cut};

/// Most exceptions of a chain that are drawn.
const CHAIN_MAX: usize = 20;
/// Most members of a group that are listed; longer groups show the first ten.
const MEMBERS_MAX: usize = 20;
const MEMBERS_SHOWN: usize = 10;
/// Deepest nesting of groups that is drawn.
const DEPTH_MAX: usize = 6;

/// Everything in the card of the stack trace.
#[derive(Debug, Default)]
pub struct StackCard {
    /// The tree of an exception group, in the order of drawing.
    pub tree: Vec<Member>,
    /// Members of the tree that are not drawn.
    pub tree_missing: usize,
    /// Newest first.
    pub exceptions: Vec<ExceptionView>,
    /// Exceptions of the chain that are not drawn.
    pub missing: usize,
    /// Frames in all that are shown.
    pub frame_count: usize,
    /// Which frames were asked for.
    pub all: bool,
    /// The chosen member of the group.
    pub chosen: Option<usize>,
}

/// An exception with its frames.
#[derive(Debug)]
pub struct ExceptionView {
    /// `Caused by` and the like; empty for the first.
    pub link: &'static str,
    /// `adyra.py:61`
    pub raised_in: String,
    /// Class, with its module where that says more.
    pub kind: String,
    /// The message; `None` where the page's title says it already.
    pub value: Option<Shown>,
    /// How it was caught: `django, not handled`.
    pub mechanism: String,
    /// Its frames.
    pub rows: Vec<Row>,
    /// Frames were sent, and none with source.
    pub no_source: bool,
}

/// A member of an exception group.
#[derive(Debug, PartialEq, Eq)]
pub struct Member {
    /// Place in the event: `?exc=`.
    pub index: usize,
    /// 0 is the group itself.
    pub depth: usize,
    /// Lists to open before it.
    pub opens: usize,
    /// Lists to close after it.
    pub closes: usize,
    /// The class.
    pub kind: String,
    /// The message.
    pub value: String,
    /// The chosen one.
    pub current: bool,
}

/// The card of an event; `chosen` is the member of a group that was asked for.
pub fn card(event: &Event, wanted: Wanted, chosen: Option<usize>, marks: &Marks) -> Option<StackCard> {
    let all = wanted == Wanted::All;
    if event.exceptions.is_empty() {
        let frames = bare_frames(event);
        let rows = stack::rows(&frames, wanted, true, &|index| marks.at(|| format!("stacktrace.frames.{index}.vars")));
        let view = ExceptionView { rows, no_source: no_source(&frames), ..ExceptionView::bare() };
        return (!frames.is_empty()).then(|| StackCard { frame_count: frames.len(), exceptions: vec![view], all, ..StackCard::default() });
    }
    let group = is_group(event);
    let chosen = group.then(|| chosen.filter(|index| *index < event.exceptions.len()).unwrap_or_else(|| first_leaf(event)));
    let chain = match chosen {
        Some(index) => member_chain(event, index),
        None => (0..event.exceptions.len()).rev().collect(),
    };
    let shown = &chain[..chain.len().min(CHAIN_MAX)];
    let exceptions: Vec<_> = shown.iter().enumerate().map(|(n, &index)| view(event, index, n, &chain, wanted, group, marks)).collect();
    let (tree, tree_missing) = chosen.map(|chosen| tree(event, chosen)).unwrap_or_default();
    Some(StackCard {
        tree,
        tree_missing,
        frame_count: shown.iter().map(|&index| event.exceptions[index].frames().len()).sum(),
        missing: chain.len() - shown.len(),
        exceptions,
        all,
        chosen,
    })
}

impl ExceptionView {
    fn bare() -> Self {
        Self {
            link: "",
            raised_in: String::new(),
            kind: String::new(),
            value: None,
            mechanism: String::new(),
            rows: Vec::new(),
            no_source: false,
        }
    }
}

fn view(event: &Event, index: usize, n: usize, chain: &[usize], wanted: Wanted, group: bool, marks: &Marks) -> ExceptionView {
    let exception = &event.exceptions[index];
    let frames = exception.frames();
    let at = format!("exception.values.{index}");
    let newer = n.checked_sub(1).map(|newer| &event.exceptions[chain[newer]]);
    ExceptionView {
        link: if newer.is_some() { link(exception) } else { "" },
        raised_in: raising_frame(frames).map(|frame| short(&frame::location(frame))).unwrap_or_default(),
        kind: kind(exception),
        // The title of the page is the message of the last exception.
        value: exception
            .value
            .as_deref()
            .filter(|value| !value.is_empty() && (n > 0 || group))
            .map(|value| marks.on(Shown::new(value), || format!("{at}.value"))),
        mechanism: mechanism(exception),
        rows: stack::rows(frames, wanted, n == 0, &|frame| marks.at(|| format!("{at}.stacktrace.frames.{frame}.vars"))),
        no_source: no_source(frames),
    }
}

/// How the older exception led to the newer: said by the older one.
fn link(exception: &Exception) -> &'static str {
    match exception.mechanism.as_ref().and_then(|mechanism| mechanism.source.as_deref()) {
        Some("__context__") => "Raised while handling",
        _ => "Caused by",
    }
}

fn kind(exception: &Exception) -> String {
    let kind = exception.kind.as_deref().filter(|kind| !kind.is_empty()).unwrap_or("Error");
    cut(kind, 300)
}

fn mechanism(exception: &Exception) -> String {
    let Some(mechanism) = &exception.mechanism else { return String::new() };
    let kind = mechanism.kind.as_deref().filter(|kind| !matches!(*kind, "generic" | "chained" | ""));
    let handled = mechanism.handled.map(|handled| if handled { "handled" } else { "not handled" });
    cut(&kind.into_iter().chain(handled).collect::<Vec<_>>().join(", "), 100)
}

/// The newest own frame, else the newest.
pub fn raising_frame<'a>(frames: &'a [Frame<'a>]) -> Option<&'a Frame<'a>> {
    frames.iter().rev().find(|frame| frame.in_app == Some(true)).or(frames.last())
}

fn short(location: &str) -> String {
    location.rsplit('/').next().unwrap_or(location).to_owned()
}

fn no_source(frames: &[Frame]) -> bool {
    !frames.is_empty() && frames.iter().all(|frame| frame.context_line.is_none())
}

/// Frames of an event without an exception: its own stack, else that of the thread that matters, else the failing template.
pub fn bare_frames<'a>(event: &'a Event<'a>) -> Vec<Frame<'a>> {
    let of_thread = || {
        let with_stack = || event.threads.iter().filter(|thread| thread.stacktrace.is_some());
        let flagged = with_stack().find(|thread| thread.crashed == Some(true) || thread.current == Some(true));
        flagged.or_else(|| with_stack().next()).and_then(|thread| thread.stacktrace.as_ref())
    };
    let stack: Option<&Stacktrace<'_>> = event.stacktrace.as_ref().filter(|stack| !stack.frames.is_empty()).or_else(of_thread);
    stack.map(|stack| stack.frames.clone()).or_else(|| template_frame(event).map(|frame| vec![frame])).unwrap_or_default()
}

/// Old Django SDKs send the failing template beside the exception instead of as a frame.
fn template_frame<'a>(event: &Event<'a>) -> Option<Frame<'a>> {
    let template = event.template.as_ref()?;
    let mut frame = Frame::of(template.clone())?;
    frame.in_app = Some(true);
    Some(frame)
}

/// The failing template as a frame of its own, where the event also has an exception.
pub fn template(event: &Event) -> Option<FrameView> {
    let frame = template_frame(event).filter(|_| !event.exceptions.is_empty())?;
    Some(FrameView { open: true, ..FrameView::new(&frame, false) })
}

fn id_of(exception: &Exception) -> Option<i64> {
    exception.mechanism.as_ref().and_then(|mechanism| mechanism.exception_id)
}

fn parent_of(exception: &Exception) -> Option<i64> {
    exception.mechanism.as_ref().and_then(|mechanism| mechanism.parent_id)
}

fn heads_group(exception: &Exception) -> bool {
    exception.mechanism.as_ref().and_then(|mechanism| mechanism.is_exception_group) == Some(true)
}

/// A group can only be drawn as one where the members say who their parents are.
fn is_group(event: &Event) -> bool {
    event.exceptions.iter().any(heads_group) && event.exceptions.iter().any(|exception| parent_of(exception).is_some())
}

/// Children of the exception at `index`, by id.
fn children(event: &Event, index: usize) -> Vec<usize> {
    let Some(id) = id_of(&event.exceptions[index]) else { return Vec::new() };
    let mut found: Vec<usize> =
        (0..event.exceptions.len()).filter(|&other| other != index && parent_of(&event.exceptions[other]) == Some(id)).collect();
    found.sort_by_key(|&other| id_of(&event.exceptions[other]));
    found
}

fn root(event: &Event) -> usize {
    (0..event.exceptions.len()).rev().find(|&index| parent_of(&event.exceptions[index]).is_none()).unwrap_or(event.exceptions.len() - 1)
}

/// The first member, going down from the group, that is not a group itself.
fn first_leaf(event: &Event) -> usize {
    let mut index = root(event);
    for _ in 0..DEPTH_MAX {
        match children(event, index).first() {
            Some(&first) if heads_group(&event.exceptions[index]) => index = first,
            _ => break,
        }
    }
    index
}

/// The chosen member and what caused it; the members of a group are not causes of it.
fn member_chain(event: &Event, chosen: usize) -> Vec<usize> {
    let mut chain = vec![chosen];
    while let Some(&last) = chain.last()
        && !heads_group(&event.exceptions[last])
        && let Some(cause) = children(event, last).into_iter().find(|cause| !chain.contains(cause))
    {
        chain.push(cause);
    }
    chain
}

/// The tree in the order of drawing, and how many members are left out.
fn tree(event: &Event, chosen: usize) -> (Vec<Member>, usize) {
    let mut order = Vec::new();
    walk(event, root(event), 0, &mut order);
    let missing = if order.len() > MEMBERS_MAX + 1 { order.len() - MEMBERS_SHOWN - 1 } else { 0 };
    order.truncate(order.len() - missing);
    let depth_after = |n: usize| order.get(n + 1).map_or(0, |(_, depth)| *depth);
    let members = order.iter().enumerate().map(|(n, &(index, depth))| {
        let exception = &event.exceptions[index];
        let before = n.checked_sub(1).map_or(0, |before| order[before].1);
        Member {
            index,
            depth,
            opens: depth.saturating_sub(before),
            closes: depth.saturating_sub(depth_after(n)),
            kind: kind(exception),
            value: cut(exception.value.as_deref().unwrap_or_default(), 200),
            current: index == chosen,
        }
    });
    (members.collect(), missing)
}

fn walk(event: &Event, index: usize, depth: usize, order: &mut Vec<(usize, usize)>) {
    if order.iter().any(|(seen, _)| *seen == index) || depth > DEPTH_MAX {
        return;
    }
    order.push((index, depth));
    if heads_group(&event.exceptions[index]) {
        for child in children(event, index) {
            walk(event, child, depth + 1, order);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::event::Mechanism;

    fn exception(kind: &str, id: i64, parent: Option<i64>, group: bool) -> Exception<'_> {
        let mechanism =
            Mechanism { exception_id: Some(id), parent_id: parent, is_exception_group: group.then_some(true), ..Mechanism::default() };
        Exception { kind: Some(kind.into()), value: Some("why".into()), mechanism: Some(mechanism), ..Exception::default() }
    }

    fn kinds(card: &StackCard) -> Vec<(&str, &str)> {
        card.exceptions.iter().map(|exception| (exception.link, exception.kind.as_str())).collect()
    }

    #[test]
    fn a_chain_is_told_from_the_raised_exception_back() {
        let mut cause = exception("Root", 1, Some(0), false);
        cause.mechanism.as_mut().expect("set").source = Some("__context__".into());
        let event = Event { exceptions: vec![cause, exception("Top", 0, None, false)], ..Event::default() };
        let card = card(&event, Wanted::App, None, &Marks::default()).expect("a card");
        assert_eq!(kinds(&card), [("", "Top"), ("Raised while handling", "Root")]);
        assert!(card.tree.is_empty() && card.exceptions[0].value.is_none() && card.exceptions[1].value.is_some());
    }

    #[test]
    fn a_group_is_a_tree_with_one_member_chosen() {
        let exceptions = vec![
            exception("Cause", 4, Some(2), false),
            exception("Third", 3, Some(0), false),
            exception("Second", 2, Some(1), false),
            exception("Inner", 1, Some(0), true),
            exception("Outer", 0, None, true),
        ];
        let event = Event { exceptions, ..Event::default() };
        let chosen = card(&event, Wanted::App, None, &Marks::default()).expect("a card");
        let tree: Vec<_> = chosen.tree.iter().map(|m| (m.kind.as_str(), m.depth, m.opens, m.closes, m.current)).collect();
        let expected = [("Outer", 0, 0, 0, false), ("Inner", 1, 1, 0, false), ("Second", 2, 1, 1, true), ("Third", 1, 0, 1, false)];
        assert_eq!(tree, expected);
        assert_eq!(kinds(&chosen), [("", "Second"), ("Caused by", "Cause")]);
        assert_eq!(kinds(&card(&event, Wanted::App, Some(1), &Marks::default()).expect("a card")), [("", "Third")]);
        assert_eq!(kinds(&card(&event, Wanted::App, Some(99), &Marks::default()).expect("a card"))[0].1, "Second");
    }

    #[test]
    fn members_that_are_their_own_ancestors_do_not_hang() {
        let event = Event { exceptions: vec![exception("A", 1, Some(0), true), exception("B", 0, Some(1), true)], ..Event::default() };
        assert!(card(&event, Wanted::App, None, &Marks::default()).is_some());
        let event = Event { exceptions: (0..200).map(|n| exception("M", n, (n > 0).then_some(0), n == 0)).collect(), ..Event::default() };
        let card = card(&event, Wanted::App, None, &Marks::default()).expect("a card");
        assert_eq!((card.tree.len(), card.tree_missing), (11, 189));
    }
}
