//! What all doors share: client address, keys, health and metrics.
//!
//! Deliberately absent: what only one door needs, and how any door words its refusals.

pub mod client_address;
pub mod download;
mod key_file;
pub mod keys;
mod metrics;
pub mod opening;
pub mod operations;
