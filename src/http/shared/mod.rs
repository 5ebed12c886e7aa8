//! What all doors share: client address, errors, operations.

pub mod operations;
