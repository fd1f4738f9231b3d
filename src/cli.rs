//! The command line. One file a command; what they share is here.

mod config;
mod doctor;
mod health;
mod keys;
mod log;
mod run;
mod serve;
mod shell;

use std::process::ExitCode;

use anyhow::Context;
use cellblock::config::{Configuration, Flags, Settings};
use clap::{Parser, Subcommand};

/// What `main` says when it could not do what was asked, as opposed to what the code did.
const FAILED: u8 = 125;

/// Runs code nobody trusts: one hardened, network-less container per execution.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 120)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the REST API until SIGTERM or Ctrl-C
    Serve(Flags),
    /// Run code once in a sandbox of its own; the exit code tells how it ended
    Run(run::Arguments),
    /// Write code in a session of a running service, and see what comes of it
    Shell(shell::Arguments),
    /// Make, list and revoke keys in the keys file
    Keys(keys::Arguments),
    /// Print the effective settings, each with its source
    Config(Flags),
    /// Say what the engine offers, what is missing, and how to mend it
    Doctor(Flags),
    /// Ask a running service whether it is healthy; exit code 0 or 1
    Health(Flags),
}

pub(crate) fn main() -> ExitCode {
    match perform(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("cellblock: {error:#}");
            ExitCode::from(FAILED)
        }
    }
}

fn perform(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(flags) => asynchronously(serve::serve(load(&flags)?.settings)),
        Command::Run(arguments) => {
            let settings = load(&arguments.flags)?.settings;
            asynchronously(run::run(settings, arguments))
        }
        Command::Shell(arguments) => asynchronously(shell::run(arguments)),
        Command::Keys(arguments) => keys::change(arguments),
        Command::Config(flags) => Ok(config::print(&load(&flags)?)),
        Command::Doctor(flags) => asynchronously(doctor::examine(load(&flags)?.settings)),
        Command::Health(flags) => asynchronously(health::ask(load(&flags)?.settings)),
    }
}

fn load(flags: &Flags) -> anyhow::Result<Configuration> {
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    Ok(Configuration::load(flags, variables)?)
}

fn asynchronously(
    work: impl Future<Output = anyhow::Result<ExitCode>>,
) -> anyhow::Result<ExitCode> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?
        .block_on(work)
}

/// What a command needs that makes no use of the state directory of a service that may be running.
fn apart(mut settings: Settings, state_dir: &std::path::Path) -> Settings {
    state_dir.clone_into(&mut settings.state_dir);
    settings.engine.instance = format!("run-{}", std::process::id());
    settings.keys_file = None;
    settings.pool.size = 0;
    settings.pool.sizes.clear();
    settings
}
