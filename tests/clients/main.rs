//! Jupyter's own clients, as they come from PyPI, against a service on a real engine. The tests themselves are in Python,
//! beside this file; `scripts/test-clients` installs the clients and runs them.

#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

#[path = "../engine/support.rs"]
#[expect(
    dead_code,
    reason = "shared with the engine tests, which use all of it"
)]
mod support;

use std::process::{Command, Stdio};

use support::Service;

/// As long as a key has to be.
const KEY: &str = "the-key-of-the-clients-tests";

#[tokio::test]
async fn jupyter_s_own_clients_work_unchanged() {
    let keys = format!("--keys=clients={KEY}");
    let service = Service::start_with_pool(&["python"], &[&keys]).await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/test-clients");
    let mut clients = Command::new(script);
    clients
        .env("CELLBLOCK_URL", service.url(""))
        .env("CELLBLOCK_TOKEN", KEY)
        .stdin(Stdio::null());
    let ended = tokio::task::spawn_blocking(move || clients.status().unwrap());
    assert!(ended.await.unwrap().success(), "the failures are above");
}
