//! What the link guarantees, seen from both of its ends over an in-memory pipe.

#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::io::ErrorKind;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use cellblock_link::frame::{Decoder, Frame, Kind, encode};
use cellblock_link::request::{AgentHello, GetFiles, PROTOCOL_VERSION, Reply, Request, Since};
use cellblock_link::{Connection, LinkConfig, LinkError, Listener, Stream};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream, ReadBuf, duplex, split};
use tokio::time::{Instant, timeout};

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

#[tokio::test]
async fn nonsense_is_answered_and_skipped() {
    let (listener, attach) = agent();
    tokio::spawn(echo(listener));
    let connection = open(attach).await;
    let far = Request::PutFiles {
        directory: "x".repeat(2 << 20),
    };
    let error = connection.opener().request(&far).await.unwrap_err();
    assert!(
        matches!(
            error,
            LinkError::Stream {
                kind: ErrorKind::InvalidData,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(
        connection
            .opener()
            .request(&Request::Usage)
            .await
            .unwrap()
            .0,
        Reply::Done
    );
}

#[tokio::test]
async fn one_stream_too_many_is_refused_and_the_rest_go_on() {
    let (listener, attach) = agent();
    tokio::spawn(echo(listener));
    let connection = open(attach).await;
    let opener = connection.opener();
    for _ in 0..4 {
        let mut held = Vec::new();
        for _ in 0..LinkConfig::default().max_streams {
            held.push(opener.request(&Request::Usage).await.unwrap());
        }
        let error = opener.request(&Request::Usage).await.unwrap_err();
        assert_eq!(error, LinkError::TooManyStreams);
        let (_, stream) = held.last_mut().unwrap();
        assert_echoes(stream, 1000).await;
    }
}

#[tokio::test]
async fn opening_and_giving_up_a_thousand_streams_does_not_end_the_link() {
    let (mut listener, attach) = agent();
    // An agent that looks at nothing for a while.
    let connection = open(attach).await;
    for _ in 0..1000 {
        drop(connection.opener().begin(&Request::Usage).await);
        tokio::task::yield_now().await;
    }
    let served = async {
        loop {
            let (_, stream) = listener.accept().await;
            drop(echo_one(stream).await)
        }
    };
    let asked = async {
        connection
            .opener()
            .request(&Request::Interrupt)
            .await
            .unwrap()
            .0
    };
    tokio::select! {
        () = served => unreachable!("accept waits for ever"),
        reply = asked => assert_eq!(reply, Reply::Done),
    }
}

#[tokio::test]
async fn a_stalled_stream_stalls_no_other() {
    let (listener, attach) = agent();
    tokio::spawn(flood_or_echo(listener));
    let connection = open(attach).await;
    let flood = Request::GetFiles(GetFiles {
        directory: String::new(),
        since: Since::Mark,
        max_files: 0,
        max_bytes: 0,
    });
    let mut stalled = Vec::new();
    for _ in 0..8 {
        stalled.push(connection.opener().request(&flood).await.unwrap());
        // And one whose other end does not read: the service's writes fill its window.
        let mut unread = connection.opener().begin(&Request::KillAll).await.unwrap();
        let full = timeout(
            Duration::from_millis(100),
            unread.write_all(&vec![7; 4 << 20]),
        )
        .await;
        assert!(full.is_err());
    }
    for _ in 0..20 {
        let (_, mut stream) = connection.opener().request(&Request::Usage).await.unwrap();
        assert_echoes(&mut stream, 3 << 20).await;
    }
}

/// `GetFiles` floods, `KillAll` is never looked at, everything else echoes.
async fn flood_or_echo(mut listener: Listener) {
    let mut ignored = Vec::new();
    loop {
        let (request, mut stream) = listener.accept().await;
        match request {
            Request::GetFiles(_) => drop(tokio::spawn(async move {
                stream.write_reply(&Reply::Done).await?;
                loop {
                    stream.write_all(&[5; 10_000]).await?;
                }
                #[expect(unreachable_code, reason = "gives the block its type")]
                std::io::Result::Ok(())
            })),
            Request::KillAll => ignored.push(stream),
            _ => drop(tokio::spawn(echo_one(stream))),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stalled_stream_does_not_stop_the_heartbeat() {
    let (listener, attach) = agent();
    tokio::spawn(flood_or_echo(listener));
    let connection = open(attach).await;
    let flood = Request::GetFiles(GetFiles {
        directory: String::new(),
        since: Since::Mark,
        max_files: 0,
        max_bytes: 0,
    });
    let _stalled = connection.opener().request(&flood).await.unwrap();
    assert!(
        timeout(Duration::from_secs(600), connection.broken())
            .await
            .is_err()
    );
}

#[tokio::test(start_paused = true)]
async fn silence_ends_the_link_within_its_limit() {
    let (attach, mut agent) = duplex(PIPE);
    let silent = tokio::spawn(async move {
        let hello = next_hello(&mut agent).await;
        acknowledge(&mut agent, hello).await;
        read_for_ever(agent).await;
    });
    let connection = open(attach).await;
    let since = Instant::now();
    assert_eq!(connection.broken().await, LinkError::Silent);
    assert!(
        since.elapsed() >= Duration::from_secs(10) && since.elapsed() <= Duration::from_secs(12)
    );
    let error = connection
        .opener()
        .request(&Request::Usage)
        .await
        .unwrap_err();
    assert_eq!(error, LinkError::Silent);
    silent.abort();
}

#[tokio::test(start_paused = true)]
async fn nobody_there_is_known_at_the_deadline() {
    let (attach, agent) = duplex(PIPE);
    let reading = tokio::spawn(read_for_ever(agent));
    let (stdout, stdin) = split(attach);
    let since = Instant::now();
    let error = Connection::open(stdout, stdin, LinkConfig::default())
        .await
        .unwrap_err();
    assert_eq!(error, LinkError::NoAnswer);
    assert_eq!(
        since.elapsed().as_secs(),
        LinkConfig::default().open_within.as_secs()
    );
    reading.abort();
}

#[tokio::test(start_paused = true)]
async fn an_agent_slower_than_the_first_pause_is_still_heard() {
    let (attach, mut agent) = duplex(PIPE);
    let slow = tokio::spawn(async move {
        loop {
            let hello = next_hello(&mut agent).await;
            tokio::time::sleep(Duration::from_millis(700)).await;
            acknowledge(&mut agent, hello).await;
        }
    });
    open(attach).await;
    slow.abort();
}

#[tokio::test(start_paused = true)]
async fn a_refused_client_comes_back_with_a_newer_epoch() {
    let (listener, mut attach) = agent();
    tokio::spawn(echo(listener));
    let far_ahead = u64::MAX / 2;
    write_frames(&mut attach, &[Frame::bare(Kind::Hello, far_ahead)]).await;
    let connection = open(attach).await;
    let (_, mut stream) = connection.opener().request(&Request::Usage).await.unwrap();
    assert_echoes(&mut stream, 1000).await;
}

#[tokio::test(start_paused = true)]
async fn the_end_of_stdin_does_not_end_the_agent() {
    let (attach, theirs) = duplex(PIPE);
    let (stdin, stdout) = split(theirs);
    let stdin = Reopened {
        ends: 20,
        inner: stdin,
    };
    tokio::spawn(echo(Listener::new(stdin, stdout, hello())));
    let connection = open(attach).await;
    assert_eq!(
        connection
            .opener()
            .request(&Request::Usage)
            .await
            .unwrap()
            .0,
        Reply::Done
    );
}

/// Ends a number of times before it gives anything.
struct Reopened<R> {
    ends: usize,
    inner: R,
}

impl<R: AsyncRead + Unpin> AsyncRead for Reopened<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if self.ends > 0 {
            self.ends -= 1;
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.inner).poll_read(context, into)
    }
}

#[tokio::test]
async fn the_end_of_the_attach_is_told_to_everybody() {
    let (listener, attach) = agent();
    let serving = tokio::spawn(echo(listener));
    let connection = open(attach).await;
    let (_, mut stream) = connection.opener().request(&Request::Usage).await.unwrap();
    serving.abort();
    assert!(matches!(
        connection.broken().await,
        LinkError::Ended | LinkError::Attach { .. }
    ));
    assert_eq!(
        stream.read_u8().await.unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
}

#[tokio::test]
async fn garbage_after_the_ack_breaks_the_link() {
    let (attach, mut agent) = duplex(PIPE);
    let forged = tokio::spawn(async move {
        let hello = next_hello(&mut agent).await;
        acknowledge(&mut agent, hello).await;
        agent
            .write_all(b"a process of the sandbox writes here")
            .await
            .unwrap();
        write_frames(&mut agent, &[Frame::bare(Kind::Pong, hello)]).await;
        read_for_ever(agent).await;
    });
    assert_eq!(open(attach).await.broken().await, LinkError::Broken);
    forged.abort();
}

#[tokio::test(start_paused = true)]
async fn a_lost_last_frame_is_noticed_by_the_heartbeat() {
    let (attach, mut agent) = duplex(PIPE);
    let lossy = tokio::spawn(async move {
        let hello = next_hello(&mut agent).await;
        acknowledge(&mut agent, hello).await;
        // One data frame was sent before this pong, it says; none came.
        write_frames(
            &mut agent,
            &[Frame {
                sequence: 1,
                ..Frame::bare(Kind::Pong, hello)
            }],
        )
        .await;
        read_for_ever(agent).await;
    });
    assert_eq!(open(attach).await.broken().await, LinkError::Broken);
    lossy.abort();
}

#[tokio::test]
async fn a_dropped_operation_is_no_end_of_file() {
    let (mut listener, attach) = agent();
    let dropping = tokio::spawn(async move {
        let (_, mut stream) = listener.accept().await;
        stream.write_reply(&Reply::Done).await.unwrap();
        stream.write_all(b"half of it").await.unwrap();
        drop(stream);
        listener.accept().await
    });
    let connection = open(attach).await;
    let (_, mut stream) = connection.opener().request(&Request::Usage).await.unwrap();
    let mut got = Vec::new();
    let error = stream.read_to_end(&mut got).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    dropping.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_megabytes_cross_in_both_directions_at_once() {
    let (listener, attach) = agent();
    tokio::spawn(echo(listener));
    let connection = open(attach).await;
    let (_, mut stream) = connection.opener().request(&Request::Usage).await.unwrap();
    let since = Instant::now();
    assert_echoes(&mut stream, 64 << 20).await;
    println!("{:.0} MB/s each way", 64.0 / since.elapsed().as_secs_f64());
}

/// Sends and reads back so many bytes at once.
async fn assert_echoes(stream: &mut Stream, length: usize) {
    let sent: Vec<u8> = (0..length as u64).map(|n| ((n * n) >> 7) as u8).collect();
    let mut back = vec![0; length];
    let (mut reader, mut writer) = split(stream);
    let (wrote, read) = tokio::join!(writer.write_all(&sent), reader.read_exact(&mut back));
    wrote.unwrap();
    read.unwrap();
    assert!(sent == back, "the bytes are not the same");
}

async fn next_hello(agent: &mut DuplexStream) -> u64 {
    let mut decoder = Decoder::new();
    loop {
        if let Some(frame) = decoder
            .next_frame()
            .filter(|frame| frame.kind == Kind::Hello)
        {
            return frame.epoch;
        }
        assert_ne!(agent.read_buf(decoder.space()).await.unwrap(), 0);
    }
}

async fn acknowledge(agent: &mut DuplexStream, epoch: u64) {
    let payload = serde_json::to_vec(&hello()).unwrap().into();
    write_frames(
        agent,
        &[Frame {
            payload,
            ..Frame::bare(Kind::Ack, epoch)
        }],
    )
    .await;
}

async fn write_frames(to: &mut DuplexStream, frames: &[Frame]) {
    let mut bytes = BytesMut::new();
    frames.iter().for_each(|frame| encode(frame, &mut bytes));
    to.write_all(&bytes).await.unwrap();
}

async fn read_for_ever(mut from: DuplexStream) {
    let mut sink = [0; 4096];
    while from.read(&mut sink).await.is_ok_and(|count| count > 0) {}
    std::future::pending().await
}

#[tokio::test]
async fn a_malformed_request_is_answered_with_a_failure() {
    let (listener, mut attach) = agent();
    tokio::spawn(echo(listener));
    let nonsense = b"\x00\x00\x00\x05never";
    // yamux: version 0, data, SYN, stream 1, length 9.
    let mut payload = vec![0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 9];
    payload.extend_from_slice(nonsense);
    let data = Frame {
        payload: payload.into(),
        ..Frame::bare(Kind::Data, 1)
    };
    write_frames(&mut attach, &[Frame::bare(Kind::Hello, 1), data]).await;
    let mut answer = String::new();
    let mut decoder = Decoder::new();
    while !answer.contains("failed") {
        assert_ne!(attach.read_buf(decoder.space()).await.unwrap(), 0);
        while let Some(frame) = decoder.next_frame() {
            answer.push_str(&String::from_utf8_lossy(&frame.payload));
        }
    }
    assert!(answer.contains(r#""kind":"request""#), "{answer}");
}
