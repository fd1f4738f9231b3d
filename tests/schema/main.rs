//! Schemathesis, as it comes from PyPI, against a service on a real engine: it reads `/openapi.json`, asks for everything that
//! is described there, rightly and wrongly, and holds the answers against the description. Its checks are all on; what is told to it
//! beyond the description is in `hooks.py` and `schemathesis.toml`.
//!
//! Without `FUZZ_SECONDS` it is a short run that asks the same each time.

#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

#[path = "../engine/support.rs"]
#[expect(
    dead_code,
    reason = "shared with the engine tests, which use all of it"
)]
mod support;

use std::process::{Command, Stdio};

use serde_json::Value;
use support::Service;

/// A run that asks the same each time: all edge cases of all fields, and a few random requests of each operation. Half a minute.
const SHORT: [&str; 2] = ["--seed=20261126", "--max-examples=5"];

/// Code ends soon, and few sandboxes are there at once: what is asked for is random.
const BOUNDS: [&str; 11] = [
    "--log-format=json",
    "--execution-timeout=2s",
    "--execution-max-timeout=2s",
    "--execution-grace=1s",
    "--execution-max-memory=256MiB",
    "--execution-max-cpus=1",
    "--sandbox-memory=128MiB",
    "--sessions-max=12",
    "--sessions-idle-timeout=20s",
    "--sessions-max-idle-timeout=30s",
    "--max-sandboxes=24",
];

#[tokio::test]
async fn the_service_does_what_its_description_says() {
    let folder = tempfile::tempdir().unwrap();
    let keys = format!("--keys-file={}", folder.path().join("keys.toml").display());
    let owners = ["ada", "grace"].map(|name| key_for_bash_alone(name, &keys));
    let settings = [&BOUNDS[..], &[&keys]].concat();
    let mut service = Service::start_with_pool(&["bash"], &settings).await;
    service.pool_is_full().await;

    assert!(run(&service, &owners).await, "the failures are above");

    for key in &owners {
        end_all_sessions(&service, key).await;
    }
    // That of the pool.
    service.has_containers(1).await;
    assert_eq!(service.volumes(), Vec::<String>::new());
    assert!(service.terminate().success());
    assert_eq!(service.containers(), Vec::<String>::new());
    let log = service.log();
    let complaints: Vec<_> = log.iter().filter(|line| complains(line)).collect();
    assert_eq!(complaints, Vec::<&String>::new());
}

/// Random requests name no environment now and then, and none but bash is cheap.
fn key_for_bash_alone(name: &str, keys: &str) -> String {
    let output = Command::new(support::CELLBLOCK)
        .args(["keys", "add", name, "--environments=bash", keys])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Whether all that it found was right.
async fn run(service: &Service, [key, other]: &[String; 2]) -> bool {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/test-schema");
    let mut schemathesis = Command::new(script);
    schemathesis
        .env("CELLBLOCK_URL", service.url(""))
        .env("CELLBLOCK_TOKEN", key)
        .env("CELLBLOCK_OTHER_TOKEN", other)
        .stdin(Stdio::null());
    match std::env::var("FUZZ_SECONDS") {
        Ok(seconds) => schemathesis.args(["--max-time", &seconds]),
        Err(_) => schemathesis.args(SHORT),
    };
    let ended = tokio::task::spawn_blocking(move || schemathesis.status().unwrap());
    ended.await.unwrap().success()
}

async fn end_all_sessions(service: &Service, key: &str) {
    let client = service.client();
    let url = service.url("/jupyter/sessions");
    let list = client.get(&url).header("x-api-key", key).send().await;
    let list: Value = list.unwrap().json().await.unwrap();
    for session in list["sessions"].as_array().unwrap() {
        let url = format!("{url}/{}", session["id"].as_str().unwrap());
        let ended = client.delete(url).header("x-api-key", key).send().await;
        // Some end by themselves meanwhile.
        assert!([204, 404].contains(&ended.unwrap().status().as_u16()));
    }
}

/// Lines are JSON, so that no request can look like it.
fn complains(line: &str) -> bool {
    line.contains(r#""level":"ERROR""#)
}
