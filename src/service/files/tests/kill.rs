//! The service is killed while it stores files: a process of its own, so that nothing of it can tidy up.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use bytesize::ByteSize;
use tokio::io::AsyncReadExt;

use super::super::{Access, FileName, FileStore, Lifetime};
use super::alice;
use crate::config;

/// Tells the process that is to be killed where to store.
const STATE_DIR: &str = "CELLBLOCK_TEST_STATE_DIR";

/// How the line of a stored file begins in its output.
const STORED: &str = "stored: ";

const CONTENT: &[u8] = &[7; 50_000];

#[tokio::test]
async fn a_kill_at_any_instant_loses_no_stored_file() {
    if let Some(state_dir) = std::env::var_os(STATE_DIR) {
        return store_for_ever(&PathBuf::from(state_dir)).await;
    }
    let directory = tempfile::tempdir().unwrap();
    let mut told = Vec::new();
    for round in 1..6 {
        let mut process = start(directory.path());
        let output = BufReader::new(process.stdout.take().unwrap());
        let mut names = output
            .lines()
            .filter_map(|line| Some(line.ok()?.split_once(STORED)?.1.to_owned()));
        told.extend(names.by_ref().take(7 * round));
        process.kill().unwrap();
        // What it told before it died and nobody had read yet.
        told.extend(names);
        process.wait().unwrap();
        all_are_there(directory.path(), &told).await;
    }
    assert!(told.len() >= 7 * 15);
}

/// This test again, as the one who is killed.
fn start(state_dir: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "--nocapture",
            "service::files::tests::kill::a_kill_at_any_instant_loses_no_stored_file",
        ])
        .env(STATE_DIR, state_dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

async fn open(state_dir: &Path) -> FileStore {
    let settings = config::Files {
        lifetime: std::time::Duration::from_secs(3600),
        long_lifetime: std::time::Duration::from_secs(3600),
        max_size: ByteSize::mib(1),
        max_total: ByteSize::gib(1),
    };
    FileStore::open(state_dir, &settings).await.unwrap()
}

/// Several at once, so that the kill meets every step.
async fn store_for_ever(state_dir: &Path) {
    let store = open(state_dir).await;
    let one_after_the_other = async || {
        loop {
            let filename = FileName::parse("a.bin").unwrap();
            let stored = store
                .store(&alice(), filename, Lifetime::Short, CONTENT)
                .await;
            println!("{STORED}{}", stored.unwrap().name);
        }
    };
    tokio::join!(
        one_after_the_other(),
        one_after_the_other(),
        one_after_the_other()
    );
}

/// Everything that was told is whole; what was half-written is gone.
async fn all_are_there(state_dir: &Path, told: &[String]) {
    let store = open(state_dir).await;
    for name in told {
        let (_, mut file) = store.read(name, Access::Owner(&alice())).await.unwrap();
        let mut content = Vec::new();
        file.read_to_end(&mut content).await.unwrap();
        assert!(content == CONTENT, "{name}");
    }
    let living = store.list(&alice()).await.len();
    assert_eq!(
        std::fs::read_dir(state_dir.join("files")).unwrap().count(),
        living
    );
}
