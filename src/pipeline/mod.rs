//! What an event means: normalize, scrub, fingerprint, title. Pure and deterministic; time comes in as a value.
//!
//! Deliberately absent: anything that needs memory of other events (`digest`, `store`).

pub mod exception_tree;
pub mod fingerprint;
pub mod in_app;
pub mod normalize;
pub mod rules;
pub mod scrub;
pub mod security;
pub mod title;
