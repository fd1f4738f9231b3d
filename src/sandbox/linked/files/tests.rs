//! A sandbox that lies about its files harms nobody.

use cellblock_link::request::{AgentHello, Failure, FailureKind, Network, PROTOCOL_VERSION};
use cellblock_link::request::{Entry, EntryKind, StartKernel};
use cellblock_link::{Connection, LinkConfig, Listener};
use tokio::io::duplex;
use tokio::task::JoinHandle;

use super::*;
use crate::sandbox::linked::Parts;
use crate::sandbox::{Sandbox, SandboxId};

struct Nothing;

#[async_trait::async_trait]
impl Owned for Nothing {
    fn leave(&self) {}

    async fn ran_out_of_memory(&self) -> bool {
        false
    }
}

/// A sandbox whose agent answers the one request that it is asked with this, and then says these bytes.
async fn lying(reply: Reply, bytes: Vec<u8>) -> (LinkedSandbox<Nothing>, JoinHandle<()>) {
    let (stdout, read) = duplex(64 << 10);
    let (stdin, write) = duplex(64 << 10);
    let hello = AgentHello {
        protocol: PROTOCOL_VERSION,
        version: String::new(),
    };
    let mut listener = Listener::new(stdin, stdout, hello);
    let agent = tokio::spawn(async move {
        let (_, mut stream) = listener.accept().await;
        stream.write_reply(&reply).await.unwrap();
        // Whoever has heard enough hangs up.
        let _ = stream.write_all(&bytes).await;
        let _ = stream.shutdown().await;
        std::future::pending::<()>().await;
    });
    let link = Connection::open(read, write, LinkConfig::default()).await;
    let sandbox = LinkedSandbox::new(Parts {
        id: SandboxId::random(),
        link: link.unwrap().0,
        max_message: 1 << 20,
        kernel: StartKernel {
            kernelspec: String::new(),
            environment: Default::default(),
            working_directory: String::new(),
            network: Network::None,
            deadline_ms: 0,
        },
        owned: Nothing,
    });
    (sandbox, agent)
}

fn entry(name: &str) -> Entry {
    Entry {
        name: name.to_owned(),
        kind: EntryKind::File,
        size: 10,
        modified_ms: 0,
    }
}

fn line(name: &str) -> String {
    serde_json::to_string(&entry(name)).unwrap() + "\n"
}

async fn listed(lines: String, limit: u32) -> Result<Listing, SandboxError> {
    let reply = Reply::Listing { left_out: 7 };
    let (sandbox, agent) = lying(reply, lines.into_bytes()).await;
    let listing = sandbox.list_files("", limit).await;
    agent.abort();
    listing
}

#[tokio::test]
async fn a_listing_is_taken_as_far_as_it_can_be_true() {
    let listing = listed(line("a") + &line("b"), 2).await.unwrap();
    assert_eq!(listing.entries, [entry("a"), entry("b")]);
    assert_eq!(listing.left_out, 7);
    let endless = line("a").repeat(MAX_LISTED as usize + 1);
    for (lines, limit) in [
        (line("a") + &line("b"), 1),
        (endless, u32::MAX),
        (line("../escaped"), 9),
        (line("/etc"), 9),
        (line(".."), 9),
        (line(""), 9),
        (line("nul\0"), 9),
        (line(&"n".repeat(256)), 9),
        (line("a").trim_end().to_owned(), 9),
        (" ".repeat(100_000) + &line("a"), 9),
        ("nonsense\n".to_owned(), 9),
    ] {
        let said: String = lines.chars().take(40).collect();
        let listing = listed(lines, limit).await;
        assert!(
            matches!(listing, Err(SandboxError::Lost(_))),
            "{said}: {listing:?}"
        );
    }
}

#[tokio::test]
async fn an_entry_is_called_what_was_asked_for() {
    let (sandbox, _agent) = lying(Reply::Entry(entry("../escaped")), Vec::new()).await;
    let answer = sandbox.file_entry("d/a").await;
    assert!(matches!(answer, Err(SandboxError::Lost(_))), "{answer:?}");
}

#[tokio::test]
async fn a_file_has_the_bytes_that_were_promised_or_reading_it_fails() {
    for (sent, range, expected) in [
        (10, None, Some(10)),
        (10_000_000, None, Some(10)),
        (9, None, None),
        (0, None, None),
        (
            100,
            Some(ByteRange {
                offset: 8,
                length: 9,
            }),
            Some(2),
        ),
    ] {
        let (sandbox, _agent) = lying(Reply::Entry(entry("a")), vec![7; sent]).await;
        let (_, mut reader) = sandbox.read_file("a", range).await.unwrap();
        let mut content = Vec::new();
        let read = reader.read_to_end(&mut content).await;
        assert_eq!(read.ok(), expected, "of {sent}");
    }
}

#[tokio::test]
async fn what_is_no_file_is_not_read() {
    let mut entry = entry("a");
    entry.kind = EntryKind::Other;
    let (sandbox, _agent) = lying(Reply::Entry(entry), Vec::new()).await;
    assert!(sandbox.read_file("a", None).await.is_err());
}

#[tokio::test]
async fn a_reason_is_cut() {
    let failure = Failure {
        kind: FailureKind::NoSuchFile,
        detail: "…".repeat(100_000),
    };
    let (sandbox, _agent) = lying(Reply::Failed(failure), Vec::new()).await;
    match sandbox.file_entry("a").await {
        Err(SandboxError::NoSuchFile(words)) => assert_eq!(words.chars().count(), 500),
        answer => panic!("{answer:?}"),
    }
}
