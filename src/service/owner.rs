//! Who may see a thing.

use std::fmt;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::config::jwt::OWNER_PREFIX;

/// What would make two names of one, or one of two.
const SEPARATING: &AsciiSet = &CONTROLS.add(b'/').add(b'%');

/// The name of an API key; that of whom a token stands for, after `jwt:`; or `local` where no keys are asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Owner(String);

impl Owner {
    /// The owner that a key belongs to.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The owner that a token stands for: `jwt:owner`, or `jwt:tenant/owner`. That is no key's name.
    #[must_use]
    pub fn with_token(tenant: Option<&str>, name: &str) -> Self {
        let name = utf8_percent_encode(name, SEPARATING);
        Self(match tenant {
            Some(tenant) => {
                let tenant = utf8_percent_encode(tenant, SEPARATING);
                format!("{OWNER_PREFIX}{tenant}/{name}")
            }
            None => format!("{OWNER_PREFIX}{name}"),
        })
    }

    /// Whether it is one of [`Owner::with_token`].
    #[must_use]
    pub fn comes_with_token(&self) -> bool {
        self.0.starts_with(OWNER_PREFIX)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_with_tokens_are_as_many_as_their_names() {
        let owner = |tenant, name| Owner::with_token(tenant, name).to_string();
        assert_eq!(owner(None, "ada"), "jwt:ada");
        assert_eq!(owner(Some("acme"), "ada"), "jwt:acme/ada");
        assert_eq!(owner(Some("a/b"), "c"), "jwt:a%2Fb/c");
        assert_eq!(owner(Some("a"), "b/c"), "jwt:a/b%2Fc");
        assert_eq!(owner(None, "a/b"), "jwt:a%2Fb");
        assert_eq!(owner(None, "a%2Fb"), "jwt:a%252Fb");
    }
}
