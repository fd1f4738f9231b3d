//! What tells one set of packages from another: the image that it is for, and what was asked for.

use sha2::{Digest, Sha256};

use super::requirement::Requirements;
use crate::sandbox::EnvironmentImage;

/// The SHA-256 of both, in hex.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct SetKey(String);

impl SetKey {
    pub(super) fn of(environment: &EnvironmentImage, requirements: &Requirements) -> SetKey {
        let mut hash = Sha256::new();
        hash.update(environment.image.as_bytes());
        for requirement in requirements.iter() {
            // No requirement has a line end.
            hash.update(b"\n");
            hash.update(requirement.as_bytes());
        }
        SetKey(hex::encode(hash.finalize()))
    }

    /// One that a record was kept under.
    pub(super) fn named(name: &str) -> SetKey {
        SetKey(name.to_owned())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}
