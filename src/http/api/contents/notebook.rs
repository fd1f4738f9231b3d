//! What a notebook must be: JSON with cells, in the version that clients of today read (nbformat 4).
//!
//! It is looked at and passed on as it is. A notebook may be large, and what its JSON becomes as values many times as large.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::http::api::body::malformed;
use crate::http::problem::Problem;

/// The version of the format.
const VERSION: u64 = 4;

/// One without cells.
pub const EMPTY: &str = r#"{
 "cells": [],
 "metadata": {},
 "nbformat": 4,
 "nbformat_minor": 5
}
"#;

/// What is looked at.
#[derive(Deserialize)]
struct Outline {
    #[serde(rename = "nbformat_minor")]
    _minor: u64,
    #[serde(rename = "metadata")]
    _metadata: Object<IgnoredAny>,
    #[serde(rename = "cells")]
    _cells: Vec<Object<Cell>>,
}

#[derive(Deserialize)]
struct Version {
    nbformat: u64,
}

#[derive(Deserialize)]
struct Cell {
    #[serde(rename = "cell_type")]
    _kind: CellType,
    #[serde(rename = "metadata")]
    _metadata: Object<IgnoredAny>,
    #[serde(rename = "source")]
    _source: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum CellType {
    Code,
    Markdown,
    Raw,
}

/// Read from an object only; serde reads a struct from a list as well.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

/// The notebook in a file.
///
/// # Errors
///
/// Why it is none.
pub fn read(bytes: Vec<u8>) -> Result<Box<RawValue>, Problem> {
    let text = String::from_utf8(bytes).map_err(|_| none(&"it is not UTF-8"))?;
    check(&text)?;
    RawValue::from_string(text).map_err(|error| none(&error))
}

/// That it is a notebook.
///
/// # Errors
///
/// Why it is none.
pub fn check(text: &str) -> Result<(), Problem> {
    // First: what else is wrong with another version is beside the point.
    let Object(Version { nbformat }) = parsed(text)?;
    if nbformat != VERSION {
        let reason = format!("its nbformat is {nbformat}, and must be {VERSION}");
        return Err(none(&reason));
    }
    parsed::<Outline>(text).map(drop)
}

fn parsed<'a, T: Deserialize<'a>>(text: &'a str) -> Result<Object<T>, Problem> {
    serde_json::from_str(text).map_err(|error| none(&error))
}

fn none(reason: &impl fmt::Display) -> Problem {
    malformed(format!("It is no notebook: {reason}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(text: &str) -> String {
        format!("{:?}", check(text).unwrap_err())
    }

    #[test]
    fn a_new_notebook_is_one() {
        assert_eq!(check(EMPTY), Ok(()));
        assert_eq!(read(EMPTY.into()).unwrap().get(), EMPTY.trim_end());
    }

    #[test]
    fn what_makes_it_none_is_said() {
        for (text, expected) in [
            ("", "EOF"),
            ("{", "EOF"),
            ("[4]", "expected an object"),
            (r#"{"cells": []}"#, "missing field `nbformat`"),
            (r#"{"nbformat": 3, "worksheets": []}"#, "its nbformat is 3"),
            (r#"{"nbformat": 4}"#, "missing field"),
            (
                r#"{"nbformat": 4, "nbformat_minor": 5, "metadata": [], "cells": []}"#,
                "expected an object",
            ),
            (
                r#"{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [["code", {}, ""]]}"#,
                "expected an object",
            ),
            (
                r#"{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "x"}]}"#,
                "unknown variant `x`",
            ),
            (
                r#"{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code"}]}"#,
                "missing field",
            ),
        ] {
            let reason = reason(text);
            assert!(reason.contains(expected), "{text}: {reason}");
        }
        assert!(read(vec![0xff]).is_err());
    }
}
