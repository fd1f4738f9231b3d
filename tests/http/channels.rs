//! A kernel's WebSocket: both framings, several clients, those that come back, and those that mean no good.

use std::future::ready;
use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use bytes::Bytes;
use bytesize::ByteSize;
use cellblock::jupyter::framing::V1_SUBPROTOCOL;
use cellblock::jupyter::{ChannelName, Framing, Incoming, Outgoing};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::api::start;
use crate::bench::{Bench, request};
use crate::connections::{LONG, Running, serve};
use crate::contents::{get, put, text};
use crate::memory::held;

const BOTH: [Framing; 2] = [Framing::V1, Framing::Legacy];

/// A service, its server, and a kernel.
struct World {
    bench: Bench,
    running: Running,
    kernel: String,
}

impl World {
    async fn new() -> World {
        World::of(Bench::new().await).await
    }

    async fn of(bench: Bench) -> World {
        let running = serve(bench.router.clone(), bench.settings.server.clone()).await;
        let model = start(&bench, json!({})).await;
        World {
            kernel: model["id"].as_str().unwrap().to_owned(),
            bench,
            running,
        }
    }

    async fn open(&self, framing: Framing) -> Client {
        self.open_as(framing, "").await
    }

    /// With this query.
    async fn open_as(&self, framing: Framing, query: &str) -> Client {
        let path = format!("/api/kernels/{}/channels?{query}", self.kernel);
        connect(self.running.address, &path, framing).await.unwrap()
    }

    async fn model(&self) -> Value {
        let path = format!("/api/kernels/{}", self.kernel);
        self.bench.get(&path).await.json()
    }

    async fn post(&self, action: &str) {
        let path = format!("/api/kernels/{}/{action}", self.kernel);
        let answer = self
            .bench
            .send(request(Method::POST, &path, Body::empty()))
            .await;
        assert!(answer.status.is_success(), "{action}: {:?}", answer.bytes);
    }

    /// Waits until what requests hold is so many bytes.
    async fn until_held(&self, good: impl Fn(u64) -> bool) {
        let poll = async {
            while !good(held(&self.bench).await.parse().unwrap()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(LONG, poll).await.expect("it comes to hold");
    }

    /// Waits until the kernel's model says so.
    async fn until(&self, field: &str, value: Value) {
        let poll = async {
            while self.model().await[field] != value {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(LONG, poll).await.expect("it comes to hold");
    }
}

pub async fn connect(address: SocketAddr, path: &str, framing: Framing) -> Result<Client, Error> {
    let mut request = format!("ws://{address}{path}").into_client_request()?;
    if framing == Framing::V1 {
        let offer = format!("other.example, {V1_SUBPROTOCOL}").parse().unwrap();
        request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, offer);
    }
    let stream = TcpStream::connect(address).await.unwrap();
    let config = WebSocketConfig::default()
        .max_message_size(None)
        .max_frame_size(None);
    let (socket, response) = client_async_with_config(request, stream, Some(config)).await?;
    let chosen = response.headers().get(SEC_WEBSOCKET_PROTOCOL);
    let chosen = chosen.map(|name| name.to_str().unwrap());
    assert_eq!(chosen, framing.subprotocol());
    Ok(Client { socket, framing })
}

/// The status of a handshake that is refused.
async fn refused(address: SocketAddr, path: &str) -> u16 {
    match connect(address, path, Framing::Legacy).await {
        Err(Error::Http(response)) => response.status().as_u16(),
        other => panic!("{:?}", other.err()),
    }
}

pub struct Client {
    socket: WebSocketStream<TcpStream>,
    framing: Framing,
}

/// A message of the kernel.
#[derive(Debug)]
struct Heard {
    channel: ChannelName,
    header: Value,
    parent: Value,
    content: Value,
}

impl Heard {
    fn is(&self, kind: &str) -> bool {
        self.header["msg_type"] == kind
    }
}

impl Client {
    async fn say(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }

    async fn send(&mut self, channel: ChannelName, header: &Value, content: &Value) {
        let parts = [
            header.to_string(),
            "{}".into(),
            "{}".into(),
            content.to_string(),
        ];
        let framed = self
            .framing
            .encode(channel, &parts.map(Bytes::from))
            .unwrap();
        self.say(match framed {
            Outgoing::Text(text) => Message::text(text),
            Outgoing::Binary(bytes) => Message::binary(bytes),
        })
        .await;
    }

    async fn execute(&mut self, msg_id: &str, code: &str) {
        let header = json!({"msg_id": msg_id, "msg_type": "execute_request"});
        self.send(ChannelName::Shell, &header, &json!({"code": code}))
            .await;
    }

    /// The next message of the kernel; or the code of the close.
    async fn next(&mut self) -> Result<Heard, u16> {
        loop {
            let next = timeout(LONG, self.socket.next()).await.expect("in time");
            let incoming = match next {
                Some(Ok(Message::Text(text))) => Incoming::Text(text.into()),
                Some(Ok(Message::Binary(bytes))) => Incoming::Binary(bytes),
                Some(Ok(Message::Close(frame))) => {
                    return Err(frame.map_or(1005, |it| it.code.into()));
                }
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => return Err(1006),
            };
            let framed = self.framing.decode(incoming).unwrap();
            let part = |index: usize| serde_json::from_slice(&framed.parts[index]).unwrap();
            return Ok(Heard {
                channel: framed.channel,
                header: part(0),
                parent: part(1),
                content: part(3),
            });
        }
    }

    /// Reads until the reply to a request; what was printed for it.
    async fn finish(&mut self, msg_id: &str) -> String {
        let mut printed = String::new();
        let (mut replied, mut idle) = (false, false);
        while !(replied && idle) {
            let heard = self.next().await.unwrap();
            if heard.parent["msg_id"] != msg_id {
                continue;
            }
            if heard.is("stream") {
                printed += heard.content["text"].as_str().unwrap();
            }
            replied |= heard.channel == ChannelName::Shell;
            idle |= heard.content["execution_state"] == "idle";
        }
        printed
    }

    async fn run(&mut self, msg_id: &str, code: &str) -> String {
        self.execute(msg_id, code).await;
        self.finish(msg_id).await
    }

    /// The code with which it is closed.
    pub async fn closed(&mut self) -> u16 {
        loop {
            if let Err(code) = self.next().await {
                return code;
            }
        }
    }
}

#[tokio::test]
async fn what_is_sent_at_once_is_answered_in_the_framing_that_was_offered() {
    let world = World::new().await;
    for framing in BOTH {
        let mut client = world.open(framing).await;
        assert_eq!(client.run("a", "print hello").await, "hello\n");
    }
}

#[tokio::test]
async fn replies_go_to_who_asked_and_outputs_to_all() {
    let world = World::new().await;
    let mut asker = world.open(Framing::V1).await;
    let mut other = world.open(Framing::Legacy).await;
    other.run("mine", "print mine").await;
    asker.run("asked", "print for all").await;
    other.execute("last", "print last").await;
    let mut heard = Vec::new();
    loop {
        let message = other.next().await.unwrap();
        if message.parent["msg_id"] == "last" && message.channel == ChannelName::Shell {
            break;
        }
        heard.push(message);
    }
    let of_asker = || heard.iter().filter(|it| it.parent["msg_id"] == "asked");
    assert!(of_asker().any(|it| it.is("stream")));
    assert!(of_asker().all(|it| it.channel == ChannelName::Iopub));
}

#[tokio::test]
async fn a_question_is_answered_on_stdin() {
    let world = World::new().await;
    let mut client = world.open(Framing::V1).await;
    client.execute("a", "input Name?").await;
    while client.next().await.unwrap().channel != ChannelName::Stdin {}
    let header = json!({"msg_id": "b", "msg_type": "input_reply"});
    client
        .send(ChannelName::Stdin, &header, &json!({"value": "Ada"}))
        .await;
    assert_eq!(client.finish("a").await, "Ada\n");
}

#[tokio::test]
async fn who_comes_back_gets_what_it_missed_and_nothing_twice() {
    let world = World::new().await;
    let mut client = world.open_as(Framing::V1, "session_id=me").await;
    client.execute("a", "print one\ninput ?\nprint two").await;
    while client.next().await.unwrap().channel != ChannelName::Stdin {}
    client.socket.close(None).await.unwrap();
    world.until("connections", json!(0)).await;
    let mut again = world.open_as(Framing::Legacy, "session_id=me").await;
    let header = json!({"msg_id": "b", "msg_type": "input_reply"});
    again
        .send(ChannelName::Stdin, &header, &json!({"value": "x"}))
        .await;
    assert_eq!(again.finish("a").await, "x\ntwo\n");
}

#[tokio::test]
async fn the_same_client_on_another_connection_takes_over() {
    let world = World::new().await;
    let mut first = world.open_as(Framing::V1, "session_id=me").await;
    first.run("a", "print one").await;
    let mut second = world.open_as(Framing::V1, "session_id=me").await;
    assert_eq!(first.closed().await, 1000);
    assert_eq!(second.run("b", "print two").await, "two\n");
}

#[tokio::test]
async fn the_end_of_the_kernel_closes_its_connections() {
    let world = World::new().await;
    let mut client = world.open(Framing::V1).await;
    client.run("a", "print one").await;
    let path = format!("/api/kernels/{}", world.kernel);
    world
        .bench
        .send(request(Method::DELETE, &path, Body::empty()))
        .await;
    assert_eq!(client.closed().await, 1001);
}

#[tokio::test]
async fn nobody_connects_without_a_key_or_to_a_kernel_of_others() {
    let world = World::of(Bench::new().await).await;
    let address = world.running.address;
    assert_eq!(refused(address, "/api/kernels/no-id/channels").await, 404);
    let nobody = cellblock::service::session::SessionId::random();
    assert_eq!(
        refused(address, &format!("/api/kernels/{nobody}/channels")).await,
        404
    );
    let long = format!(
        "/api/kernels/{}/channels?session_id={}",
        world.kernel,
        "x".repeat(300)
    );
    assert_eq!(refused(address, &long).await, 422);

    let bench = Bench::with_keys().await;
    let running = serve(bench.router.clone(), bench.settings.server.clone()).await;
    let post = request(Method::POST, "/api/kernels?token=ada-key", Body::empty());
    let model: Value = serde_json::from_slice(&bench.send(post).await.bytes).unwrap();
    let path = format!("/api/kernels/{}/channels", model["id"].as_str().unwrap());
    for (query, status) in [("", 401), ("?token=wrong", 401), ("?token=grace-key", 404)] {
        assert_eq!(
            refused(running.address, &format!("{path}{query}")).await,
            status
        );
    }
    let mut client = connect(
        running.address,
        &format!("{path}?token=ada-key"),
        Framing::V1,
    )
    .await
    .unwrap();
    assert_eq!(client.run("a", "print hello").await, "hello\n");
}

#[tokio::test]
async fn a_message_that_is_none_closes_its_own_connection_and_no_other() {
    let world = World::new().await;
    let mut neighbour = world.open(Framing::V1).await;
    neighbour.run("a", "print before").await;
    let offsets = |numbers: &[u64], rest: &[u8]| {
        let numbers = numbers.iter().flat_map(|number| number.to_le_bytes());
        Message::binary(numbers.chain(rest.iter().copied()).collect::<Vec<u8>>())
    };
    let unknown =
        r#"{"header": {}, "parent_header": {}, "metadata": {}, "content": {}, "channel": "hb"}"#;
    for (framing, message, code) in [
        (Framing::V1, Message::text("{}"), 1003),
        (Framing::V1, Message::binary(Vec::new()), 1002),
        (Framing::V1, offsets(&[u64::MAX, 8], b""), 1002),
        (
            Framing::V1,
            offsets(&[6, 56, 61, 60, 61, 61, 61], b"shell"),
            1002,
        ),
        (
            Framing::V1,
            offsets(&[6, 56, 61, 61, 61, 61, 99], b"shell"),
            1002,
        ),
        (
            Framing::V1,
            offsets(&[6, 56, 58, 58, 58, 58, 58], b"hb"),
            1007,
        ),
        (Framing::Legacy, Message::text(unknown), 1007),
        (Framing::Legacy, Message::text("nonsense"), 1007),
        (Framing::Legacy, Message::text("[]"), 1007),
        (Framing::Legacy, Message::binary(vec![0xff; 64]), 1002),
    ] {
        let mut client = world.open(framing).await;
        client.say(message.clone()).await;
        assert_eq!(client.closed().await, code, "{message:?}");
    }
    assert_eq!(neighbour.run("b", "print after").await, "after\n");
    world.until("connections", json!(1)).await;
}

#[tokio::test]
async fn a_message_of_100_mib_is_refused_before_it_is_read() {
    let world = World::new().await;
    let client = world.open(Framing::V1).await;
    let (mut sink, mut stream) = client.socket.split();
    // The server need not read it all, so it may not be sent to its end.
    let sending = tokio::spawn(async move { sink.send(Message::binary(vec![0; 100 << 20])).await });
    let close = timeout(LONG, stream.next())
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    let Message::Close(Some(frame)) = close else {
        panic!("{close:?}");
    };
    assert_eq!(u16::from(frame.code), 1009);
    drop(stream);
    let _ = sending.await.unwrap();
    assert_eq!(
        world.open(Framing::V1).await.run("a", "print on").await,
        "on\n"
    );
}

/// A client's frame of text, its mask zero.
fn text_frame(text: &str) -> Vec<u8> {
    let length = text.len() as u64;
    let head = [&b"\x81\xff"[..], &length.to_be_bytes(), &[0; 4]];
    [&head.concat(), text.as_bytes()].concat()
}

#[tokio::test]
async fn what_clients_send_takes_of_the_memory_until_the_kernel_has_it() {
    let bench = Bench::with(|settings| settings.server.body_memory = ByteSize::mib(2)).await;
    let world = World::of(bench).await;
    let [mut first, mut second] = [
        world.open(Framing::Legacy).await,
        world.open(Framing::Legacy).await,
    ];
    let message = json!({
        "channel": "shell",
        "header": {"msg_id": "a", "msg_type": "execute_request"},
        "parent_header": {},
        "metadata": {},
        "content": {"code": format!("print {}", "a".repeat(700_000))},
    });
    let frame = text_frame(&message.to_string());
    let (begin, rest) = frame.split_at(600_000);
    first.socket.get_mut().write_all(begin).await.unwrap();
    world.until_held(|held| held > 500_000).await;
    // An owner has half of it.
    second
        .socket
        .get_mut()
        .write_all(&frame[..450_000])
        .await
        .unwrap();
    assert_eq!(second.closed().await, 1013);
    drop(second);
    world.until_held(|held| held <= 600_000).await;
    first.socket.get_mut().write_all(rest).await.unwrap();
    assert_eq!(first.finish("a").await.len(), 700_001);
    world.until_held(|held| held == 0).await;
}

#[tokio::test]
async fn what_waits_for_a_kernel_takes_memory_too() {
    let bench = Bench::with(|settings| settings.server.body_memory = ByteSize::mib(2)).await;
    let world = World::of(bench).await;
    let mut client = world.open(Framing::V1).await;
    client.execute("a", "loop").await;
    let long = format!("print {}", "a".repeat(200_000));
    // Each is taken from the connection, though the kernel takes none.
    for id in ["b", "c", "d", "e"] {
        client.execute(id, &long).await;
    }
    world.until_held(|held| held > 800_000).await;
    client.execute("f", &long).await;
    client.execute("g", &long).await;
    assert_eq!(client.closed().await, 1013);
    world.post("interrupt").await;
    world.until_held(|held| held == 0).await;
}

#[tokio::test]
async fn pings_take_no_memory() {
    let world = World::new().await;
    let mut client = world.open(Framing::V1).await;
    for _ in 0..100 {
        client
            .say(Message::Ping(Bytes::from_static(&[0; 100])))
            .await;
    }
    let pongs = client
        .socket
        .filter(|it| ready(it.as_ref().unwrap().is_pong()));
    assert_eq!(timeout(LONG, pongs.take(100).count()).await.unwrap(), 100);
    world.until_held(|held| held == 0).await;
}

#[tokio::test]
async fn what_breaks_the_websocket_s_own_rules_closes_it() {
    let world = World::new().await;
    for (frame, code) in [
        // Not masked, a reserved bit, an unknown type, text that is not UTF-8.
        (&b"\x81\x02{}"[..], 1002),
        (b"\xc1\x82\0\0\0\0{}", 1002),
        (b"\x83\x82\0\0\0\0{}", 1002),
        (b"\x81\x82\0\0\0\0\xff\xff", 1007),
    ] {
        let mut client = world.open(Framing::Legacy).await;
        client.socket.get_mut().write_all(frame).await.unwrap();
        assert_eq!(client.closed().await, code, "{frame:?}");
    }
    world.until("connections", json!(0)).await;
}

#[tokio::test]
async fn a_client_cannot_speak_for_the_kernel() {
    let world = World::new().await;
    let mut forger = world.open(Framing::V1).await;
    let header = json!({"msg_id": "forged", "msg_type": "execute_request"});
    forger
        .send(
            ChannelName::Iopub,
            &header,
            &json!({"code": "print forged"}),
        )
        .await;
    assert_eq!(forger.run("a", "print true").await, "true\n");
    assert_eq!(world.bench.executions(), 1);
}

#[tokio::test]
async fn a_client_that_never_reads_is_cut_and_the_others_hear_on() {
    let bench = Bench::with(|settings| {
        settings.server.request_timeout = Duration::from_millis(300);
    });
    let world = World::of(bench.await).await;
    let mut reader = world.open(Framing::V1).await;
    let _deaf = world.open(Framing::V1).await;
    world.until("connections", json!(2)).await;
    reader.execute("a", "flood").await;
    let reading = async {
        loop {
            reader.next().await.unwrap();
        }
    };
    tokio::select! {
        () = reading => {}
        () = world.until("connections", json!(1)) => {}
    }
    world.post("interrupt").await;
    reader.finish("a").await;
    assert_eq!(reader.run("b", "print on").await, "on\n");
}

#[tokio::test]
async fn a_client_that_answers_no_ping_is_closed() {
    let world = World::new().await;
    let mut client = world.open(Framing::V1).await;
    client.run("a", "print hello").await;
    tokio::time::pause();
    // Read as bytes, so that nobody answers.
    let mut bytes = Vec::new();
    let read = client.socket.get_mut().read_to_end(&mut bytes);
    timeout(LONG * 10, read)
        .await
        .expect("it is closed")
        .unwrap();
    let pings = bytes.windows(2).filter(|it| *it == b"\x89\0").count();
    assert!((2..=3).contains(&pings), "{bytes:?}");
    let close = bytes
        .windows(4)
        .any(|it| it[0] == 0x88 && it[2..] == 1008_u16.to_be_bytes());
    assert!(close, "{bytes:?}");
}

#[tokio::test]
async fn lost_output_is_told() {
    let world = World::new().await;
    for framing in BOTH {
        let mut client = world.open(framing).await;
        let printed = client.run("a", "print one\ngap\nprint two").await;
        assert_eq!(printed, "one\n[cellblock: output was lost here]\ntwo\n");
    }
}

#[tokio::test]
async fn what_is_sent_to_a_dead_kernel_is_dropped_and_a_restart_goes_on() {
    let world = World::new().await;
    let mut client = world.open(Framing::V1).await;
    for number in 0..6 {
        client.execute(&number.to_string(), "exit").await;
        let states = ["restarting", "dead"];
        loop {
            let heard = client.next().await.unwrap();
            if states
                .iter()
                .any(|state| heard.content["execution_state"] == *state)
            {
                break;
            }
        }
        let settled = if number == 5 { "dead" } else { "idle" };
        world.until("execution_state", json!(settled)).await;
    }
    client.execute("lost", "print lost").await;
    world.post("restart").await;
    assert_eq!(client.run("a", "print again").await, "again\n");
}

#[tokio::test]
async fn a_restart_that_was_asked_for_is_no_news_of_a_kernel_that_died() {
    let world = World::new().await;
    let mut client = world.open(Framing::V1).await;
    client.run("a", "print one").await;
    world.post("restart").await;
    client.execute("b", "print two").await;
    loop {
        let heard = client.next().await.unwrap();
        assert_ne!(heard.content["execution_state"], "restarting");
        if heard.parent["msg_id"] == "b" && heard.channel == ChannelName::Shell {
            break;
        }
    }
}

#[tokio::test]
async fn a_kernel_that_is_shut_down_closes_its_channels_though_files_stay() {
    let world = World::new().await;
    let saved = put(&world.bench, "a", text("1")).await;
    saved.json_of(StatusCode::CREATED);
    let mut client = world.open(Framing::V1).await;
    client.run("a", "print hello").await;
    let path = format!("/api/kernels/{}", world.kernel);
    let down = request(Method::DELETE, &path, Body::empty());
    world.bench.send(down).await;
    assert_eq!(client.closed().await, 1001);
    let channels = format!("{path}/channels");
    assert_eq!(refused(world.running.address, &channels).await, 404);
    assert_eq!(get(&world.bench, "a").await["content"], "1");
}

#[tokio::test]
async fn a_server_that_stops_closes_its_websockets_first() {
    let world = World::new().await;
    let mut client = world.open(Framing::V1).await;
    client.run("a", "print hello").await;
    world.running.stop.cancel();
    assert_eq!(client.closed().await, 1001);
    timeout(LONG, world.running.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn without_a_grace_no_websocket_holds_up_the_end() {
    let bench = Bench::with(|settings| settings.server.shutdown_grace = Duration::ZERO).await;
    let world = World::of(bench).await;
    let mut client = world.open(Framing::V1).await;
    client.run("a", "print hello").await;
    world.running.stop.cancel();
    timeout(LONG, world.running.task).await.unwrap().unwrap();
}
