//! Bytes to types and back: what Sentry SDKs send, read leniently. No I/O, no decisions.
//!
//! Deliberately absent: HTTP, SQL, and any judgement about what an event means (`pipeline`).

pub mod event;
pub mod receipt;
