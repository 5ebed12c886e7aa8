//! The grouping rules of a project, applied to one event: stack trace rules change what its frames count for, the first fingerprint rule that
//! matches says which fingerprint it has. How rules are written is in `domain::grouping_rules`.
//!
//! As in Sentry, matchers about exceptions must all hold for one exception, matchers about frames all for one frame, and a matcher with `!`
//! holds for a thing that does not fit: where there is no such thing at all, neither holds.

mod evidence;
mod first;
mod stack;
#[cfg(test)]
mod tests;
pub mod variables;

pub use first::{Ruled, first};
pub use stack::{apply, forget, narrowed, without};

/// What matching may cost for one event, in characters compared; some ten milliseconds. Beyond it, rules no longer match.
const FUEL: u64 = 10_000_000;
