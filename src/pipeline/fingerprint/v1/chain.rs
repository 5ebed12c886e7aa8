//! Chains and groups of exceptions, reduced to the links that say which bug it is.

use super::{plain_text, stack};
use crate::pipeline::exception_tree::Tree;
use crate::protocol::event::{Event, Exception};

/// Links of a chain looked at, half of them from each end.
const LINKS_MAX: usize = 200;

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
pub type Link = Vec<String>;

/// The links that make the key; `None` when this view has no evidence. With frames the evidence must be a frame.
pub fn links(event: &Event, view: View) -> Option<Vec<Link>> {
    let reader = Reader { platform: &event.platform, view };
    let links = match Tree::read(&event.exceptions) {
        Some(tree) => reader.of_node(&tree, tree.root),
        None => reader.of_chain(&event.exceptions.iter().collect::<Vec<_>>()),
    };
    let evident = match view {
        View::App | View::System => links.iter().any(|link| link.has_evidence),
        View::Text => links.iter().any(|link| link.parts.iter().any(|part| !part.is_empty())),
    };
    evident.then(|| links.into_iter().map(|link| link.parts).collect())
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Read {
    parts: Link,
    /// It has frames that this view looks at.
    has_evidence: bool,
}

struct Reader<'a> {
    platform: &'a str,
    view: View,
}

impl Reader<'_> {
    fn read(&self, exception: &Exception) -> Read {
        let evidence = match self.view {
            View::App => stack::app(exception.frames(), self.platform),
            View::System => stack::system(exception.frames(), self.platform),
            View::Text => vec![exception.value.as_deref().map(plain_text::of).unwrap_or_default()],
        };
        let synthetic = exception.mechanism.as_ref().is_some_and(|mechanism| mechanism.synthetic == Some(true));
        let kind = exception.kind.as_deref().filter(|_| !synthetic).unwrap_or_default();
        let has_evidence = !evidence.is_empty();
        let parts = std::iter::once(kind.to_owned()).chain(evidence).collect();
        Read { parts, has_evidence }
    }

    /// Causes first, the raised exception last. With frames of the application: the innermost link that has some, and the raised one,
    /// so that two causes behind one retry stay apart while a library may change what it says to itself. Otherwise all; equal links once.
    fn of_chain(&self, chain: &[&Exception]) -> Vec<Read> {
        let mut links: Vec<Read> = Vec::new();
        let middle = if chain.len() > LINKS_MAX { LINKS_MAX / 2..chain.len() - LINKS_MAX / 2 } else { 0..0 };
        let kept = chain.iter().enumerate().filter(|(place, _)| !middle.contains(place));
        for link in kept.map(|(_, exception)| self.read(exception)) {
            if !links.contains(&link) || self.view == View::App {
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
    fn of_node(&self, tree: &Tree<'_>, place: usize) -> Vec<Read> {
        let mut outer = vec![place];
        let mut inner = place;
        while let (true, Some(cause)) = (tree.members(inner).is_empty(), tree.cause(inner)) {
            outer.push(cause);
            inner = cause;
        }
        if tree.members(inner).is_empty() {
            let chain: Vec<&Exception> = outer.iter().rev().map(|&place| tree.get(place)).collect();
            return self.of_chain(&chain);
        }
        let mut links = self.of_group(tree, inner);
        if inner != place {
            links.push(self.read(tree.get(place)));
        }
        links
    }

    fn of_group(&self, tree: &Tree<'_>, group: usize) -> Vec<Read> {
        let mut kinds: Vec<Vec<Read>> = tree.members(group).into_iter().map(|member| self.of_node(tree, member)).collect();
        kinds.sort();
        kinds.dedup();
        if let [only] = kinds.as_mut_slice() {
            return std::mem::take(only);
        }
        kinds.into_iter().flatten().chain([self.read(tree.get(group))]).collect()
    }
}
