//! One setting's place in [`Settings`](super::Settings), with the type that its text has.
//!
//! Flags, environment and file all give text; this is the one place that reads it, and writes it back for people.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use bytesize::ByteSize;
use ipnet::IpNet;

use super::host_rule::HostRule;
use super::seccomp::Seccomp;
use super::{AtShutdown, AuditedCode, LogFormat};

/// A borrowed setting.
pub(super) enum Field<'a> {
    Address(&'a mut SocketAddr),
    AtShutdown(&'a mut AtShutdown),
    AuditedCode(&'a mut AuditedCode),
    Count(&'a mut u32),
    /// Names and counts.
    Counts(&'a mut BTreeMap<String, u32>),
    Duration(&'a mut Duration),
    Hosts(&'a mut Vec<HostRule>),
    LogFormat(&'a mut LogFormat),
    Names(&'a mut Vec<String>),
    /// Networks, and single addresses.
    Networks(&'a mut Vec<IpNet>),
    Number(&'a mut f64),
    OptionalPath(&'a mut Option<PathBuf>),
    OptionalText(&'a mut Option<String>),
    Path(&'a mut PathBuf),
    Seccomp(&'a mut Seccomp),
    /// Names and secrets, which are never shown.
    Secrets(&'a mut BTreeMap<String, String>),
    Size(&'a mut ByteSize),
    Text(&'a mut String),
    /// Names and texts.
    Texts(&'a mut BTreeMap<String, String>),
}

impl Field<'_> {
    /// Reads the text; the error says what it should look like.
    pub(super) fn set(self, text: &str) -> Result<(), String> {
        match self {
            Field::Address(field) => {
                *field = parse(text, "an address and a port, as 127.0.0.1:8080")?
            }
            Field::AtShutdown(field) => *field = at_shutdown(text)?,
            Field::AuditedCode(field) => *field = audited_code(text)?,
            Field::Count(field) => *field = parse(text, "a whole number, 0 or more")?,
            Field::Counts(field) => *field = pairs(text, "a whole number, 0 or more")?,
            Field::Duration(field) => *field = duration(text)?,
            Field::Hosts(field) => *field = list(text, host_rule)?,
            Field::LogFormat(field) => *field = log_format(text)?,
            Field::Names(field) => *field = list(text, |name| Ok(name.to_owned()))?,
            Field::Networks(field) => *field = list(text, network)?,
            Field::Number(field) => *field = parse(text, "a number")?,
            Field::OptionalPath(field) => {
                *field = Some(PathBuf::from(text)).filter(|_| !text.is_empty())
            }
            Field::OptionalText(field) => {
                *field = Some(text.to_owned()).filter(|text| !text.is_empty())
            }
            Field::Path(field) => *field = PathBuf::from(text),
            Field::Seccomp(field) => *field = text.parse()?,
            Field::Secrets(field) => *field = pairs(text, "text")?,
            Field::Size(field) => *field = parse(text, "a size, as 512MiB")?,
            Field::Text(field) => text.clone_into(field),
            Field::Texts(field) => *field = pairs(text, "text")?,
        }
        Ok(())
    }

    /// The value, as the file would have it.
    pub(super) fn show(self) -> String {
        match self {
            Field::Address(field) => quoted(field),
            Field::AtShutdown(AtShutdown::Keep) => quoted("keep"),
            Field::AtShutdown(AtShutdown::End) => quoted("end"),
            Field::AuditedCode(AuditedCode::Hash) => "false".to_owned(),
            Field::AuditedCode(AuditedCode::Whole) => "true".to_owned(),
            Field::Count(field) => field.to_string(),
            Field::Counts(field) => {
                table(field.iter().map(|(name, count)| (name, count.to_string())))
            }
            Field::Duration(field) => quoted(humantime::format_duration(*field)),
            Field::Hosts(field) => quoted(joined(field)),
            Field::Names(field) => quoted(joined(field)),
            Field::Networks(field) => quoted(joined(field)),
            Field::LogFormat(LogFormat::Text) => quoted("text"),
            Field::LogFormat(LogFormat::Json) => quoted("json"),
            Field::Number(field) => field.to_string(),
            Field::OptionalPath(field) => {
                quoted(field.as_deref().unwrap_or(Path::new("")).display())
            }
            Field::OptionalText(field) => quoted(field.as_deref().unwrap_or_default()),
            Field::Path(field) => quoted(field.display()),
            Field::Seccomp(field) => quoted(field),
            Field::Secrets(field) => table(field.keys().map(|name| (name, quoted("…")))),
            Field::Size(field) => quoted(*field),
            Field::Text(field) => quoted(field),
            Field::Texts(field) => table(field.iter().map(|(name, text)| (name, quoted(text)))),
        }
    }
}

fn parse<T: FromStr>(text: &str, expected: &str) -> Result<T, String> {
    text.trim()
        .parse()
        .map_err(|_| format!("`{text}` is not {expected}"))
}

/// Plain numbers are seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let seconds = text.trim().parse::<f64>().ok();
    match seconds.map(Duration::try_from_secs_f64) {
        Some(Ok(duration)) => Ok(duration),
        Some(Err(_)) => Err(format!("`{text}` is not a number of seconds")),
        None => humantime::parse_duration(text.trim())
            .map_err(|_| format!("`{text}` is not a duration, as 90s or 20min")),
    }
}

fn at_shutdown(text: &str) -> Result<AtShutdown, String> {
    match text {
        "keep" => Ok(AtShutdown::Keep),
        "end" => Ok(AtShutdown::End),
        _ => Err("keep or end".to_owned()),
    }
}

fn audited_code(text: &str) -> Result<AuditedCode, String> {
    match text {
        "false" => Ok(AuditedCode::Hash),
        "true" => Ok(AuditedCode::Whole),
        _ => Err("true or false".to_owned()),
    }
}

fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(format!("`{text}` is not `text` or `json`")),
    }
}

/// Items with commas between.
fn list<T>(text: &str, item: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    let items = text.split(',').map(str::trim);
    items.filter(|item| !item.is_empty()).map(item).collect()
}

fn joined(items: &[impl ToString]) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    items.join(", ")
}

fn host_rule(text: &str) -> Result<HostRule, String> {
    text.parse().map_err(|reason| format!("`{text}`: {reason}"))
}

fn network(text: &str) -> Result<IpNet, String> {
    let one = text.parse::<IpAddr>().map(IpNet::from);
    one.or_else(|_| text.parse())
        .map_err(|_| format!("`{text}` is not an address or a network, as 10.1.0.0/16"))
}

/// `name=value,name=value`
fn pairs<T: FromStr>(text: &str, expected: &str) -> Result<BTreeMap<String, T>, String> {
    let pairs = text
        .split(',')
        .map(str::trim)
        .filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair
                .split_once('=')
                .ok_or_else(|| "not name=value, with commas between".to_owned())?;
            // The value may be a secret: it is not in the error.
            let value = value
                .trim()
                .parse()
                .map_err(|_| format!("`{name}`: not {expected}"))?;
            Ok((name.trim().to_owned(), value))
        })
        .collect()
}

fn quoted(value: impl std::fmt::Display) -> String {
    toml::Value::String(value.to_string()).to_string()
}

fn table<'a>(entries: impl Iterator<Item = (&'a String, String)>) -> String {
    let entries: Vec<String> = entries
        .map(|(name, value)| format!("{} = {value}", quoted(name)))
        .collect();
    if entries.is_empty() {
        "{}".to_owned()
    } else {
        format!("{{ {} }}", entries.join(", "))
    }
}
