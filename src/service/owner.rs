//! Who may see a thing.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The name of an API key, or `local` where no keys are asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Owner(String);

impl Owner {
    /// The owner that a key belongs to.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The one owner of a service without keys.
    #[must_use]
    pub fn local() -> Self {
        Self("local".to_owned())
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
