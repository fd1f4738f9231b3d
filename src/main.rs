//! The `cellblock` program: wires settings, engine, service and HTTP, and nothing else.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
