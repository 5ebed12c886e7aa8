//! The tree that the ids of an exception group describe: who is a member of which group, what caused what.

use std::collections::HashMap;

use crate::protocol::event::{Exception, Mechanism};

/// More exceptions than this are read as a plain chain.
const EXCEPTIONS_MAX: usize = 200;

/// Exceptions of one event, by their places in the event's list.
pub struct Tree<'a> {
    exceptions: &'a [Exception<'a>],
    children: Vec<Vec<usize>>,
    /// The exception that was raised.
    pub root: usize,
}

impl<'a> Tree<'a> {
    /// Reads the tree. `None` without a group, and where ids are missing, double or circular: the list is then a plain chain.
    pub fn read(exceptions: &'a [Exception<'a>]) -> Option<Self> {
        if exceptions.len() > EXCEPTIONS_MAX || !exceptions.iter().any(is_group) {
            return None;
        }
        let mechanisms: Vec<&Mechanism> = exceptions.iter().map(|exception| exception.mechanism.as_ref()).collect::<Option<_>>()?;
        let mut place_of = HashMap::new();
        for (place, mechanism) in mechanisms.iter().enumerate() {
            if place_of.insert(mechanism.exception_id?, place).is_some() {
                return None;
            }
        }
        let mut children = vec![Vec::new(); exceptions.len()];
        let mut roots = Vec::new();
        for (place, mechanism) in mechanisms.iter().enumerate() {
            match mechanism.parent_id {
                Some(parent) => children[*place_of.get(&parent)?].push(place),
                None => roots.push(place),
            }
        }
        let [root] = roots[..] else { return None };
        let tree = Self { exceptions, children, root };
        tree.is_whole().then_some(tree)
    }

    /// Whether everything hangs on the root; what does not is part of a circle.
    fn is_whole(&self) -> bool {
        let mut open = vec![self.root];
        let mut reached_count = 0;
        while let Some(place) = open.pop() {
            reached_count += 1;
            open.extend(&self.children[place]);
        }
        reached_count == self.exceptions.len()
    }

    /// The exception at a place.
    pub fn get(&self, place: usize) -> &'a Exception<'a> {
        &self.exceptions[place]
    }

    /// The members of a group, in the order sent; empty for anything else.
    pub fn members(&self, place: usize) -> Vec<usize> {
        let group = is_group(self.get(place));
        self.children[place].iter().copied().filter(|&child| group && !self.is_cause(child)).collect()
    }

    /// What caused it: `__cause__` before `__context__`.
    pub fn cause(&self, place: usize) -> Option<usize> {
        let group = is_group(self.get(place));
        let mut causes: Vec<usize> = self.children[place].iter().copied().filter(|&child| !group || self.is_cause(child)).collect();
        causes.sort_by_key(|&child| (self.source(child) != Some("__cause__"), child));
        causes.first().copied()
    }

    fn is_cause(&self, place: usize) -> bool {
        self.source(place).is_some_and(|source| source.starts_with("__"))
    }

    fn source(&self, place: usize) -> Option<&str> {
        self.get(place).mechanism.as_ref().and_then(|mechanism| mechanism.source.as_deref())
    }
}

fn is_group(exception: &Exception) -> bool {
    exception.mechanism.as_ref().is_some_and(|mechanism| mechanism.is_exception_group == Some(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(id: i64, parent: Option<i64>, group: bool) -> Exception<'static> {
        let source = parent.map(|_| format!("exceptions[{id}]").into());
        let mechanism =
            Mechanism { exception_id: Some(id), parent_id: parent, is_exception_group: Some(group), source, ..Mechanism::default() };
        Exception { mechanism: Some(mechanism), ..Exception::default() }
    }

    #[test]
    fn a_group_knows_its_members() {
        let list = [link(2, Some(0), false), link(1, Some(0), false), link(0, None, true)];
        let tree = Tree::read(&list).expect("sound ids");
        assert_eq!((tree.root, tree.members(2), tree.members(0), tree.cause(2)), (2, vec![0, 1], vec![], None));
    }

    #[test]
    fn broken_ids_make_no_tree() {
        for list in [
            vec![link(0, None, true), link(0, Some(0), false)],
            vec![link(0, None, true), link(1, Some(7), false)],
            vec![link(0, None, true), link(1, Some(1), false)],
            vec![link(0, None, true), link(1, Some(2), false), link(2, Some(1), false)],
            vec![link(0, None, true), Exception::default()],
        ] {
            assert!(Tree::read(&list).is_none());
        }
    }
}
