//! What all doors share: client address, keys, health and metrics.
//!
//! Deliberately absent: what only one door needs, and how any door words its refusals.

pub mod client_address;
pub mod counted;
pub mod download;
pub mod grouping;
mod key_file;
mod key_rounds;
pub mod keys;
mod metrics;
pub mod opening;
pub mod operations;
