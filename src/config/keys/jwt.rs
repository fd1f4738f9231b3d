//! The settings of tokens.

use super::Key;
use crate::config::field::Field;

/// All of them.
pub(super) const KEYS: &[Key] = &[
    Key {
        name: "jwt.issuer",
        help: "Whose JSON Web Tokens are taken in the place of keys: their `iss`",
        field: |settings| Field::OptionalText(&mut settings.jwt.issuer),
    },
    Key {
        name: "jwt.audience",
        help: "What such a token is made for: in its `aud`",
        field: |settings| Field::OptionalText(&mut settings.jwt.audience),
    },
    Key {
        name: "jwt.jwks",
        help: "The key set (JWKS) that they are signed with: a url, or a file; empty: no token is taken",
        field: |settings| Field::OptionalText(&mut settings.jwt.jwks),
    },
    Key {
        name: "jwt.owner_claim",
        help: "The claim that names the owner",
        field: |settings| Field::Text(&mut settings.jwt.owner_claim),
    },
    Key {
        name: "jwt.tenant_claim",
        help: "A claim that names the owner's tenant: the owner is tenant/owner then",
        field: |settings| Field::OptionalText(&mut settings.jwt.tenant_claim),
    },
    Key {
        name: "jwt.limits_claim",
        help: "A claim that names a key of the keys file, whose limits are the owner's; empty: no limits",
        field: |settings| Field::OptionalText(&mut settings.jwt.limits_claim),
    },
    Key {
        name: "jwt.leeway",
        help: "By how much clocks may differ when a token begins and ends",
        field: |settings| Field::Duration(&mut settings.jwt.leeway),
    },
];
