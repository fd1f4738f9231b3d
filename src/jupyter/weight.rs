//! What JSON becomes in memory.
//!
//! As text, a number is two bytes of `[0,0,0]`; as a [`Value`] it is 32. So what a stranger sent as 60 MB may be a gigabyte once it
//! is parsed. It is weighed first, as it came and without parsing it: what is no JSON has a weight too.

use memchr::memchr2;
use serde_json::{Map, Value};

/// Every JSON value, beside its text.
const VALUE: u64 = size_of::<Value>() as u64;

/// Every JSON object that is not empty: a first node of its tree.
const OBJECT: u64 = 512;

/// Every key of a JSON object, beside its text.
const KEY: u64 = size_of::<String>() as u64;

/// Bytes that a value would take beside its texts. An empty list counts as one with an item.
pub(super) fn beside_texts(json: &[u8]) -> u64 {
    let mut weight = VALUE;
    let mut rest = json;
    // An object is only heavy if something is in it.
    let mut opened = false;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = if byte == b'"' {
            behind_text(behind)
        } else {
            behind
        };
        if byte.is_ascii_whitespace() {
            continue;
        }
        if opened && byte != b'}' {
            weight += OBJECT + VALUE;
        }
        opened = byte == b'{';
        weight += match byte {
            b',' | b'[' => VALUE,
            b':' => KEY,
            _ => 0,
        };
    }
    weight
}

/// What comes behind the closing quote.
fn behind_text(mut text: &[u8]) -> &[u8] {
    while let Some(at) = memchr2(b'"', b'\\', text) {
        let length = if text[at] == b'"' { 1 } else { 2 };
        text = text.get(at + length..).unwrap_or_default();
        if length == 1 {
            return text;
        }
    }
    &[]
}

/// Bytes that an object takes.
pub(super) fn of_object(object: &Map<String, Value>) -> u64 {
    let entries = object
        .iter()
        .map(|(key, value)| KEY + key.len() as u64 + of_value(value));
    let node = if object.is_empty() { 0 } else { OBJECT };
    node + entries.sum::<u64>()
}

/// As deep as serde_json lets a value be.
fn of_value(value: &Value) -> u64 {
    VALUE
        + match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
            Value::String(text) => text.len() as u64,
            Value::Array(values) => values.iter().map(of_value).sum(),
            Value::Object(object) => of_object(object),
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both ways, for a value whose texts have so many bytes.
    fn weighs_as_parsed(json: &str, texts: u64) {
        let value: Value = serde_json::from_str(json).unwrap();
        assert_eq!(
            beside_texts(json.as_bytes()),
            of_value(&value) - texts,
            "{json}"
        );
    }

    #[test]
    fn a_text_weighs_what_its_value_does() {
        for (json, texts) in [
            ("0", 0),
            ("{ }", 0),
            (r#" {"a": 1} "#, 1),
            (r#"{"a": {}, "b": {"c": [1, 2, {}]}}"#, 3),
            ("[0,0,0]", 0),
            (r#"["{[,:\"]}", "\\", ","]"#, 9),
        ] {
            weighs_as_parsed(json, texts);
        }
    }

    #[test]
    fn what_is_no_json_has_a_weight_too() {
        let broken = [b"[\"\\ud800\"".as_slice(), &b",0".repeat(1000)].concat();
        assert!(beside_texts(&broken) > 1000 * VALUE);
        assert_eq!(beside_texts(b"\"a"), VALUE);
        assert_eq!(beside_texts(b"\"\\"), VALUE);
    }
}
