//! How one event is grouped, piece by piece, for people.

use super::fingerprint::Hash;

/// Every part of an event that could count, and whether it does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Anatomy {
    /// The hashes that the event has by itself, the deciding one first, with what each is made of.
    pub hashes: Vec<(&'static str, Hash)>,
    /// The stacks, the raised exception first.
    pub stacks: Vec<StackPart>,
}

/// An exception, or a stack without one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StackPart {
    /// Type of the exception, or what else has the frames.
    pub name: String,
    /// It takes part.
    pub counts: bool,
    /// Why, or why not.
    pub why: String,
    /// The frames, the failing one first; none where the exception does not count.
    pub frames: Vec<FramePart>,
}

/// A frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FramePart {
    /// Module, else the end of the path; as it is compared where it counts.
    pub place: String,
    /// Function, with its class where that can be read.
    pub function: String,
    /// The text of its line; empty where it is not compared.
    pub line: String,
    /// It takes part.
    pub counts: bool,
    /// It is the application's.
    pub in_app: bool,
    /// Why not; where it counts, what was decided about it otherwise than usual.
    pub why: String,
}
