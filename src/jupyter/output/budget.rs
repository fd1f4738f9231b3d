//! What an execution's output may still cost.
//!
//! A limit on bytes alone would let a million empty outputs through, each a few hundred bytes of our memory.
//! So an output costs its bytes and what its shape takes: the numbers are near what [`Value`] really occupies.

use serde_json::Value;

use super::OutputLimitReached;
use super::content::Bundle;

/// Every output, beside what is in it.
pub(super) const OUTPUT: u64 = 256;

/// Every JSON value, beside its text.
const VALUE: u64 = size_of::<Value>() as u64;

/// Every JSON object that is not empty: a first node of its tree.
const OBJECT: u64 = 512;

/// Every key of a JSON object, beside its text.
const KEY: u64 = size_of::<String>() as u64;

/// Counts down. Once something did not fit, nothing does.
#[derive(Debug)]
pub(super) struct Budget {
    left: u64,
    spent: bool,
}

impl Budget {
    pub fn new(limit: u64) -> Budget {
        Budget {
            left: limit,
            spent: false,
        }
    }

    /// Whether there may be anything left.
    pub fn check(&self) -> Result<(), OutputLimitReached> {
        if self.spent {
            Err(OutputLimitReached)
        } else {
            Ok(())
        }
    }

    /// Takes all of it or fails.
    pub fn take(&mut self, bytes: u64) -> Result<(), OutputLimitReached> {
        self.check()?;
        let left = self.left.checked_sub(bytes);
        self.spent = left.is_none();
        self.left = left.ok_or(OutputLimitReached)?;
        Ok(())
    }

    /// As much of a text as fits, cut at a character's boundary. [`Budget::check`] fails after a cut.
    pub fn take_text<'a>(&mut self, text: &'a str) -> &'a str {
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let fitting = &text[..text.floor_char_boundary(left)];
        self.left -= fitting.len() as u64;
        self.spent |= fitting.len() < text.len();
        fitting
    }
}

/// What a bundle costs.
pub(super) fn cost_of_bundle(bundle: &Bundle) -> u64 {
    let entries = bundle
        .iter()
        .map(|(key, value)| KEY + key.len() as u64 + cost_of_value(value));
    let node = if bundle.is_empty() { 0 } else { OBJECT };
    node + entries.sum::<u64>()
}

/// As deep as serde_json lets a value be.
fn cost_of_value(value: &Value) -> u64 {
    VALUE
        + match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
            Value::String(text) => text.len() as u64,
            Value::Array(values) => values.iter().map(cost_of_value).sum(),
            Value::Object(object) => cost_of_bundle(object),
        }
}
