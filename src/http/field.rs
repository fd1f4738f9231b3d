//! What is wrong with which field of a request.
//!
//! A field is named by its way from the outside in, as the clients of the earlier service know it:
//! `["body", "files", 0, "content"]`. Everything that is wrong is told at once, not one thing a round trip.

use std::fmt;

use serde::Serialize;
use utoipa::ToSchema;

/// More than this nobody reads, and a hostile body could have millions of them.
const MAX_ERRORS: usize = 50;

/// One step towards a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Step {
    /// Into an object.
    Name(String),
    /// Into a list.
    Index(usize),
}

/// The way to a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Loc(Vec<Step>);

impl Loc {
    /// The body itself.
    pub fn body() -> Self {
        Self(Vec::new()).field("body")
    }

    /// A parameter in the url.
    pub fn query(name: &str) -> Self {
        Self(Vec::new()).field("query").field(name)
    }

    /// The part of the url's path that is called so.
    pub fn path(name: &str) -> Self {
        Self(Vec::new()).field("path").field(name)
    }

    /// From the service's spelling, `files.0.content`.
    pub fn dotted(field: &str) -> Self {
        field
            .split('.')
            .fold(Self::body(), |loc, step| match step.parse() {
                Ok(index) => loc.index(index),
                Err(_) => loc.field(step),
            })
    }

    /// A field of the object here.
    pub fn field(&self, name: &str) -> Self {
        self.then(Step::Name(name.to_owned()))
    }

    /// An item of the list here.
    pub fn index(&self, index: usize) -> Self {
        self.then(Step::Index(index))
    }

    fn then(&self, step: Step) -> Self {
        Self(self.0.iter().cloned().chain([step]).collect())
    }
}

/// With dots between the steps.
impl fmt::Display for Loc {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            let dot = if index == 0 { "" } else { "." };
            match step {
                Step::Name(name) => write!(formatter, "{dot}{name}")?,
                Step::Index(index) => write!(formatter, "{dot}{index}")?,
            }
        }
        Ok(())
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Where.
    #[schema(value_type = Vec<Step>, example = json!(["body", "files", 0, "content"]))]
    pub loc: Loc,
    /// What, as a sentence that goes on from the field's name.
    #[schema(example = "must be base64")]
    pub msg: String,
}

/// Everything that is wrong.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    /// One more thing, unless there are too many already.
    pub fn push(&mut self, loc: Loc, msg: impl Into<String>) {
        if !self.is_full() {
            let msg = msg.into();
            self.0.push(FieldError { loc, msg });
        }
    }

    /// Whether there are too many already.
    pub fn is_full(&self) -> bool {
        self.0.len() >= MAX_ERRORS
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of it, in the order it was found.
    pub fn into_vec(self) -> Vec<FieldError> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_the_service_is_located_in_the_body() {
        let loc = serde_json::to_value(Loc::dotted("files.0.content")).unwrap();
        assert_eq!(loc, serde_json::json!(["body", "files", 0, "content"]));
    }

    #[test]
    fn errors_are_bounded() {
        let mut errors = FieldErrors::default();
        (0..1000).for_each(|index| errors.push(Loc::body().index(index), "is wrong"));
        assert_eq!(errors.into_vec().len(), MAX_ERRORS);
    }
}
