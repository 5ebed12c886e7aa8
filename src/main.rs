//! The `bugle` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    bugle::app::memory::keep_small();
    bugle::cli::main()
}
