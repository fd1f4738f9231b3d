//! `cellblock config`.

use std::process::ExitCode;

use cellblock::config::Configuration;

pub(super) fn print(configuration: &Configuration) -> ExitCode {
    print!("{}", configuration.show());
    ExitCode::SUCCESS
}
