//! The settings file: TOML, turned into keys and texts.

use std::path::Path;

use toml::{Table, Value};

use super::{Environment, SettingsError};

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct File {
    /// Dotted keys and their texts, as flags would have them.
    pub(super) values: Vec<(String, String)>,
    /// Its `[[environments]]`.
    pub(super) environments: Vec<Environment>,
}

/// Keys whose value is itself a table of names.
const TABLES: [&str; 2] = ["keys", "pool.sizes"];

pub(super) fn read(path: &Path) -> Result<File, SettingsError> {
    let complain = |reason: String| SettingsError::File {
        path: path.to_owned(),
        reason,
    };
    let text = std::fs::read_to_string(path).map_err(|error| complain(error.to_string()))?;
    parse(&text).map_err(complain)
}

fn parse(text: &str) -> Result<File, String> {
    let mut table: Table = toml::from_str(text).map_err(|error| error.to_string())?;
    let mut file = File::default();
    if let Some(environments) = table.remove("environments") {
        file.environments = environments
            .try_into()
            .map_err(|error| format!("environments: {error}"))?;
    }
    flatten("", table, &mut file.values)?;
    Ok(file)
}

fn flatten(prefix: &str, table: Table, into: &mut Vec<(String, String)>) -> Result<(), String> {
    for (name, value) in table {
        let key = format!("{prefix}{name}");
        match value {
            Value::Table(names) if TABLES.contains(&key.as_str()) => {
                into.push((key, pairs(names)?))
            }
            Value::Table(inner) => flatten(&format!("{key}."), inner, into)?,
            other => {
                let text = scalar(&other).or_else(|| texts(&other));
                let text = text.ok_or_else(|| {
                    format!("{key}: dates mean nothing here, nor do lists of anything but text")
                })?;
                into.push((key, text));
            }
        }
    }
    Ok(())
}

fn pairs(names: Table) -> Result<String, String> {
    let pairs: Option<Vec<String>> = names
        .iter()
        .map(|(name, value)| Some(format!("{name}={}", scalar(value)?)))
        .collect();
    Ok(pairs.ok_or("a name's value is text or a number")?.join(","))
}

/// A list of texts, as a flag would have it.
fn texts(value: &Value) -> Option<String> {
    let texts = value.as_array()?.iter().map(Value::as_str);
    Some(texts.collect::<Option<Vec<_>>>()?.join(","))
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(truth) => Some(truth.to_string()),
        Value::Datetime(_) | Value::Array(_) | Value::Table(_) => None,
    }
}
