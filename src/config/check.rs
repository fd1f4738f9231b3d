//! What must hold within and between settings, so that the service need not ask again.

use std::time::Duration;

use bytesize::ByteSize;

use super::error::{Origin, SettingsError};
use super::host_rule::HostRule;
use super::{Settings, jwt};

/// Shorter keys can be guessed.
const KEY_LENGTH: usize = 16;

/// Clocks that differ by more are wrong.
const MAX_LEEWAY: Duration = Duration::from_secs(600);

/// An engine refuses less.
const LEAST_MEMORY: ByteSize = ByteSize::mib(32);

/// Enough for the largest code, from two owners at once.
const LEAST_BODY_MEMORY: ByteSize = ByteSize::mib(64);

/// The first thing that does not hold.
pub(super) fn check(settings: &Settings) -> Result<(), SettingsError> {
    listening(settings)?;
    api_keys(settings)?;
    tokens(settings)?;
    sandboxes(settings)?;
    executions(settings)?;
    packages(settings)?;
    sessions(settings)?;
    instance(settings)
}

fn demand(holds: bool, key: &str, reason: impl Into<String>) -> Result<(), SettingsError> {
    if holds {
        return Ok(());
    }
    Err(SettingsError::Invalid {
        key: key.to_owned(),
        origin: Origin::Default,
        reason: reason.into(),
    })
}

fn listening(settings: &Settings) -> Result<(), SettingsError> {
    let address = settings.server.listen;
    demand(
        address.ip().is_loopback() || settings.asks_for_keys(),
        "listen",
        format!(
            "{address} can be reached by others, and no API key is set: set `keys` (CELLBLOCK_KEYS=name=key) or \
             `keys_file`, or listen on 127.0.0.1"
        ),
    )?;
    let url = settings.server.public_url.as_deref();
    demand(
        url.is_none_or(|url| url.starts_with("http://") || url.starts_with("https://")),
        "public_url",
        "it begins with http:// or https://",
    )?;
    demand(
        settings.server.body_memory >= LEAST_BODY_MEMORY,
        "body_memory",
        format!("at least {LEAST_BODY_MEMORY}: requests are read whole"),
    )?;
    demand(
        is_base_path(&settings.server.base_path),
        "base_path",
        "it is `/`, or names between slashes, as /user/ada/",
    )
}

/// Only what stands in a path as it is.
fn is_base_path(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~@".contains(&byte);
    path.starts_with('/') && !path.contains("//") && path.bytes().all(plain)
}

fn api_keys(settings: &Settings) -> Result<(), SettingsError> {
    for (name, key) in &settings.keys {
        demand(!name.is_empty(), "keys", "a key has a name: name=key")?;
        demand(
            !name.starts_with(jwt::OWNER_PREFIX),
            "keys",
            "names that begin with `jwt:` are those of owners who come with a token",
        )?;
        demand(
            key.len() >= KEY_LENGTH && key.bytes().all(|byte| byte.is_ascii_graphic()),
            "keys",
            format!(
                "the key of `{name}` needs at least {KEY_LENGTH} characters, ASCII and without spaces \
                 (`openssl rand -hex 24` makes a good one)"
            ),
        )?;
    }
    Ok(())
}

/// A token that is not held against an issuer and an audience is anybody's.
fn tokens(settings: &Settings) -> Result<(), SettingsError> {
    let jwt = &settings.jwt;
    let given = |setting: &Option<String>| setting.is_some() == jwt.jwks.is_some();
    let together = "jwt.jwks, jwt.issuer and jwt.audience are set together, or none of them";
    demand(given(&jwt.issuer), "jwt.issuer", together)?;
    demand(given(&jwt.audience), "jwt.audience", together)?;
    demand(
        !jwt.owner_claim.is_empty(),
        "jwt.owner_claim",
        "it names a claim, such as sub",
    )?;
    demand(
        jwt.limits_claim.is_none() || settings.keys_file.is_some(),
        "jwt.limits_claim",
        "it names a key of the keys file: set `keys_file`",
    )?;
    demand(jwt.leeway <= MAX_LEEWAY, "jwt.leeway", "10 minutes at most")
}

fn sessions(settings: &Settings) -> Result<(), SettingsError> {
    let sessions = &settings.sessions;
    demand(
        sessions.idle_timeout <= sessions.max_idle_timeout,
        "sessions.max_idle_timeout",
        "it is not less than sessions.idle_timeout",
    )?;
    demand(
        sessions.lifetime <= sessions.max_lifetime,
        "sessions.max_lifetime",
        "it is not less than sessions.lifetime",
    )
}

fn sandboxes(settings: &Settings) -> Result<(), SettingsError> {
    let sandbox = &settings.sandbox;
    demand(
        sandbox.memory >= LEAST_MEMORY,
        "sandbox.memory",
        format!("no kernel starts in less than {LEAST_MEMORY}"),
    )?;
    demand(
        sandbox.memory <= settings.execution.max_memory,
        "execution.max_memory",
        "it is not less than sandbox.memory",
    )?;
    demand(
        sandbox.cpus.is_finite() && sandbox.cpus >= 0.01,
        "sandbox.cpus",
        "at least 0.01",
    )?;
    demand(
        settings.execution.max_cpus.is_finite() && sandbox.cpus <= settings.execution.max_cpus,
        "execution.max_cpus",
        "it is not less than sandbox.cpus",
    )?;
    demand(
        sandbox.processes >= 16,
        "sandbox.processes",
        "no kernel starts with less than 16",
    )?;
    demand(
        sandbox.open_files >= 64,
        "sandbox.open_files",
        "no kernel starts with less than 64",
    )?;
    demand(settings.pool.starting >= 1, "pool.starting", "at least 1")?;
    demand(settings.max_sandboxes >= 1, "max_sandboxes", "at least 1")?;
    demand(
        (0.5..=1.0).contains(&settings.memory_guard),
        "memory_guard",
        "from 0.5 to 1",
    )
}

fn executions(settings: &Settings) -> Result<(), SettingsError> {
    let execution = &settings.execution;
    demand(
        execution.timeout >= Duration::from_secs(1),
        "execution.timeout",
        "at least 1s",
    )?;
    demand(
        execution.timeout <= execution.max_timeout,
        "execution.max_timeout",
        "it is not less than execution.timeout",
    )?;
    demand(
        execution.max_concurrent >= 1,
        "execution.max_concurrent",
        "at least 1",
    )
}

fn packages(settings: &Settings) -> Result<(), SettingsError> {
    let packages = &settings.packages;
    for (key, url) in [
        ("packages.pip_index", &packages.pip_index),
        ("packages.npm_registry", &packages.npm_registry),
    ] {
        let host = HostRule::of_url(url);
        demand(host.is_ok(), key, host.err().unwrap_or_default())?;
    }
    demand(
        packages.memory >= LEAST_MEMORY,
        "packages.memory",
        format!("no installer runs in less than {LEAST_MEMORY}"),
    )?;
    demand(
        packages.installing >= 1,
        "packages.installing",
        "at least 1",
    )
}

/// It becomes part of names in the engine.
fn instance(settings: &Settings) -> Result<(), SettingsError> {
    let name = &settings.engine.instance;
    let sane = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    demand(
        (1..=32).contains(&name.len()) && name.bytes().all(sane),
        "engine.instance",
        "1 to 32 letters, digits and dashes",
    )
}
