//! When an issue does much more than it does on ordinary days. Functions over plain numbers, with the clock of the bucket only, so
//! that replaying the same minutes gives the same alerts.
//!
//! Times are whole minutes or hours since the Unix epoch. *Clean* counts leave out duplicates and old events, *capped* counts
//! let one person count at most 5 times per issue and quarter of an hour: the decision is made on the capped ones.
//!
//! Deliberately absent: what is stored where (`store::spikes`), who is told (`alert_rules`), when a mail leaves (`domain::pacing`).

pub mod bar;
pub mod incident;
pub mod sensitivity;
pub mod start;
pub mod traffic;
pub mod usual;

pub use bar::{Sums, is_spike, passes_gate};
pub use incident::{Incident, Step, step};
pub use sensitivity::Sensitivity;
pub use usual::{Hour, Usual};

/// The two windows everything is measured in, in minutes.
pub const WINDOWS: [i64; 2] = [15, 60];
/// How far back "usual" looks, in days.
pub const REFERENCE_DAYS: i64 = 14;
/// The same in hours.
pub const REFERENCE_HOURS: i64 = REFERENCE_DAYS * 24;
