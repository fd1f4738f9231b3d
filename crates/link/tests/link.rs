//! What the link guarantees, seen from both of its ends over an in-memory pipe.

#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

use cellblock_link::request::{AgentHello, PROTOCOL_VERSION, Reply, Request};
use cellblock_link::{Connection, LinkConfig, LinkError, Listener, Stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex, split};

const PIPE: usize = 64 << 10;

fn hello() -> AgentHello {
    AgentHello {
        protocol: PROTOCOL_VERSION,
        version: "test".to_owned(),
    }
}

fn agent() -> (Listener, DuplexStream) {
    agent_that_says(hello())
}

fn agent_that_says(hello: AgentHello) -> (Listener, DuplexStream) {
    let (ours, theirs) = duplex(PIPE);
    let (stdin, stdout) = split(theirs);
    (Listener::new(stdin, stdout, hello), ours)
}

async fn open(attach: DuplexStream) -> Connection {
    let (stdout, stdin) = split(attach);
    Connection::open(stdout, stdin, LinkConfig::default())
        .await
        .unwrap()
        .0
}

/// Answers every operation with `Done` and then returns its bytes.
async fn echo(mut listener: Listener) {
    loop {
        let (_, stream) = listener.accept().await;
        tokio::spawn(echo_one(stream));
    }
}

async fn echo_one(mut stream: Stream) -> std::io::Result<()> {
    stream.write_reply(&Reply::Done).await?;
    let (mut reader, mut writer) = split(stream);
    tokio::io::copy(&mut reader, &mut writer).await?;
    writer.shutdown().await
}

#[tokio::test]
async fn a_request_is_answered_and_bytes_follow() {
    let (listener, attach) = agent();
    tokio::spawn(echo(listener));
    let connection = open(attach).await;
    let (reply, mut stream) = connection.opener().request(&Request::Usage).await.unwrap();
    assert_eq!(reply, Reply::Done);
    stream.write_all(b"there and back").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut back = String::new();
    stream.read_to_string(&mut back).await.unwrap();
    assert_eq!(back, "there and back");
}

#[tokio::test]
async fn another_version_is_refused() {
    let other = AgentHello {
        protocol: PROTOCOL_VERSION + 1,
        ..hello()
    };
    let (_listener, attach) = agent_that_says(other);
    let (stdout, stdin) = split(attach);
    let error = Connection::open(stdout, stdin, LinkConfig::default())
        .await
        .unwrap_err();
    assert_eq!(
        error,
        LinkError::Version {
            agent: PROTOCOL_VERSION + 1,
            service: PROTOCOL_VERSION
        }
    );
}
