//! The files of a living sandbox: the rules that the fake keeps too, and what only a real one can be put through.

use std::io;
use std::time::Duration;

use bytesize::ByteSize;
use cellblock::sandbox::{
    ByteRange, Engine, KernelStart, PackageAccess, ProcessEnd, Sandbox, SandboxError,
};
use tokio::io::{AsyncReadExt, repeat};

use crate::file_rules;
use crate::sandboxes::{engine, named, run_in, spec};

/// What the agent may have used of memory at any time, in KiB, after all that it is put through here.
const AGENT_AT_MOST: u64 = 8 << 10;

#[tokio::test]
async fn the_files_of_a_sandbox_keep_the_rules() {
    let engine = engine();
    let mut spec = spec(named(&engine, "bash").await, PackageAccess::Read);
    spec.packages = None;
    spec.kernel = KernelStart::Now;
    let sandbox = engine.start(&spec).await.unwrap();
    file_rules::hold(sandbox.as_ref()).await;
    drop(sandbox);
    assert_eq!(engine.drain(Duration::from_secs(60)).await, 0);
}

#[tokio::test]
async fn hostile_files_are_bounded_refused_and_removed() {
    let engine = engine();
    let mut spec = spec(named(&engine, "bash").await, PackageAccess::Read);
    spec.packages = None;
    spec.kernel = KernelStart::Now;
    spec.limits.file_size = ByteSize::mib(8);
    let sandbox = engine.start(&spec).await.unwrap();
    what_does_not_fit_is_told(sandbox.as_ref()).await;
    links_and_pipes_lead_nowhere(sandbox.as_ref()).await;
    very_many_files_are_listed_and_deleted(sandbox.as_ref()).await;
    folders_without_end_are_deleted(sandbox.as_ref()).await;
    let peak = shell(sandbox.as_ref(), "awk '/VmHWM/ {print $2}' /proc/1/status").await;
    let peak: u64 = peak.output.trim().parse().unwrap();
    assert!(peak < AGENT_AT_MOST, "{peak} KiB");
    drop(sandbox);
    assert_eq!(engine.drain(Duration::from_secs(60)).await, 0);
}

/// A file of more bytes than a file may have, then more files than there is room for.
async fn what_does_not_fit_is_told(sandbox: &dyn Sandbox) {
    let bytes = |count: ByteSize| Box::new(repeat(7).take(count.as_u64()));
    let written = sandbox.write_file("a", bytes(ByteSize::mib(9))).await;
    assert!(
        matches!(written, Err(SandboxError::NoSpace(_))),
        "{written:?}"
    );
    let mut full = None;
    for n in 0..10 {
        let path = format!("full/{n}");
        match sandbox.write_file(&path, bytes(ByteSize::mib(7))).await {
            Ok(entry) => assert_eq!(entry.size, 7 << 20),
            Err(error) => full = full.or(Some(error)),
        }
    }
    assert!(matches!(full, Some(SandboxError::NoSpace(_))), "{full:?}");
    let listed = sandbox.list_files("full", 100).await.unwrap();
    assert!(listed.entries.iter().all(|entry| entry.size == 7 << 20));
    sandbox.delete_file("full").await.unwrap();
    assert_eq!(sandbox.list_files("", 100).await.unwrap().entries, []);
}

async fn links_and_pipes_lead_nowhere(sandbox: &dyn Sandbox) {
    let make = "ln -s / root; ln -s /proc/1 self; ln -s /etc/passwd link; mkfifo pipe";
    shell(sandbox, make).await;
    for path in ["root/etc/passwd", "self/environ", "self/fd/0"] {
        let read = sandbox.read_file(path, None).await.map(drop);
        assert!(
            matches!(read, Err(SandboxError::NotADirectory(_))),
            "{read:?}"
        );
    }
    for path in ["link", "pipe"] {
        let read = sandbox.read_file(path, None).await.map(drop);
        assert!(matches!(read, Err(SandboxError::NotAFile(_))), "{read:?}");
    }
    let content = || Box::new(io::Cursor::new(b"x"));
    let written = sandbox.write_file("root/tmp/x", content()).await;
    assert!(
        matches!(written, Err(SandboxError::NotADirectory(_))),
        "{written:?}"
    );
    for name in ["root", "self", "link", "pipe"] {
        sandbox.delete_file(name).await.unwrap();
    }
    let end = shell(sandbox, "test -s /etc/passwd && ls /tmp/x").await;
    assert!(end.output.contains("No such file"), "{end:?}");
}

async fn very_many_files_are_listed_and_deleted(sandbox: &dyn Sandbox) {
    let make = "mkdir many && cd many && seq -w 1 20000 | xargs touch";
    assert_eq!(shell(sandbox, make).await.code, Some(0));
    let listed = sandbox.list_files("many", u32::MAX).await.unwrap();
    assert_eq!((listed.entries.len(), listed.left_out), (10_000, 10_000));
    assert_eq!(listed.entries[9_999].name, "10000");
    sandbox.delete_file("many").await.unwrap();
    let sparse = shell(sandbox, "truncate -s 8M sparse").await;
    assert_eq!(sparse.code, Some(0));
    let range = ByteRange {
        offset: (8 << 20) - 4,
        length: 9,
    };
    let (entry, mut end) = sandbox.read_file("sparse", Some(range)).await.unwrap();
    let mut zeros = Vec::new();
    end.read_to_end(&mut zeros).await.unwrap();
    assert_eq!((entry.size, zeros), (8 << 20, vec![0; 4]));
    sandbox.delete_file("sparse").await.unwrap();
}

async fn folders_without_end_are_deleted(sandbox: &dyn Sandbox) {
    let make = "mkdir d; perl -e 'chdir \"d\"; for (1..3000) { mkdir \"f\"; chdir \"f\" or die }'";
    assert_eq!(shell(sandbox, make).await.code, Some(0));
    sandbox.delete_file("d").await.unwrap();
    assert_eq!(sandbox.list_files("", 100).await.unwrap().entries, []);
}

async fn shell(sandbox: &dyn Sandbox, script: &str) -> ProcessEnd {
    run_in(sandbox, ".", &["bash", "-c", script]).await
}
