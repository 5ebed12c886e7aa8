//! What an event is called in lists, on its page and in mail.

use crate::protocol::event::Event;

/// Longest type, in characters.
pub const KIND_LEN_MAX: usize = 128;
/// Longest value, culprit, location and function, in characters.
pub const TEXT_LEN_MAX: usize = 256;

/// The names of one event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Title {
    /// Exception type; empty for a message.
    pub kind: String,
    /// First line of the exception's value, or of the message. May be empty for an exception.
    pub value: String,
    /// Route, task or command, else the failing function.
    pub culprit: String,
    /// `payments/services.py:139`: file and line of the failing application frame.
    pub location: String,
    /// Function of that frame.
    pub function: String,
}

/// Names an event.
pub fn of(event: &Event) -> Title {
    let _ = event;
    Title::default()
}
