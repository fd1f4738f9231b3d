//! What a request is called, in its answer, in the log and in the execution it starts.

use std::convert::Infallible;
use std::fmt;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// The header that brings an id, and takes it back.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longer ids are not taken over.
const MAX_LENGTH: usize = 128;

/// What a request is called: ASCII letters, digits, `.`, `_` and `-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// The one that the caller chose, if it cannot confuse a log; else a new one.
    pub fn of(headers: &HeaderMap) -> Self {
        headers
            .get(X_REQUEST_ID)
            .and_then(|value| value.to_str().ok())
            .filter(|text| is_sane(text))
            .map_or_else(Self::random, |text| Self(text.to_owned()))
    }

    fn random() -> Self {
        Self(uuid::Uuid::new_v4().to_string())
    }

    /// For the answer's header.
    pub fn header_value(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).expect("an id is visible ASCII")
    }
}

fn is_sane(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=MAX_LENGTH).contains(&text.len()) && text.bytes().all(allowed)
}

impl fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The id that the outermost layer gave.
impl<S: Sync> FromRequestParts<S> for RequestId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let given = parts.extensions.get::<RequestId>().cloned();
        Ok(given.unwrap_or_else(Self::random))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_for(sent: &'static str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(X_REQUEST_ID, HeaderValue::from_static(sent));
        RequestId::of(&headers).to_string()
    }

    #[test]
    fn a_sane_id_is_taken_over() {
        assert_eq!(id_for("job-7.retry_2"), "job-7.retry_2");
    }

    #[test]
    fn an_id_cannot_forge_log_lines() {
        for sent in ["", "two words", "a\tb", "{}", "a\"b"] {
            assert_ne!(id_for(sent), sent);
        }
    }
}
