//! actions

pub mod tokens;
