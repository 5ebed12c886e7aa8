//! The one shape of an event inside Bugle.
//!
//! `read` makes it from whatever an SDK sent, `pipeline` completes and scrubs it, its JSON (the derives below, Sentry's own field
//! names) is what is stored and what pages and the Web API read back. Every field may be missing; nothing here fails an event.

mod types;

pub use types::*;
