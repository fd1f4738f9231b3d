//! The contents of the iopub messages that become outputs, as leniently as clients have always read them.
//!
//! A field may be missing or null. nbformat's multi-line strings may be a list of strings that are to be read
//! one after the other; they are joined here, so that behind this file there are only plain strings.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// Mime type → what to show.
pub(super) type Bundle = Map<String, Value>;

/// `stream`
#[derive(Deserialize)]
pub(super) struct Stream {
    /// `stdout` or `stderr`.
    #[serde(default, deserialize_with = "text")]
    pub name: String,
    #[serde(default, deserialize_with = "text")]
    pub text: String,
}

/// `display_data`, `update_display_data` and `execute_result`
#[derive(Deserialize)]
pub(super) struct Display {
    #[serde(default, deserialize_with = "data")]
    pub data: Bundle,
    #[serde(default, deserialize_with = "or_default")]
    pub metadata: Bundle,
    /// Only of the message, never of an output.
    #[serde(default, deserialize_with = "or_default")]
    pub transient: Transient,
    /// Of an `execute_result`.
    #[serde(default)]
    pub execution_count: Value,
}

#[derive(Default, Deserialize)]
pub(super) struct Transient {
    /// What a later `update_display_data` calls this output by.
    pub display_id: Option<String>,
}

/// `error`
#[derive(Debug, Deserialize)]
pub(super) struct Raised {
    #[serde(default, deserialize_with = "text")]
    pub ename: String,
    #[serde(default, deserialize_with = "text")]
    pub evalue: String,
    #[serde(default, deserialize_with = "lines")]
    pub traceback: Vec<String>,
}

/// `execute_reply`. A field that is none of text counts as empty.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Reply {
    #[serde(deserialize_with = "text_or_empty")]
    pub status: String,
    #[serde(deserialize_with = "text_or_empty")]
    ename: String,
    #[serde(deserialize_with = "text_or_empty")]
    evalue: String,
    traceback: Value,
}

impl Reply {
    /// What was raised, if that is its status.
    pub fn raised(self) -> Raised {
        let lines = match self.traceback {
            Value::Array(lines) => lines,
            _ => Vec::new(),
        };
        Raised {
            ename: self.ename,
            evalue: self.evalue,
            traceback: lines.into_iter().map(text_of).collect(),
        }
    }
}

fn text_or_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Value::deserialize(deserializer).map(text_of)
}

fn text_of(value: Value) -> String {
    match value {
        Value::String(text) => text,
        _ => String::new(),
    }
}

/// `clear_output`
#[derive(Deserialize)]
pub(super) struct Clear {
    /// Whether to wait for the next output.
    #[serde(default)]
    pub wait: Option<bool>,
}

/// `execute_input`
#[derive(Deserialize)]
pub(super) struct Input {
    #[serde(default)]
    pub execution_count: Value,
}

/// A text, or the pieces of one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Pieces {
    One(String),
    Many(Vec<String>),
    None,
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Pieces::deserialize(deserializer)? {
        Pieces::One(text) => text,
        Pieces::Many(pieces) => pieces.concat(),
        Pieces::None => String::new(),
    })
}

fn lines<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(match Pieces::deserialize(deserializer)? {
        Pieces::One(text) => vec![text],
        Pieces::Many(lines) => lines,
        Pieces::None => Vec::new(),
    })
}

fn data<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bundle, D::Error> {
    let mut data: Bundle = or_default(deserializer)?;
    for (mime_type, value) in &mut data {
        if !is_json(mime_type) {
            join(value);
        }
    }
    Ok(data)
}

/// In JSON a list of strings is a list of strings.
fn is_json(mime_type: &str) -> bool {
    mime_type == "application/json" || mime_type.ends_with("+json")
}

fn join(value: &mut Value) {
    let Value::Array(pieces) = &*value else {
        return;
    };
    if let Some(pieces) = pieces.iter().map(Value::as_str).collect::<Option<Vec<_>>>() {
        *value = Value::String(pieces.concat());
    }
}

fn or_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Deserialize<'de> + Default,
    D: Deserializer<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
