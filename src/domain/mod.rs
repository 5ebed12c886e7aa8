//! The nouns of the product, their states and what may happen to them. No I/O, no SQL, no HTTP.
//!
//! Deliberately absent: anything that knows how a thing is stored, sent or shown.

pub mod alert;
pub mod event_id;
pub mod fingerprint;
pub mod ids;
pub mod issue;
pub mod letter;
pub mod level;
pub mod outcome;
pub mod person;
pub mod project;
pub mod search;
pub mod token;
pub mod user;
