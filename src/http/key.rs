//! API keys, and tokens in their place: who asks.
//!
//! One comes in `X-API-Key`, or in `Authorization` as `Bearer` or `token`. Routes that browsers and Jupyter
//! clients open without headers take [`CallerOrToken`], which also reads `?token=`; no other route does, because urls end
//! up in logs.
//!
//! What may go on for long takes the [`Admission`] after that, and ends when it is over.
//!
//! How they are kept and compared is in [`service::keys`](crate::service::keys).

use std::sync::Arc;

use axum::extract::{FromRequestParts, Query};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use serde::Deserialize;

use super::app::App;
use super::problem::Problem;
use crate::service::keys::{self, Admission};
use crate::service::owner::Owner;

/// The header for keys.
pub const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// All keys. None at all: everybody is the local owner.
#[derive(Debug)]
pub struct Keys(Arc<keys::Keys>);

impl Keys {
    /// These.
    pub fn new(keys: Arc<keys::Keys>) -> Self {
        Self(keys)
    }

    /// Whether no key is asked for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Lets in who asks; None when no key was shown.
    ///
    /// # Errors
    ///
    /// When a key was shown that is none of ours, or a token that cannot be checked now.
    async fn admit(&self, shown: Option<&[u8]>) -> Result<Option<Admission>, Problem> {
        match shown {
            _ if self.is_empty() => Ok(Some(Admission::unending(Owner::local()))),
            None => Ok(None),
            Some(key) => self.0.admit(key).await?.map(Some).ok_or_else(refused),
        }
    }
}

/// The same for all: what is wrong with a token is for the log.
fn refused() -> Problem {
    Problem::unauthorized("The API key or token in the request is not valid.")
}

fn no_key() -> Problem {
    let detail = "Send your API key as X-API-Key, or as Authorization: Bearer.";
    Problem::unauthorized(detail)
}

/// What a key has begun ends with it.
pub fn no_longer_valid() -> Problem {
    let detail = "The API key was revoked or has expired, and what it had begun is ended.";
    Problem::unauthorized(detail)
}

/// The key in the headers.
pub fn shown(headers: &HeaderMap) -> Option<&[u8]> {
    let own = headers.get(X_API_KEY).map(|value| value.as_bytes());
    own.or_else(|| in_authorization(headers.get(AUTHORIZATION)?.as_bytes()))
}

fn in_authorization(value: &[u8]) -> Option<&[u8]> {
    let space = value.iter().position(|byte| *byte == b' ')?;
    let (scheme, key) = value.split_at(space);
    let known = scheme.eq_ignore_ascii_case(b"bearer") || scheme.eq_ignore_ascii_case(b"token");
    known.then(|| key.trim_ascii())
}

/// Who asks, by the headers.
#[derive(Clone, Debug)]
pub struct Caller(pub Owner);

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        AnyCaller::from_request_parts(parts, app)
            .await?
            .required()
            .map(Self)
    }
}

/// Who asks, by the headers or by `?token=`.
#[derive(Clone, Debug)]
pub struct CallerOrToken(pub Owner);

#[derive(Deserialize)]
struct Token {
    token: Option<String>,
}

impl FromRequestParts<Arc<App>> for CallerOrToken {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let token = Query::<Token>::try_from_uri(&parts.uri)
            .ok()
            .and_then(|Query(query)| query.token);
        let key = shown(&parts.headers).or(token.as_deref().map(str::as_bytes));
        let admission = app.keys.admit(key).await?.ok_or_else(no_key)?;
        Ok(Self(note(parts, admission)))
    }
}

/// Who asks, if anybody says so: for what can also be had with a signed url.
#[derive(Clone, Debug)]
pub struct AnyCaller(pub Option<Owner>);

impl FromRequestParts<Arc<App>> for AnyCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let admission = app.keys.admit(shown(&parts.headers)).await?;
        Ok(Self(admission.map(|admission| note(parts, admission))))
    }
}

/// The request's log names the owner from here on, and its extensions have the admission.
fn note(parts: &mut Parts, admission: Admission) -> Owner {
    let owner = admission.owner().clone();
    tracing::Span::current().record("owner", tracing::field::display(&owner));
    parts.extensions.insert(admission);
    owner
}

/// That of who asks, however they were asked before; by the headers, where they were not.
impl FromRequestParts<Arc<App>> for Admission {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        if let Some(admission) = parts.extensions.get::<Admission>() {
            return Ok(admission.clone());
        }
        let admission = app.keys.admit(shown(&parts.headers)).await?;
        let admission = admission.ok_or_else(no_key)?;
        note(parts, admission.clone());
        Ok(admission)
    }
}

impl AnyCaller {
    /// The owner.
    ///
    /// # Errors
    ///
    /// When nobody said.
    pub fn required(self) -> Result<Owner, Problem> {
        self.0.ok_or_else(no_key)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use axum::http::HeaderValue;

    use super::*;
    use crate::config::Settings;
    use crate::http::problem::Kind;

    async fn keys() -> Keys {
        let key = |name: &str, key: &str| (name.to_owned(), key.to_owned());
        with(BTreeMap::from([
            key("ada", "first"),
            key("grace", "second"),
        ]))
        .await
    }

    async fn with(keys: BTreeMap<String, String>) -> Keys {
        let settings = Settings {
            keys,
            ..Settings::default()
        };
        Keys::new(Arc::new(keys::Keys::open(&settings).await.unwrap()))
    }

    async fn owner_by(keys: &Keys, shown: Option<&[u8]>) -> Result<Option<Owner>, Problem> {
        let admission = keys.admit(shown).await?;
        Ok(admission.map(|admission| admission.owner().clone()))
    }

    async fn owner(header: &'static str, value: &'static str) -> Result<Option<Owner>, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(header, HeaderValue::from_static(value));
        owner_by(&keys().await, shown(&headers)).await
    }

    #[tokio::test]
    async fn every_key_names_its_owner() {
        for (header, value) in [
            ("x-api-key", "second"),
            ("authorization", "Bearer second"),
            ("authorization", "token second"),
            ("authorization", "BEARER  second "),
        ] {
            assert_eq!(owner(header, value).await, Ok(Some(Owner::named("grace"))));
        }
    }

    #[tokio::test]
    async fn a_wrong_key_is_refused() {
        for value in ["", "secon", "second2", "first second"] {
            let problem = owner("x-api-key", value).await.unwrap_err();
            assert_eq!(problem.kind, Kind::Unauthorized);
        }
    }

    #[tokio::test]
    async fn other_schemes_carry_no_key() {
        assert_eq!(owner("authorization", "Basic second").await, Ok(None));
        assert_eq!(owner("authorization", "second").await, Ok(None));
    }

    #[tokio::test]
    async fn without_keys_everybody_is_local() {
        let keys = with(BTreeMap::new()).await;
        assert_eq!(owner_by(&keys, None).await, Ok(Some(Owner::local())));
    }
}
