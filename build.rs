//! Builds the agent, so that it can be embedded in the service.
//!
//! The agent runs inside other people's images, so it is a static binary: that needs flags and a profile of its own, and
//! therefore a cargo of its own, in a target directory of its own (cargo holds a lock on the outer one). The
//! directory is shared by all profiles of the service, so the agent is built once.
//!
//! `CELLBLOCK_AGENT=/path/to/agent` embeds a binary that is there already, for hosts that cannot build for Linux.

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// How many levels above OUT_DIR cargo's target directory is: `target/<profile>/build/<package>/out`.
const TARGET_ABOVE_OUT: usize = 4;

fn main() -> Result<()> {
    for path in [
        "build.rs",
        "Cargo.toml",
        "Cargo.lock",
        "crates/agent",
        "crates/link/src",
        "crates/link/Cargo.toml",
    ] {
        println!("cargo::rerun-if-changed={path}");
    }
    println!("cargo::rerun-if-env-changed=CELLBLOCK_AGENT");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let agent = match env::var_os("CELLBLOCK_AGENT") {
        Some(prebuilt) => PathBuf::from(prebuilt),
        None => build_agent(&out)?,
    };
    let bytes = std::fs::read(&agent).map_err(|error| format!("{}: {error}", agent.display()))?;
    std::fs::write(out.join("agent"), &bytes)?;
    let hash = Sha256::digest(&bytes);
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    println!("cargo::rustc-env=CELLBLOCK_AGENT_SHA256={hash}");
    Ok(())
}

fn build_agent(out: &Path) -> Result<PathBuf> {
    let target = format!("{}-unknown-linux-gnu", env::var("CARGO_CFG_TARGET_ARCH")?);
    let directory = out
        .ancestors()
        .nth(TARGET_ABOVE_OUT)
        .ok_or("OUT_DIR is not in a target directory")?
        .join("agent");
    // The outer cargo's wishes (clippy as the compiler, flags, profile) are not meant for the agent.
    let status = Command::new(env::var("CARGO")?)
        .args([
            "build",
            "--locked",
            "--package",
            "cellblock-agent",
            "--bin",
            "cellblock-agent",
        ])
        .args(["--profile", "agent", "--target", &target])
        .env("CARGO_TARGET_DIR", &directory)
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("CARGO_BUILD_TARGET")
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .status()?;
    if !status.success() {
        return Err(format!("the agent did not build for {target}: {status}").into());
    }
    Ok(directory.join(target).join("agent").join("cellblock-agent"))
}
