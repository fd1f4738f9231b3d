//! What an installer runs: arguments, never a shell's line.

use std::collections::BTreeMap;

use crate::config;
use crate::sandbox::{EnvironmentImage, PACKAGES_DIRECTORY, PackageManager};
use crate::service::packages::requirement::Requirements;

/// Where the installers keep what they fetch. On the volume, so that files move by name and fill no memory; removed at the
/// end.
const CACHE: &str = "/packages/.cache";

/// Where images have their certificates: what the build added is trusted here, too.
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

pub(super) fn install(
    environment: &EnvironmentImage,
    requirements: &Requirements,
    settings: &config::Packages,
) -> Vec<String> {
    let options = match environment.package_manager {
        PackageManager::Pip => pip(&settings.pip_index),
        PackageManager::Npm => npm(&settings.npm_registry),
        PackageManager::None => Vec::new(),
    };
    let options = options.into_iter().map(str::to_owned);
    options
        .chain(requirements.iter().map(str::to_owned))
        .collect()
}

/// Wheels only: a source distribution runs code when it is built. Compiled at once, for a sandbox cannot do it later.
fn pip(index: &str) -> Vec<&str> {
    vec![
        "python",
        "-m",
        "uv",
        "pip",
        "install",
        "--python",
        "python",
        "--target",
        PACKAGES_DIRECTORY,
        "--only-binary",
        ":all:",
        "--index-url",
        index,
        "--no-config",
        "--cache-dir",
        CACHE,
        "--compile-bytecode",
        "--no-progress",
        "--color",
        "never",
        "--",
    ]
}

fn npm(registry: &str) -> Vec<&str> {
    vec![
        "npm",
        "install",
        "--prefix",
        PACKAGES_DIRECTORY,
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--no-package-lock",
        "--no-progress",
        "--color=false",
        "--loglevel=error",
        "--cache",
        CACHE,
        "--registry",
        registry,
        "--",
    ]
}

pub(super) fn variables() -> BTreeMap<String, String> {
    let variables = [
        ("NODE_EXTRA_CA_CERTS", CERTIFICATES),
        ("SSL_CERT_FILE", CERTIFICATES),
        ("UV_SYSTEM_CERTS", "1"),
        ("UV_PYTHON_DOWNLOADS", "never"),
    ];
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    variables.into_iter().map(owned).collect()
}

pub(super) fn clean() -> Vec<String> {
    ["rm", "-rf", CACHE].map(str::to_owned).to_vec()
}

/// In bytes; the total stands in the last line.
pub(super) fn size() -> Vec<String> {
    ["du", "-s", "-B1", PACKAGES_DIRECTORY]
        .map(str::to_owned)
        .to_vec()
}
