//! Issues and their events.

pub mod show;
