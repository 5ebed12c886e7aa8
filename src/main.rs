//! The `bugle` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    bugle::cli::main()
}
