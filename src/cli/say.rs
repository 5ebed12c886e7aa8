//! Standard output, for people and pipes: a reader that has seen enough (`bugle check | head -1`) is no failure.

use std::fmt::Arguments;
use std::io::Write as _;

/// Writes a line; what nobody reads any more is dropped.
pub fn line(text: Arguments<'_>) {
    drop(writeln!(std::io::stdout(), "{text}"));
}

/// `println!` that survives a closed pipe.
macro_rules! say {
    ($($text:tt)*) => { $crate::cli::say::line(format_args!($($text)*)) };
}
pub(super) use say;
