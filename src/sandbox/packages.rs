//! Package volumes: directories that outlive a sandbox, written by one and read by others.

use serde::{Deserialize, Serialize};

/// Where a package volume is mounted in a sandbox.
pub const PACKAGES_DIRECTORY: &str = "/packages";

/// What a sandbox may do with its package volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PackageAccess {
    /// Read and execute.
    Read,
    /// Write too; the volume's root becomes its user's.
    Write,
}

/// A package volume of a sandbox, mounted at [`PACKAGES_DIRECTORY`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageVolume {
    /// Its name, as it was given to [`super::Engine::create_package_volume`].
    pub name: String,
    /// What the sandbox may do with it.
    pub access: PackageAccess,
}

/// A package volume that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageVolumeInfo {
    /// Its name.
    pub name: String,
    /// Since when it is there, as the engine says; the epoch, where it does not.
    pub created: jiff::Timestamp,
}
