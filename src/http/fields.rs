//! Reading a JSON object field by field, so that everything wrong with it can be told at once.
//!
//! Fields are first found and kept as they came (`RawValue`: a borrowed slice), then read one by one into their types. A derive
//! would stop at the first error, and a `serde_json::Value` would let a hostile body of brackets grow into
//! many times its size. Unknown fields are errors: a `timout` that goes unnoticed costs more than a refusal.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::value::RawValue;

use super::field::{FieldErrors, Loc};

/// How alike a word must be to be suggested: a slip or two in a name of ours.
const ALIKE: f64 = 0.8;

/// The fields of one JSON object.
#[derive(Debug)]
pub struct Fields<'a> {
    at: Loc,
    values: Vec<(&'static str, &'a RawValue)>,
}

impl<'a> Fields<'a> {
    /// Finds the `known` fields; every other one is an error. None when `text` is not an object.
    pub fn find(
        text: &'a str,
        at: Loc,
        known: &[&'static str],
        errors: &mut FieldErrors,
    ) -> Option<Self> {
        let mut json = serde_json::Deserializer::from_str(text);
        let find = Find {
            known,
            at: &at,
            errors,
        };
        let found = find
            .deserialize(&mut json)
            .and_then(|found| json.end().map(|()| found));
        match found {
            Ok(values) => Some(Self { at, values }),
            Err(error) => {
                errors.push(at, explain(&error));
                None
            }
        }
    }

    /// The way to a field.
    pub fn loc(&self, name: &str) -> Loc {
        self.at.field(name)
    }

    /// A field as it came. None when it is absent or null; of several, the last.
    pub fn raw(&self, name: &str) -> Option<&'a RawValue> {
        let mut values = self.values.iter().rev();
        let (_, value) = values.find(|(found, _)| *found == name)?;
        (value.get() != "null").then_some(*value)
    }

    /// Reads a field; `expected` goes on from its name: `must be …`. None when it is absent, null or wrong.
    pub fn take<T: Deserialize<'a>>(
        &self,
        name: &str,
        expected: &str,
        errors: &mut FieldErrors,
    ) -> Option<T> {
        let read = serde_json::from_str(self.raw(name)?.get());
        read.map_err(|_| errors.push(self.loc(name), format!("must be {expected}")))
            .ok()
    }

    /// Reads a field that must be there.
    pub fn required<T: Deserialize<'a>>(
        &self,
        name: &str,
        expected: &str,
        errors: &mut FieldErrors,
    ) -> Option<T> {
        if self.raw(name).is_none() {
            errors.push(self.loc(name), "is required");
        }
        self.take(name, expected, errors)
    }

    /// Reads a list of at most `MAX` texts. Empty when it is absent, null or wrong.
    pub fn texts<const MAX: usize>(
        &self,
        name: &str,
        errors: &mut FieldErrors,
    ) -> Vec<Cow<'a, str>> {
        let expected = format!("a list of at most {MAX} texts");
        let texts = self.take::<BoundedList<Text, MAX>>(name, &expected, errors);
        texts.map_or_else(Vec::new, |BoundedList(texts)| {
            texts.into_iter().map(|Text(text)| text).collect()
        })
    }
}

/// Serde borrows a `Cow` only where it is told to.
#[derive(Deserialize)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// The line and column are of the whole body; what a type of ours expected is not for the caller.
fn explain(error: &serde_json::Error) -> String {
    match error.classify() {
        serde_json::error::Category::Data => "must be a JSON object".to_owned(),
        _ => format!("is not JSON: {error}"),
    }
}

struct Find<'e> {
    known: &'e [&'static str],
    at: &'e Loc,
    errors: &'e mut FieldErrors,
}

impl<'a> DeserializeSeed<'a> for Find<'_> {
    type Value = Vec<(&'static str, &'a RawValue)>;

    fn deserialize<D: Deserializer<'a>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Find<'_> {
    type Value = Vec<(&'static str, &'a RawValue)>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values: Self::Value = Vec::new();
        while let Some(Text(name)) = map.next_key()? {
            match self.known.iter().find(|known| **known == name) {
                Some(known) => {
                    values.retain(|(found, _)| found != known);
                    values.push((known, map.next_value()?));
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                    // To find what was meant takes time, and there may be millions.
                    if self.errors.is_full() {
                        continue;
                    }
                    let loc = self.at.field(&shortened(&name));
                    self.errors.push(loc, unknown(&name, self.known));
                }
            }
        }
        Ok(values)
    }
}

fn shortened(name: &str) -> String {
    name.chars().take(64).collect()
}

fn unknown(name: &str, known: &[&str]) -> String {
    let name = shortened(name);
    let alike = |known: &&str| strsim::jaro_winkler(known, &name);
    let best = known
        .iter()
        .copied()
        .max_by(|one, other| alike(one).total_cmp(&alike(other)))
        .filter(|best| alike(best) >= ALIKE);
    match best {
        Some(best) => format!("is not a field; did you mean `{best}`?"),
        None => format!("is not a field; there are {}", known.join(", ")),
    }
}

/// A list of at most `MAX` items. Longer ones stop being read there.
#[derive(Debug)]
pub struct BoundedList<T, const MAX: usize>(pub Vec<T>);

impl<'a, T: Deserialize<'a>, const MAX: usize> Deserialize<'a> for BoundedList<T, MAX> {
    fn deserialize<D: Deserializer<'a>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_seq(Items::<T, MAX>(PhantomData))
    }
}

struct Items<T, const MAX: usize>(PhantomData<T>);

impl<'a, T: Deserialize<'a>, const MAX: usize> Visitor<'a> for Items<T, MAX> {
    type Value = BoundedList<T, MAX>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a list of at most {MAX} items")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            if items.len() == MAX {
                return Err(de::Error::invalid_length(MAX + 1, &self));
            }
            items.push(item);
        }
        Ok(BoundedList(items))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["code", "timeout"];

    fn errors_of(text: &str) -> Vec<String> {
        let mut errors = FieldErrors::default();
        if let Some(fields) = Fields::find(text, Loc::body(), KNOWN, &mut errors) {
            fields.required::<String>("code", "text", &mut errors);
            fields.take::<f64>("timeout", "a number", &mut errors);
        }
        let text = |error: super::super::field::FieldError| {
            format!(
                "{} {}",
                serde_json::to_string(&error.loc).unwrap(),
                error.msg
            )
        };
        errors.into_vec().into_iter().map(text).collect()
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let told = errors_of(r#"{"timout": 5, "code": 1, "timeout": "soon", "code": 2}"#);
        let expected = [
            r#"["body","timout"] is not a field; did you mean `timeout`?"#,
            r#"["body","code"] must be text"#,
            r#"["body","timeout"] must be a number"#,
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn null_is_absent() {
        assert_eq!(
            errors_of(r#"{"code": null}"#),
            [r#"["body","code"] is required"#]
        );
        assert!(errors_of(r#"{"code": "1", "timeout": null}"#).is_empty());
    }

    #[test]
    fn broken_json_is_located() {
        let told = errors_of("{\n\"code\": }");
        assert_eq!(
            told,
            [r#"["body"] is not JSON: expected value at line 2 column 9"#]
        );
        assert_eq!(errors_of("[]"), [r#"["body"] must be a JSON object"#]);
        assert_eq!(errors_of("{} {}").len(), 1);
        assert_eq!(errors_of("").len(), 1);
    }

    #[test]
    fn deep_nesting_is_no_harm() {
        let deep = format!(
            r#"{{"other": {}{}, "code": "1"}}"#,
            "[".repeat(200_000),
            "]".repeat(200_000)
        );
        assert_eq!(errors_of(&deep).len(), 1);
    }
}
