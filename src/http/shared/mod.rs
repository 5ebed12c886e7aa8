//! What all doors share: client address, errors, operations.

pub mod client_address;
pub mod keys;
mod metrics;
pub mod operations;
