//! Tokens: JSON Web Tokens of a trusted issuer, in the place of keys.
//!
//! ```text
//! Tokens         is it good, and whom does it stand for?
//!   claims       from claims to an owner
//!   key_sets     the issuer's keys: as they are known, and looked up anew
//!     key_set    the keys in one answer, and which of them a token is signed with
//!     source     a url or a file
//! ```
//!
//! A token is good if it is signed, with an asymmetric algorithm, by the key of the issuer's that it names; if its issuer
//! and audience are those of the settings; and if it has begun and not ended. Whoever sends another is told that it is not
//! good, and no more; the log says why.

mod claims;
mod key_set;
mod key_sets;
mod source;

use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, Validation, decode, decode_header};
use serde_json::{Map, Value};

use super::ServiceError;
use crate::config;
pub(super) use claims::Bearer;
use claims::Claims;
use key_sets::KeySets;
use source::Source;

/// Longer ones are not looked at: identity providers keep below it, for the sake of servers' limits of headers.
const MAX_BYTES: usize = 16 * 1024;

/// Why a token is not taken. It is for the log.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    /// It is not good.
    #[error("{0}")]
    Bad(String),
    /// No key of the issuer's is known now.
    #[error("the issuer's keys are not known")]
    NoKeys,
}

impl Refused {
    fn bad(reason: impl Into<String>) -> Refused {
        Refused::Bad(reason.into())
    }
}

impl From<jsonwebtoken::errors::Error> for Refused {
    fn from(error: jsonwebtoken::errors::Error) -> Refused {
        Refused::Bad(error.to_string())
    }
}

/// Whose tokens are taken.
pub(super) struct Tokens {
    issuer: String,
    audience: String,
    leeway: u64,
    claims: Claims,
    key_sets: KeySets,
}

/// Whether it could be a token: three parts, of which the first is an object in base64.
pub(super) fn looks_like_one(shown: &[u8]) -> bool {
    shown.starts_with(b"eyJ") && shown.iter().filter(|byte| **byte == b'.').count() == 2
}

impl Tokens {
    /// Those of the settings. None: no token is taken.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Invalid`] when the key set is a file without a key in it. A url may be away when the service starts.
    pub(super) async fn open(settings: &config::Jwt) -> Result<Option<Tokens>, ServiceError> {
        let (Some(issuer), Some(audience), Some(jwks)) =
            (&settings.issuer, &settings.audience, &settings.jwks)
        else {
            return Ok(None);
        };
        let invalid = |reason| ServiceError::invalid("jwt.jwks", reason);
        let source = Source::new(jwks).map_err(invalid)?;
        Ok(Some(Tokens {
            issuer: issuer.clone(),
            audience: audience.clone(),
            leeway: settings.leeway.as_secs(),
            claims: Claims::new(settings),
            key_sets: KeySets::open(source).await.map_err(invalid)?,
        }))
    }

    /// Whether each token names a key whose limits are its owner's.
    pub(super) fn name_limits(&self) -> bool {
        self.claims.name_limits()
    }

    /// Whom a token stands for.
    ///
    /// # Errors
    ///
    /// Why it is not taken.
    pub(super) async fn read(&self, token: &[u8]) -> Result<Bearer, Refused> {
        if token.len() > MAX_BYTES {
            return Err(Refused::bad("it is too long"));
        }
        let header = decode_header(token)?;
        // Whoever can verify that can also sign it.
        if header.alg.family() == AlgorithmFamily::Hmac {
            return Err(Refused::bad("it is signed with a shared secret"));
        }
        if header.crit.is_some() {
            return Err(Refused::bad("it has extensions that must be understood"));
        }
        let key = self.key_sets.key_for(&header).await?;
        let claims = self.verified(token, header.alg, &key)?;
        self.claims.bearer(&claims).map_err(Refused::Bad)
    }

    fn verified(
        &self,
        token: &[u8],
        algorithm: Algorithm,
        key: &DecodingKey,
    ) -> Result<Map<String, Value>, Refused> {
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.validate_nbf = true;
        validation.leeway = self.leeway;
        Ok(decode(token, key, &validation)?.claims)
    }

    /// Looks the issuer's keys up now and then, for ever.
    pub(super) async fn watch(&self) {
        self.key_sets.watch().await;
    }
}
