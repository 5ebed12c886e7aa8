//! Collecting notes on what was changed or given up.

use std::fmt::{self, Write};

use super::Damage;

/// Most notes kept for one event; a hostile event could cause thousands.
pub const NOTES_MAX: usize = 100;

/// Where something stands in an event. Costs nothing until it is written down.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    above: Option<&'a Self>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

impl<'a> Place<'a> {
    /// A field of the event itself.
    pub fn root(key: &'a str) -> Self {
        Self { above: None, step: Step::Key(key) }
    }

    /// A field of this one.
    pub fn key(&'a self, key: &'a str) -> Self {
        Self { above: Some(self), step: Step::Key(key) }
    }

    /// An element of this one.
    pub fn index(&'a self, index: usize) -> Self {
        Self { above: Some(self), step: Step::Index(index) }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(above) = self.above {
            write!(f, "{above}.")?;
        }
        match self.step {
            // Keys come from outside and can be of any length.
            Step::Key(key) => key.chars().take(80).try_for_each(|c| f.write_char(c)),
            Step::Index(index) => write!(f, "{index}"),
        }
    }
}

/// The notes of one event.
#[derive(Debug, Default)]
pub struct Notes(Vec<Damage>);

impl Notes {
    /// Continues a list of notes.
    pub fn continuing(damage: Vec<Damage>) -> Self {
        Self(damage)
    }

    /// Writes down what happened to a place.
    pub fn add(&mut self, at: Place<'_>, what: impl Into<String>) {
        if self.0.len() < NOTES_MAX {
            self.0.push(Damage { path: at.to_string(), what: what.into() });
        }
    }

    /// The notes in the order made.
    pub fn into_damage(self) -> Vec<Damage> {
        self.0
    }
}
