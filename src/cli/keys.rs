//! `cellblock keys`: the keys file, while the service runs or not.
//!
//! A key is printed once, alone on stdout; the file has its hash only.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use bytesize::ByteSize;
use cellblock::config::host_rule::HostRule;
use cellblock::config::key_file::{self, Change, Grant, Key, NewKey, Quota};
use cellblock::config::{Flags, Settings};
use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a key, and print it: nobody can do so again
    Add(Box<Add>),
    /// List the keys: names, ends and limits
    List(Flags),
    /// Take a key out; a running service refuses it within seconds
    Revoke(Revoke),
}

#[derive(Debug, Args)]
struct Add {
    /// The owner's name
    name: String,
    /// How long it is taken [default: for ever]
    #[arg(long, value_parser = humantime::parse_duration, value_name = "DURATION")]
    expires: Option<Duration>,
    /// Environments it may use, with commas between [default: all]
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    environments: Option<Vec<String>>,
    /// Of the hosts in egress.hosts, those it may ask for [default: all of them]
    #[arg(long, value_delimiter = ',', value_name = "HOSTS")]
    hosts: Option<Vec<HostRule>>,
    /// Executions at the same time
    #[arg(long, value_name = "COUNT")]
    executions: Option<u32>,
    /// Executions that may begin in a minute
    #[arg(long, value_name = "COUNT")]
    executions_per_minute: Option<u32>,
    /// Processor time in a day
    #[arg(long, value_parser = humantime::parse_duration, value_name = "DURATION")]
    cpu_per_day: Option<Duration>,
    /// Sessions at the same time
    #[arg(long, value_name = "COUNT")]
    sessions: Option<u32>,
    /// Memory of one sandbox
    #[arg(long, value_name = "SIZE")]
    memory: Option<ByteSize>,
    /// Bytes to and from hosts in a day
    #[arg(long, value_name = "SIZE")]
    egress_per_day: Option<ByteSize>,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Debug, Args)]
struct Revoke {
    /// The owner's name
    name: String,
    #[command(flatten)]
    flags: Flags,
}

pub(super) fn change(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.command {
        Command::Add(add) => {
            let settings = super::load(&add.flags)?.settings;
            let key = new_key(*add, &settings)?;
            let secret = Change::begin(file(&settings)?)?.make(&key)?;
            eprintln!("The key of {}. It is not shown again.", key.name);
            println!("{secret}");
        }
        Command::List(flags) => {
            let settings = super::load(&flags)?.settings;
            print!("{}", table(&key_file::read(file(&settings)?)?));
        }
        Command::Revoke(Revoke { name, flags }) => {
            let settings = super::load(&flags)?.settings;
            Change::begin(file(&settings)?)?.revoke(&name)?;
            eprintln!("{name} has no key any more.");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn file(settings: &Settings) -> anyhow::Result<&Path> {
    settings.keys_file.as_deref().context(
        "no keys file is set: set `keys_file` (--keys-file FILE, CELLBLOCK_KEYS_FILE=FILE)",
    )
}

fn new_key(add: Add, settings: &Settings) -> anyhow::Result<NewKey> {
    if settings.keys.contains_key(&add.name) {
        bail!("there is a key named {} in the setting `keys`", add.name);
    }
    Ok(NewKey {
        expires: add.expires.map(from_now).transpose()?,
        grant: Grant {
            environments: add.environments,
            hosts: add.hosts,
            limits: Quota {
                executions: add.executions,
                executions_per_minute: add.executions_per_minute,
                cpu_per_day: add.cpu_per_day,
                sessions: add.sessions,
                memory: add.memory,
                egress_per_day: add.egress_per_day,
            },
        },
        name: add.name,
    })
}

fn from_now(duration: Duration) -> anyhow::Result<Timestamp> {
    let duration = SignedDuration::try_from(duration).context("--expires")?;
    Timestamp::now()
        .checked_add(duration)
        .context("--expires: that is beyond the end of time")
}

/// A key a line.
fn table(keys: &[Key]) -> String {
    let mut rows = vec![["NAME", "CREATED", "EXPIRES", "MAY"].map(str::to_owned)];
    rows.extend(keys.iter().map(row));
    let widths: Vec<usize> = (0..3)
        .map(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or(0))
        .collect();
    let line = |[name, created, expires, may]: &[String; 4]| {
        let (first, second, third) = (widths[0], widths[1], widths[2]);
        format!("{name:first$}  {created:second$}  {expires:third$}  {may}\n")
    };
    rows.iter().map(line).collect()
}

fn row(key: &Key) -> [String; 4] {
    let expires = match key.expires {
        None => "never".to_owned(),
        Some(end) if key.is_expired(Timestamp::now()) => format!("{end} (over)"),
        Some(end) => end.to_string(),
    };
    [
        key.name.clone(),
        key.created.to_string(),
        expires,
        may(&key.grant),
    ]
}

/// What sets it apart from a key that may do everything.
fn may(grant: &Grant) -> String {
    let quota = &grant.limits;
    let hosts = grant.hosts.as_ref().map(|hosts| {
        let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
        format!("hosts={}", hosts.join(","))
    });
    let count = |name: &str, count: Option<u32>| count.map(|count| format!("{name}={count}"));
    let size = |name: &str, size: Option<ByteSize>| size.map(|size| format!("{name}={size}"));
    let cpu = quota.cpu_per_day.map(humantime::format_duration);
    let words = [
        grant
            .environments
            .as_ref()
            .map(|names| format!("environments={}", names.join(","))),
        hosts,
        count("executions", quota.executions),
        count("executions_per_minute", quota.executions_per_minute),
        cpu.map(|cpu| format!("cpu_per_day={cpu}")),
        count("sessions", quota.sessions),
        size("memory", quota.memory),
        size("egress_per_day", quota.egress_per_day),
    ];
    let words: Vec<String> = words.into_iter().flatten().collect();
    if words.is_empty() {
        return "everything".to_owned();
    }
    words.join("  ")
}
