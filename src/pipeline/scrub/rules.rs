//! What a project wants scrubbed, prepared once: its own names, its safe fields, what it does not keep.

use crate::domain::scrubbing::{Addresses, PATH_PARTS_MAX, Rule, Scrubbing};

use super::keys;
use super::names::Name;

/// The rules of a project. Those of most projects are [`Rules::DEFAULT`], for which nothing here is looked at.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Exactly the default rules.
    is_plain: bool,
    has_defaults: bool,
    names: Vec<Name>,
    safe_names: Vec<Name>,
    /// The parts of all safe paths, one after the other. `None`: any.
    parts: Vec<Part>,
    /// Which of them come first, by bit.
    starts: u64,
    keeps_emails: bool,
    addresses: Addresses,
}

#[derive(Clone, Debug)]
struct Part {
    /// `None`: any.
    name: Option<String>,
    is_last: bool,
}

/// How it is noted that everything from here on is safe.
const SAFE: u64 = u64::MAX;
const _: () = assert!(PATH_PARTS_MAX < 63, "a set of parts is never the sign for safe");

impl Default for Rules {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Rules {
    /// What is scrubbed where a project says nothing.
    pub const DEFAULT: Self = Self {
        is_plain: true,
        has_defaults: true,
        names: Vec::new(),
        safe_names: Vec::new(),
        parts: Vec::new(),
        starts: 0,
        keeps_emails: true,
        addresses: Addresses::Keep,
    };

    /// Prepares what a project chose.
    pub fn of(chosen: &Scrubbing) -> Self {
        let mut rules = Self {
            is_plain: *chosen == Scrubbing::default(),
            has_defaults: chosen.has_defaults,
            names: chosen.names.iter().filter_map(|entry| Name::of(entry)).collect(),
            keeps_emails: chosen.keeps_emails,
            addresses: chosen.addresses,
            ..Self::DEFAULT
        };
        for entry in &chosen.safe {
            // A name may have dots itself: `order.kind` is a path and a name.
            rules.safe_names.extend(if entry.contains('.') { Name::whole(entry) } else { Name::of(entry) });
            if entry.contains('.') && rules.parts.len() + entry.split('.').count() <= PATH_PARTS_MAX {
                rules.add_path(entry);
            }
        }
        rules
    }

    fn add_path(&mut self, path: &str) {
        self.starts |= 1 << self.parts.len();
        let parts = path.split('.').map(|part| Part { name: (part != "*").then(|| part.to_lowercase()), is_last: false });
        self.parts.extend(parts);
        if let Some(last) = self.parts.last_mut() {
            last.is_last = true;
        }
    }

    /// Whether it is not kept from which address something came.
    pub fn drops_callers(&self) -> bool {
        self.addresses != Addresses::Keep
    }

    /// Where an event begins.
    pub(super) fn root(&self) -> Scope<'_> {
        Scope { rules: self, paths: self.starts }
    }

    fn is_own(&self, name: &str) -> bool {
        self.names.iter().any(|own| own.is_in(name))
    }

    fn is_safe(&self, name: &str) -> bool {
        self.safe_names.iter().any(|safe| safe.is_in(name))
    }
}

/// A place in an event, as far as the rules of its project tell places apart.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    rules: &'a Rules,
    /// The parts of safe paths that may come next, by bit, or [`SAFE`].
    paths: u64,
}

impl<'a> Scope<'a> {
    /// What stands under a name here.
    #[inline]
    pub(super) fn enter(self, name: &str) -> Self {
        if self.rules.is_plain { self } else { self.below(name) }
    }

    fn below(self, name: &str) -> Self {
        if self.paths == SAFE || self.rules.is_safe(name) {
            return Self { paths: SAFE, ..self };
        }
        let (mut left, mut next) = (self.paths, 0);
        let name = if left == 0 { String::new() } else { name.to_lowercase() };
        while left != 0 {
            let at = left.trailing_zeros();
            left &= left - 1;
            let Some(part) = self.rules.parts.get(at as usize) else { continue };
            match part.name.as_ref().is_none_or(|wanted| *wanted == name) {
                true if part.is_last => return Self { paths: SAFE, ..self },
                true => next |= 1 << (at + 1),
                false => {}
            }
        }
        Self { paths: next, ..self }
    }

    /// Nothing but the default rules apply.
    #[inline]
    pub(super) fn is_plain(self) -> bool {
        self.rules.is_plain
    }

    /// Only what cannot be anything but a secret is taken out here.
    #[inline]
    pub(super) fn is_safe(self) -> bool {
        self.paths == SAFE
    }

    /// Whether guesses are made: card numbers, sessions by their look.
    #[inline]
    pub(super) fn guesses(self) -> bool {
        !self.is_safe() && self.rules.has_defaults
    }

    /// Why a value under this name is not kept, whatever it is.
    #[inline]
    pub(super) fn of_name(self, name: &str) -> Option<Rule> {
        if self.rules.is_plain { keys::is_sensitive(name).then_some(Rule::Name) } else { self.own_of_name(name) }
    }

    fn own_of_name(self, name: &str) -> Option<Rule> {
        if self.is_safe() || self.rules.is_safe(name) {
            return None;
        }
        if self.rules.has_defaults && keys::is_sensitive(name) || self.rules.is_own(name) {
            return Some(Rule::Name);
        }
        (self.rules.addresses != Addresses::Keep && keys::is_address(name)).then_some(Rule::Address)
    }

    /// As [`Scope::of_name`], for a name that was found among bytes.
    #[inline]
    pub(super) fn promises_secret(self, name: &[u8]) -> bool {
        if self.rules.is_plain {
            return keys::promises_secret(name);
        }
        self.own_of_name(&String::from_utf8_lossy(name)) == Some(Rule::Name)
    }

    /// A name whose numbers are harmless.
    pub(super) fn is_counter(self, name: &str) -> bool {
        keys::is_counter(name) && !self.is_own(name)
    }

    /// A name that the project gave: whatever stands under it is a secret.
    pub(super) fn is_own(self, name: &str) -> bool {
        !self.rules.is_plain && self.rules.is_own(name)
    }

    /// E-mail addresses are taken out of texts.
    #[inline]
    pub(super) fn drops_emails(self) -> bool {
        !self.rules.keeps_emails && !self.is_safe()
    }

    /// IP addresses are taken out of texts.
    #[inline]
    pub(super) fn drops_addresses(self) -> bool {
        self.rules.addresses == Addresses::DropEverywhere && !self.is_safe()
    }

    /// Whose address it was is not kept.
    pub(super) fn drops_callers(self) -> bool {
        self.rules.addresses != Addresses::Keep && !self.is_safe()
    }
}
