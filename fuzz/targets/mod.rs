//! What is fuzzed: functions that take any bytes and panic where a promise is broken. `cargo fuzz` and `tests/it/fuzzing.rs` run the same.

mod client_report;
mod credentials;
mod envelope;
mod event;
mod spool;

pub use client_report::client_report;
pub use credentials::credentials;
pub use envelope::envelope;
pub use event::event;
pub use spool::spool;

/// Takes any bytes and panics where a promise is broken.
pub type Target = fn(&[u8]);

/// A target by its name, which is also that of its folder in `fuzz/seeds`.
#[allow(dead_code, reason = "a fuzzer has one target, the tests have all")]
pub const ALL: &[(&str, Target)] =
    &[("envelope", envelope), ("credentials", credentials), ("event", event), ("client_report", client_report), ("spool", spool)];

/// Most bytes a body may become.
const LIMIT: usize = 1 << 20;
