//! Settings of tokens: whose JSON Web Tokens are taken in the place of keys, and what their claims mean here.

use std::time::Duration;

/// What the names of owners who come with a token begin with. No key is named so.
pub const OWNER_PREFIX: &str = "jwt:";

/// The tokens that are taken. Off, unless a key set is named.
#[derive(Clone, Debug)]
pub struct Jwt {
    /// Who makes them: their `iss`.
    pub issuer: Option<String>,
    /// Whom they are made for: what is in their `aud`.
    pub audience: Option<String>,
    /// The keys that they are signed with, as a JSON Web Key Set: a url, or a file. None: no token is taken.
    pub jwks: Option<String>,
    /// The claim that names the owner. `sub`.
    pub owner_claim: String,
    /// A claim that names the tenant that the owner belongs to. None: there are no tenants.
    pub tenant_claim: Option<String>,
    /// A claim that names a key of the keys file, whose limits are those of the owner. None: owners have no limits of their own.
    pub limits_claim: Option<String>,
    /// By how much clocks may differ. 60 s.
    pub leeway: Duration,
}

impl Default for Jwt {
    fn default() -> Jwt {
        Jwt {
            issuer: None,
            audience: None,
            jwks: None,
            owner_claim: "sub".to_owned(),
            tenant_claim: None,
            limits_claim: None,
            leeway: Duration::from_secs(60),
        }
    }
}
