//! What the program does from a terminal without an engine.

#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// `cellblock keys` on that file.
fn keys(file: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cellblock"))
        .arg("keys")
        .args(arguments)
        .env_clear()
        .env("CELLBLOCK_KEYS_FILE", file)
        .env("CELLBLOCK_KEYS", "ops=0123456789abcdef")
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn complaint(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(125), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_key_is_made_listed_and_revoked() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("keys.toml");
    let add = [
        "add",
        "ada",
        "--expires",
        "30d",
        "--environments",
        "bash,python",
        "--hosts",
        "pypi.org:443",
        "--executions",
        "4",
        "--executions-per-minute",
        "60",
        "--cpu-per-day",
        "1h",
        "--sessions",
        "2",
        "--memory",
        "1GiB",
        "--egress-per-day",
        "10MiB",
    ];
    let key = stdout(&keys(&file, &add));
    assert_eq!(key.lines().count(), 1, "nothing but the key is on stdout");
    assert!(key.starts_with("cellblock_"), "{key}");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains(key.trim()), "the key is in the file");

    let list = stdout(&keys(&file, &["list"]));
    for word in [
        "ada",
        "environments=bash,python",
        "hosts=pypi.org:443",
        "executions=4",
        "executions_per_minute=60",
        "cpu_per_day=1h",
        "sessions=2",
        "memory=1.0 GiB",
        "egress_per_day=10.0 MiB",
    ] {
        assert!(list.contains(word), "{word}: {list}");
    }
    stdout(&keys(&file, &["revoke", "ada"]));
    assert!(!stdout(&keys(&file, &["list"])).contains("ada"));
}

#[test]
fn a_name_that_is_taken_is_refused() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("keys.toml");
    stdout(&keys(&file, &["add", "ada"]));
    let twice = complaint(&keys(&file, &["add", "ada"]));
    assert!(
        twice.contains("there is a key named ada already"),
        "{twice}"
    );
    let settings = complaint(&keys(&file, &["add", "ops"]));
    assert!(settings.contains("in the setting `keys`"), "{settings}");
    let unknown = complaint(&keys(&file, &["revoke", "grace"]));
    assert!(unknown.contains("there is no key named grace"), "{unknown}");
}

#[test]
fn a_broken_file_is_named_with_its_line_and_field() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("keys.toml");
    std::fs::write(&file, "[[keys]]\nname = \"ada\"\nhash = \"12\"\n").unwrap();
    let complaint = complaint(&keys(&file, &["list"]));
    assert!(complaint.contains("line 3, `hash`"), "{complaint}");
}

#[test]
fn without_a_keys_file_it_says_how_to_set_one() {
    let complaint = complaint(&keys(Path::new(""), &["list"]));
    assert!(complaint.contains("--keys-file"), "{complaint}");
}
