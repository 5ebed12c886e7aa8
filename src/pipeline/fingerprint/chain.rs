//! Chains and groups of exceptions, reduced to the links that say which bug it is.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::cmp::Ordering;

use super::frame::Contribution;
use super::plain_text;
use super::stack::Stack;
use super::version::Version;
use crate::pipeline::exception_tree::Tree;
use crate::protocol::event::{Event, Exception};

/// Links of a chain looked at, half of them from each end.
const LINKS_MAX: usize = 200;

/// Types of Go that every error has which nobody gave a type. With them the text says which error it is (since version 2).
const SAYING_NOTHING: &[&str] = &[
    "*errors.errorString",
    "*errors.fundamental",
    "*errors.joinError",
    "*errors.withMessage",
    "*errors.withStack",
    "*fmt.wrapError",
    "*fmt.wrapErrors",
];

/// Whether a stack was exhausted, as the languages say it.
fn is_overflow(exception: &Exception<'_>) -> bool {
    let says = |part: &str| exception.value.as_deref().is_some_and(|value| value.contains(part));
    match exception.kind.as_deref().unwrap_or_default() {
        "RecursionError" | "StackOverflowError" | "java.lang.StackOverflowError" | "SystemStackError" => true,
        "RangeError" => says("Maximum call stack"),
        "InternalError" => says("too much recursion"),
        _ => false,
    }
}

/// Which part of an exception a key is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// Type and frames of the application.
    App,
    /// Type and all frames.
    System,
    /// Type and text, for exceptions without frames.
    Text,
}

/// What one exception contributes: its type, then its frames or its text.
pub type Link<'a> = Vec<Cow<'a, str>>;

/// The exceptions of an event, to be looked at in one view after the other.
pub struct Chain<'a> {
    exceptions: &'a [Exception<'a>],
    platform: &'a str,
    version: Version,
    tree: Option<Tree<'a>>,
    /// Of each exception, read when it is first needed.
    stacks: Vec<OnceCell<Stack<'a>>>,
}

impl<'a> Chain<'a> {
    /// The chain of an event.
    pub fn of(event: &'a Event<'a>, version: Version) -> Self {
        Self {
            version,
            exceptions: &event.exceptions,
            platform: &event.platform,
            tree: Tree::read(&event.exceptions),
            stacks: event.exceptions.iter().map(|_| OnceCell::new()).collect(),
        }
    }

    /// The links that make the key; `None` when this view has no evidence. With frames the evidence must be a frame.
    pub fn links(&self, view: View) -> Option<Vec<Link<'_>>> {
        let links = self.read(view);
        let evident = match view {
            View::App | View::System => links.iter().any(|link| link.has_evidence),
            View::Text => links.iter().any(|link| link.parts.iter().any(|part| !part.is_empty())),
        };
        evident.then(|| links.into_iter().map(|link| link.parts).collect())
    }

    /// The places of the exceptions that take part.
    pub fn counting(&self, view: View) -> Vec<usize> {
        self.read(view).into_iter().map(|link| link.place).collect()
    }

    /// The frames of the application that make the deciding key, in its order.
    pub fn contributions(&self) -> Vec<&Contribution<'a>> {
        let links = self.read(View::App);
        links.iter().flat_map(|link| self.stack(link.place).app_contributions()).collect()
    }

    fn read(&self, view: View) -> Vec<Read<'_>> {
        let reader = Reader { chain: self, view };
        match &self.tree {
            Some(tree) => reader.of_node(tree, tree.root),
            None => reader.of_chain(0..self.exceptions.len()),
        }
    }

    /// The stack of an exception.
    pub fn stack(&self, place: usize) -> &Stack<'a> {
        self.stacks[place].get_or_init(|| Stack::read(self.exceptions[place].stacktrace.as_ref(), self.platform, self.version))
    }
}

#[derive(Clone)]
struct Read<'a> {
    parts: Link<'a>,
    /// It has frames that this view looks at.
    has_evidence: bool,
    /// Which of the exceptions it is; equal ones are the same wherever they are.
    place: usize,
}

impl PartialEq for Read<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.parts == other.parts
    }
}

impl Eq for Read<'_> {}

impl PartialOrd for Read<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Read<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts.cmp(&other.parts)
    }
}

struct Reader<'c, 'a> {
    chain: &'c Chain<'a>,
    view: View,
}

impl<'c> Reader<'c, '_> {
    fn read(&self, place: usize) -> Read<'c> {
        let exception = &self.chain.exceptions[place];
        let synthetic = exception.mechanism.as_ref().is_some_and(|mechanism| mechanism.synthetic == Some(true));
        let kind = exception.kind.as_deref().filter(|_| !synthetic).unwrap_or_default();
        let mut parts = vec![Cow::Borrowed(kind)];
        match self.view {
            View::App | View::System => parts.extend(self.frames(place, exception)),
            View::Text => {
                parts.push(exception.value.as_deref().map(|text| plain_text::of(text, self.chain.version)).unwrap_or_default().into())
            }
        }
        let has_evidence = parts.len() > 1;
        if self.chain.version >= Version::Two && self.view != View::Text && SAYING_NOTHING.contains(&kind) {
            parts.push(exception.value.as_deref().map(|text| plain_text::of(text, self.chain.version)).unwrap_or_default().into());
        }
        Read { parts, has_evidence, place }
    }

    /// What the stack contributes. Where one overflowed, it says which functions call each other, and not where that ended or began.
    fn frames(&self, place: usize, exception: &Exception<'_>) -> Vec<Cow<'c, str>> {
        let stack = self.chain.stack(place);
        let is_app = self.view == View::App;
        if self.chain.version >= Version::Two && is_overflow(exception) {
            let cycle = stack.cycle(is_app);
            if !cycle.is_empty() {
                return cycle.into_iter().map(Cow::Owned).collect();
            }
        }
        let frames = if is_app { stack.app() } else { stack.system() };
        frames.into_iter().map(Cow::Borrowed).collect()
    }

    /// Causes first, the raised exception last. With frames of the application: the innermost link that has some, and the raised one,
    /// so that two causes behind one retry stay apart while a library may change what it says to itself. Otherwise all; equal links once.
    fn of_chain(&self, chain: impl ExactSizeIterator<Item = usize>) -> Vec<Read<'c>> {
        let mut links: Vec<Read<'c>> = Vec::new();
        let middle = if chain.len() > LINKS_MAX { LINKS_MAX / 2..chain.len() - LINKS_MAX / 2 } else { 0..0 };
        let kept = chain.enumerate().filter(|(place, _)| !middle.contains(place));
        for link in kept.map(|(_, place)| self.read(place)) {
            if self.view == View::App || !links.contains(&link) {
                links.push(link);
            }
        }
        if self.view != View::App {
            return links;
        }
        let Some(raised) = links.last().cloned() else { return links };
        let Some(innermost) = links.into_iter().find(|link| link.has_evidence) else { return Vec::new() };
        if innermost == raised { vec![raised] } else { vec![innermost, raised] }
    }

    /// A group whose members are all of one kind is that member. Otherwise one of each kind, in a fixed order, and the group itself.
    fn of_node(&self, tree: &Tree<'_>, place: usize) -> Vec<Read<'c>> {
        let mut outer = vec![place];
        let mut inner = place;
        while let (true, Some(cause)) = (tree.members(inner).is_empty(), tree.cause(inner)) {
            outer.push(cause);
            inner = cause;
        }
        if tree.members(inner).is_empty() {
            return self.of_chain(outer.into_iter().rev());
        }
        let mut links = self.of_group(tree, inner);
        if inner != place {
            links.push(self.read(place));
        }
        links
    }

    fn of_group(&self, tree: &Tree<'_>, group: usize) -> Vec<Read<'c>> {
        let mut kinds: Vec<Vec<Read<'c>>> = tree.members(group).into_iter().map(|member| self.of_node(tree, member)).collect();
        kinds.sort();
        kinds.dedup();
        if let [only] = kinds.as_mut_slice() {
            return std::mem::take(only);
        }
        kinds.into_iter().flatten().chain([self.read(group)]).collect()
    }
}
