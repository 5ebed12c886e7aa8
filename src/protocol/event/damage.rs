//! Collecting notes on what was changed or given up. An event that is as it should be costs nothing here.

use std::fmt::{self, Write};

use super::{Change, Damage, Event};

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
    /// The event as a whole.
    pub const EVENT: Place<'static> = Place { above: None, step: Step::Key("") };

    /// A field of the event itself.
    pub fn root(key: &'a str) -> Self {
        Self { above: None, step: Step::Key(key) }
    }

    fn is_event(self) -> bool {
        self.above.is_none() && matches!(self.step, Step::Key(""))
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
        if let Some(above) = self.above.filter(|above| !above.is_event()) {
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
pub struct Notes {
    list: Vec<Damage>,
    unlisted: i64,
}

impl Notes {
    /// Continues those of an event, which has none until [`Notes::close`].
    pub fn open(event: &mut Event<'_>) -> Self {
        Self { list: std::mem::take(&mut event.damage), unlisted: event.damage_unlisted.take().unwrap_or(0) }
    }

    /// Gives them to the event.
    pub fn close(self, event: &mut Event<'_>) {
        event.damage = self.list;
        event.damage_unlisted = (self.unlisted > 0).then_some(self.unlisted);
    }

    /// Writes down what happened to a place.
    pub fn add(&mut self, at: Place<'_>, change: Change, what: impl Into<String>) {
        self.push(at, change, None, what);
    }

    /// Writes down that something was dropped because it is not what its place says.
    pub fn drop(&mut self, at: Place<'_>, what: impl Into<String>) {
        self.push(at, Change::Dropped, None, what);
    }

    /// Writes down that something was longer: `was` characters, bytes or entries.
    pub fn cut(&mut self, at: Place<'_>, was: usize, what: impl Into<String>) {
        self.push(at, Change::Cut, i64::try_from(was).ok(), what);
    }

    fn push(&mut self, at: Place<'_>, change: Change, was: Option<i64>, what: impl Into<String>) {
        if self.list.len() < NOTES_MAX {
            self.list.push(Damage { path: at.to_string(), change, was, what: what.into() });
        } else {
            self.unlisted += 1;
        }
    }

    /// The notes in the order made.
    pub fn into_damage(self) -> Vec<Damage> {
        self.list
    }
}
