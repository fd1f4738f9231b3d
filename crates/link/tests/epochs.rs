//! The link over an engine that misbehaves as the real one was measured to: what a dead client wrote arrives
//! late, in the middle of what the next one writes, and what nobody is attached for is lost.
//!
//! Whatever comes in between, a client that tries again ends up with a clean epoch, and no wrong byte is ever
//! delivered on the way.

#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};
use cellblock_link::frame::{Frame, Kind, PADDING, encode};
use cellblock_link::request::{AgentHello, PROTOCOL_VERSION, Reply, Request};
use cellblock_link::{Connection, LinkConfig, LinkError, Listener, Stream};
use proptest::collection::vec;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex, split};
use tokio::sync::mpsc;

const PIPE: usize = 64 << 10;

/// The client that is attached now, if any.
type Attached = Arc<Mutex<Option<mpsc::UnboundedSender<Bytes>>>>;

/// Bytes of a dead client, and after how many further bytes of the living ones they arrive.
type Late = (usize, Vec<u8>);

/// Keeps an agent's stdin and stdout, whoever is attached.
struct Engine {
    stdin: mpsc::UnboundedSender<Bytes>,
    attached: Attached,
}

impl Engine {
    /// Starts an agent that echoes, and mixes the late bytes into its stdin.
    fn start(late: Vec<Late>) -> Engine {
        let (ours, theirs) = duplex(PIPE);
        let (agent_stdin, agent_stdout) = split(theirs);
        let hello = AgentHello {
            protocol: PROTOCOL_VERSION,
            version: "test".to_owned(),
        };
        tokio::spawn(echo(Listener::new(agent_stdin, agent_stdout, hello)));
        let (stdin, chunks) = mpsc::unbounded_channel();
        let attached = Attached::default();
        let (stdout, to_agent) = split(ours);
        tokio::spawn(mix(chunks, late.into(), to_agent));
        tokio::spawn(give_out(stdout, attached.clone()));
        Engine { stdin, attached }
    }

    fn attach(&self) -> DuplexStream {
        let (client, engine) = duplex(PIPE);
        let (from_client, to_client) = split(engine);
        let (output, chunks) = mpsc::unbounded_channel();
        *self.attached.lock().unwrap() = Some(output);
        tokio::spawn(take_in(from_client, self.stdin.clone()));
        tokio::spawn(pass_on(chunks, to_client));
        client
    }
}

/// What a client wrote arrives, even after it has gone.
async fn take_in(mut client: ReadHalf<DuplexStream>, stdin: mpsc::UnboundedSender<Bytes>) {
    let mut chunk = vec![0; 32 << 10];
    while let Ok(count @ 1..) = client.read(&mut chunk).await {
        let _ = stdin.send(Bytes::copy_from_slice(&chunk[..count]));
    }
}

async fn mix(
    mut chunks: mpsc::UnboundedReceiver<Bytes>,
    mut late: VecDeque<Late>,
    mut agent: WriteHalf<DuplexStream>,
) {
    while let Some(mut chunk) = chunks.recv().await {
        while let Some((after, stale)) = late.front_mut() {
            if *after > chunk.len() {
                *after -= chunk.len();
                break;
            }
            agent.write_all(&chunk.split_to(*after)).await.unwrap();
            agent.write_all(stale).await.unwrap();
            late.pop_front();
        }
        agent.write_all(&chunk).await.unwrap();
    }
}

async fn give_out(mut agent: ReadHalf<DuplexStream>, attached: Attached) {
    let mut chunk = vec![0; 32 << 10];
    while let Ok(count @ 1..) = agent.read(&mut chunk).await {
        if let Some(client) = attached.lock().unwrap().as_ref() {
            let _ = client.send(Bytes::copy_from_slice(&chunk[..count]));
        }
    }
}

async fn pass_on(mut chunks: mpsc::UnboundedReceiver<Bytes>, mut client: WriteHalf<DuplexStream>) {
    while let Some(chunk) = chunks.recv().await {
        if client.write_all(&chunk).await.is_err() {
            return;
        }
    }
}

async fn echo(mut listener: Listener) {
    loop {
        let (_, stream) = listener.accept().await;
        tokio::spawn(echo_one(stream));
    }
}

async fn echo_one(mut stream: Stream) -> io::Result<()> {
    stream.write_reply(&Reply::Done).await?;
    let (mut reader, mut writer) = split(stream);
    tokio::io::copy(&mut reader, &mut writer).await?;
    writer.shutdown().await
}

async fn open(engine: &Engine) -> Result<Connection, LinkError> {
    let (stdout, stdin) = split(engine.attach());
    Ok(Connection::open(stdout, stdin, LinkConfig::default())
        .await?
        .0)
}

/// One try to attach and echo. Bytes that come back wrong are a failed test, not a failed try.
async fn try_echo(engine: &Engine, length: usize) -> io::Result<()> {
    let connection = open(engine).await.map_err(io::Error::other)?;
    let asked = connection.opener().request(&Request::Usage).await;
    let (mut reader, mut writer) = split(asked.map_err(io::Error::other)?.1);
    let sent: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
    let write = async {
        writer.write_all(&sent).await?;
        writer.shutdown().await
    };
    let read = async {
        let mut at = 0;
        let mut chunk = vec![0; 8 << 10];
        while at < length {
            let count = reader.read(&mut chunk).await?;
            assert!(
                chunk[..count] == sent[at..at + count],
                "wrong bytes at {at}"
            );
            if count == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            at += count;
        }
        Ok(())
    };
    tokio::try_join!(write, read).map(drop)
}

fn frame_bytes() -> impl Strategy<Value = Vec<u8>> {
    let kind = prop::sample::select(vec![Kind::Hello, Kind::Data, Kind::Ping, Kind::Reset]);
    // Of long ago, of a moment ago, or from a clock that ran ahead.
    let now = 1_800_000_000_000_000_u64;
    let epoch =
        prop_oneof![6 => 0..100_u64, 3 => now..now + 5, 1 => any::<u32>().prop_map(u64::from)];
    let payload = prop_oneof![vec(any::<u8>(), 0..60), vec(any::<u8>(), 9_000..16_000)];
    (kind, epoch, 0..4_u64, payload).prop_map(|(kind, epoch, sequence, payload)| {
        let mut bytes = BytesMut::new();
        let payload = if kind == Kind::Data {
            payload.into()
        } else {
            Bytes::new()
        };
        if kind == Kind::Hello {
            bytes.extend_from_slice(&PADDING);
        }
        encode(
            &Frame {
                kind,
                epoch,
                sequence,
                payload,
            },
            &mut bytes,
        );
        bytes.to_vec()
    })
}

/// What a dead client may leave: frames, the first and the last of them torn, or noise.
fn leftover() -> impl Strategy<Value = Vec<u8>> {
    let frames = (vec(frame_bytes(), 1..5), 0..40_000_usize, 0..40_000_usize);
    let torn = frames.prop_map(|(frames, from, to)| {
        let bytes = frames.concat();
        let (from, to) = (from % bytes.len(), to % bytes.len());
        bytes[from.min(to)..from.max(to)].to_vec()
    });
    prop_oneof![4 => torn, 2 => frame_bytes(), 1 => vec(any::<u8>(), 0..5000)]
}

fn late() -> impl Strategy<Value = Vec<Late>> {
    let after = prop_oneof![0..200_usize, 0..20_000_usize, 0..200_000_usize];
    vec((after, leftover()), 0..5)
}

fn paused<T>(future: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_leftovers_end_in_a_clean_epoch(late in late(), length in 1..150_000_usize) {
        let tries = late.len() + 1;
        paused(async {
            let engine = Engine::start(late);
            for _ in 0..tries {
                if try_echo(&engine, length).await.is_ok() {
                    return Ok(());
                }
            }
            Err(TestCaseError::fail("each leftover can spoil one try, no more"))
        })?;
    }

    #[test]
    fn clients_dropped_anywhere_do_not_disturb_the_next(
        lifetimes in vec((0..400_u64, 0..300_000_usize), 1..6),
    ) {
        paused(async {
            let engine = Engine::start(vec![]);
            for (polls, length) in lifetimes {
                tokio::select! {
                    biased;
                    () = yields(polls) => {}
                    done = try_echo(&engine, length) => done.unwrap(),
                }
            }
            try_echo(&engine, 100_000).await.unwrap();
        });
    }
}

async fn yields(count: u64) {
    for _ in 0..count {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_lost_its_place_is_told() {
    let engine = Engine::start(vec![]);
    let old = open(&engine).await.unwrap();
    let (_, mut stream) = old.opener().request(&Request::Usage).await.unwrap();
    let first = engine.attached.lock().unwrap().take();
    let new = open(&engine).await.unwrap();
    // Both hear the agent now; the old one's heartbeat is answered with Reset.
    *engine.attached.lock().unwrap() = first;
    assert_eq!(old.broken().await, LinkError::Broken);
    assert_eq!(
        stream.read_u8().await.unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    drop(new);
}

#[tokio::test]
async fn the_agents_streams_of_a_dropped_client_fail_once_another_comes() {
    let (ours, theirs) = duplex(PIPE);
    let (stdin, stdout) = split(theirs);
    let hello = AgentHello {
        protocol: PROTOCOL_VERSION,
        version: "test".to_owned(),
    };
    let mut listener = Listener::new(stdin, stdout, hello);
    let engine = attach_only(ours);
    let first = open(&engine).await.unwrap();
    let _waiting = first.opener().begin(&Request::Usage).await.unwrap();
    let (_, mut stream) = listener.accept().await;
    drop(first);
    let second = open(&engine).await.unwrap();
    assert_eq!(
        stream.read_u8().await.unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    let wrote = stream.write_all(&[1; 1 << 20]).await;
    assert_eq!(wrote.unwrap_err().kind(), ErrorKind::ConnectionReset);
    drop(second);
}

fn attach_only(agent: DuplexStream) -> Engine {
    let (stdin, chunks) = mpsc::unbounded_channel();
    let attached = Attached::default();
    let (stdout, to_agent) = split(agent);
    tokio::spawn(mix(chunks, VecDeque::new(), to_agent));
    tokio::spawn(give_out(stdout, attached.clone()));
    Engine { stdin, attached }
}

#[tokio::test]
async fn leftovers_of_a_real_client_in_mid_transfer_are_harmless() {
    let engine = Engine::start(vec![]);
    for length in [1 << 20, 3 << 20, 8 << 20] {
        let old = open(&engine).await.unwrap();
        let (_, stream) = old.opener().request(&Request::Usage).await.unwrap();
        let (mut reader, mut writer) = split(stream);
        let (half, whole) = (length / 2, vec![9; length]);
        tokio::select! {
            _ = writer.write_all(&whole) => {}
            read = async { reader.read_exact(&mut vec![0; half]).await } => drop(read.unwrap()),
        }
        drop((reader, writer, old));
        try_echo(&engine, 2 << 20).await.unwrap();
    }
}
