//! The keys of an issuer, as a JSON Web Key Set has them, and which of them a token is signed with.
//!
//! What cannot sign a token is passed over: symmetric keys, curves and kinds that are not known, keys that are for
//! encryption, and RSA keys that are too short to be safe.

use std::sync::Arc;

use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, KeyOperations, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, Header};

/// Shorter RSA keys can be broken: 2048 bits, in bytes.
const LEAST_MODULUS: usize = 256;

const RSA: &[Algorithm] = &[
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];

/// The keys that are of use.
pub(super) struct KeySet(Vec<VerifyingKey>);

struct VerifyingKey {
    id: Option<String>,
    algorithms: Vec<Algorithm>,
    key: Arc<DecodingKey>,
}

impl KeySet {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// That it is none, or that no key in it is of use.
    pub(super) fn parse(bytes: &[u8]) -> Result<KeySet, String> {
        let set: JwkSet = serde_json::from_slice(bytes)
            .map_err(|error| format!("it is not a JSON Web Key Set: {error}"))?;
        let keys: Vec<_> = set.keys.iter().filter_map(VerifyingKey::of).collect();
        if keys.is_empty() {
            return Err("it has no key that can sign a token (RSA, EC or Ed25519)".to_owned());
        }
        Ok(KeySet(keys))
    }

    /// The key that a token with this header is signed with: the one that it names. If it names none, there must be only
    /// one that could be meant.
    pub(super) fn key_for(&self, header: &Header) -> Option<Arc<DecodingKey>> {
        let fits = |key: &&VerifyingKey| key.algorithms.contains(&header.alg);
        let mut fitting = self.0.iter().filter(fits);
        let found = match &header.kid {
            Some(id) => fitting.find(|key| key.id.as_ref() == Some(id))?,
            None => fitting.next().filter(|_| fitting.next().is_none())?,
        };
        Some(found.key.clone())
    }
}

impl VerifyingKey {
    fn of(jwk: &Jwk) -> Option<VerifyingKey> {
        let key = DecodingKey::from_jwk(jwk).ok()?;
        let strong = match key.kind() {
            DecodingKeyKind::RsaModulusExponent { n, .. } => n.len() >= LEAST_MODULUS,
            DecodingKeyKind::SecretOrDer(_) => true,
        };
        let algorithms = algorithms(jwk);
        (strong && verifies(jwk) && !algorithms.is_empty()).then(|| VerifyingKey {
            id: jwk.common.key_id.clone(),
            algorithms,
            key: Arc::new(key),
        })
    }
}

fn verifies(jwk: &Jwk) -> bool {
    let about = &jwk.common;
    let signs = matches!(about.public_key_use, None | Some(PublicKeyUse::Signature));
    let operations = about.key_operations.as_deref();
    signs && operations.is_none_or(|all| all.contains(&KeyOperations::Verify))
}

/// What can be signed with it: what its kind can, unless it says that it is for one algorithm alone.
fn algorithms(jwk: &Jwk) -> Vec<Algorithm> {
    let all: &[Algorithm] = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => RSA,
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            &[Algorithm::ES256]
        }
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P384 => {
            &[Algorithm::ES384]
        }
        AlgorithmParameters::OctetKeyPair(_) => &[Algorithm::EdDSA],
        _ => &[],
    };
    let meant = |algorithm: &Algorithm| {
        let only = jwk.common.key_algorithm;
        only.is_none_or(|only| only == KeyAlgorithm::from(*algorithm))
    };
    all.iter().copied().filter(meant).collect()
}
