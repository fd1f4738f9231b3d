//! Whom a token stands for, by its claims.

use serde_json::{Map, Value};

use crate::config;
use crate::service::owner::Owner;

/// The longest name of an owner or a tenant, in bytes. OpenID Connect gives subjects as many.
const MAX_NAME: usize = 255;

/// What the claims mean.
pub(super) struct Claims {
    owner: String,
    tenant: Option<String>,
    limits: Option<String>,
}

/// Whom a token stands for.
pub(in crate::service) struct Bearer {
    /// Whose things it makes.
    pub(in crate::service) owner: Owner,
    /// The key of the keys file whose limits are the owner's. None: there are no limits.
    pub(in crate::service) limits: Option<String>,
}

impl Claims {
    /// As the settings have them.
    pub(super) fn new(settings: &config::Jwt) -> Claims {
        Claims {
            owner: settings.owner_claim.clone(),
            tenant: settings.tenant_claim.clone(),
            limits: settings.limits_claim.clone(),
        }
    }

    /// Whether a key's limits are among them.
    pub(super) fn name_limits(&self) -> bool {
        self.limits.is_some()
    }

    /// Whom these stand for. What the settings name has to be there.
    ///
    /// # Errors
    ///
    /// Which claim names nobody.
    pub(super) fn bearer(&self, claims: &Map<String, Value>) -> Result<Bearer, String> {
        let tenant = self.tenant.as_deref().map(|claim| name(claims, claim));
        let limits = self.limits.as_deref().map(|claim| name(claims, claim));
        let owner = name(claims, &self.owner)?;
        Ok(Bearer {
            owner: Owner::with_token(tenant.transpose()?, owner),
            limits: limits.transpose()?.map(str::to_owned),
        })
    }
}

fn name<'a>(claims: &'a Map<String, Value>, claim: &str) -> Result<&'a str, String> {
    let value = claims.get(claim).and_then(Value::as_str);
    value
        .filter(|name| (1..=MAX_NAME).contains(&name.len()) && !name.contains(char::is_control))
        .ok_or_else(|| format!("its claim {claim} is not there, or no name"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn owner(settings: &config::Jwt, claims: Value) -> Result<String, String> {
        let bearer = Claims::new(settings).bearer(claims.as_object().unwrap());
        bearer.map(|bearer| bearer.owner.to_string())
    }

    #[test]
    fn the_owner_is_the_subject_unless_said_otherwise() {
        let mut settings = config::Jwt::default();
        assert_eq!(owner(&settings, json!({"sub": "ada"})).unwrap(), "jwt:ada");
        settings.owner_claim = "email".to_owned();
        settings.tenant_claim = Some("org".to_owned());
        let claims = json!({"sub": "1", "email": "ada@example.org", "org": "acme"});
        assert_eq!(
            owner(&settings, claims).unwrap(),
            "jwt:acme/ada@example.org"
        );
    }

    #[test]
    fn a_claim_that_is_named_has_to_name_somebody() {
        let settings = config::Jwt {
            tenant_claim: Some("org".to_owned()),
            limits_claim: Some("plan".to_owned()),
            ..config::Jwt::default()
        };
        let good = json!({"sub": "ada", "org": "acme", "plan": "free"});
        assert!(owner(&settings, good.clone()).is_ok());
        for claim in ["sub", "org", "plan"] {
            for wrong in [
                json!(null),
                json!(""),
                json!(7),
                json!(["ada"]),
                json!("a\nb"),
                json!("a".repeat(256)),
            ] {
                let mut claims = good.clone();
                claims[claim] = wrong;
                assert!(owner(&settings, claims).unwrap_err().contains(claim));
            }
        }
    }
}
