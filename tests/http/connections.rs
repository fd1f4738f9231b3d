//! Connections: slow ones, broken ones, and the last ones.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use cellblock::config;
use cellblock::http;
use futures::{StreamExt, stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::bench::Bench;

/// Longer than anything here takes.
pub const LONG: Duration = Duration::from_secs(20);

/// A server on a port of its own.
pub struct Running {
    pub address: SocketAddr,
    pub stop: CancellationToken,
    pub task: JoinHandle<()>,
}

/// Serves on a port of its own.
pub async fn serve(router: Router, settings: config::Server) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let stopped = stop.clone().cancelled_owned();
    let task = tokio::spawn(async move {
        http::serve(listener, router, &settings, stopped).await;
    });
    Running {
        address,
        stop,
        task,
    }
}

async fn connect(running: &Running, sent: &str) -> TcpStream {
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(sent.as_bytes()).await.unwrap();
    stream
}

async fn answer(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let read = timeout(LONG, stream.read_to_end(&mut answer)).await;
    read.expect("the connection is closed").unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn settings(request_timeout: Duration, shutdown_grace: Duration) -> config::Server {
    config::Server {
        request_timeout,
        shutdown_grace,
        ..config::Server::default()
    }
}

fn post(length: usize, body: &str) -> String {
    format!(
        "POST /jupyter/execute HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

#[tokio::test]
async fn code_runs_over_a_connection() {
    let bench = Bench::new().await;
    let running = serve(bench.router.clone(), bench.settings.server.clone()).await;
    let body = r#"{"code": "print hello"}"#;
    let answer = answer(connect(&running, &post(body.len(), body)).await).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains(r#""output":"hello""#), "{answer}");
}

#[tokio::test]
async fn a_slow_body_is_answered_with_408() {
    let request_timeout = Duration::from_millis(200);
    let bench = Bench::with(|settings| settings.server.request_timeout = request_timeout).await;
    let running = serve(bench.router.clone(), bench.settings.server.clone()).await;
    let answer = answer(connect(&running, &post(100, "{")).await).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    let settings = settings(Duration::from_millis(200), LONG);
    let running = serve(Router::new(), settings).await;
    let half_a_head = connect(&running, "GET / HTTP/1.1\r\nHost:").await;
    let nothing = connect(&running, "").await;
    answer(half_a_head).await;
    answer(nothing).await;
}

#[tokio::test]
async fn a_head_is_bounded() {
    let running = serve(Router::new(), settings(LONG, LONG)).await;
    let head =
        |rest: String| format!("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{rest}");
    let long = |size: usize| {
        let begin = head("X-Long: ".to_owned());
        let rest = "a".repeat(size - begin.len());
        begin + &rest
    };
    for (sent, status) in [
        (long(60 << 10) + "\r\n\r\n", 404),
        (long(64 << 10), 431),
        (head("A: b\r\n".repeat(200)) + "\r\n", 431),
    ] {
        let answer = answer(connect(&running, &sent).await).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_client_that_goes_away_cancels_its_execution() {
    let bench = Bench::with(|settings| settings.pool.size = 0).await;
    let running = serve(bench.router.clone(), bench.settings.server.clone()).await;
    let body = r#"{"code": "loop", "timeout": 100}"#;
    let stream = connect(&running, &post(body.len(), body)).await;
    until(|| bench.executions() == 1).await;
    drop(stream);
    until(|| bench.engine.counts().alive == 0).await;
}

#[tokio::test]
async fn a_running_request_is_finished_before_the_end() {
    let (router, gate) = gated();
    let running = serve(router, settings(LONG, LONG)).await;
    let stream = connect(&running, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    gate.entered.cancelled().await;
    running.stop.cancel();
    gate.open.cancel();
    assert!(answer(stream).await.ends_with("through"));
    timeout(LONG, running.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_request_that_does_not_end_is_dropped_after_the_grace() {
    let (router, gate) = gated();
    let running = serve(router, settings(LONG, Duration::from_millis(50))).await;
    let stream = connect(&running, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    gate.entered.cancelled().await;
    running.stop.cancel();
    timeout(LONG, running.task).await.unwrap().unwrap();
    assert_eq!(answer(stream).await, "");
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answer_is_dropped() {
    let entered = CancellationToken::new();
    let inside = entered.clone();
    let endless = async move || {
        inside.cancel();
        let chunk = |_| Ok::<_, std::io::Error>(vec![0; 1 << 20]);
        Body::from_stream(stream::iter(0..).map(chunk))
    };
    let router = Router::new().route("/", get(endless));
    let running = serve(router, settings(Duration::from_millis(200), LONG * 2)).await;
    let _unread = connect(&running, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    entered.cancelled().await;
    running.stop.cancel();
    timeout(LONG, running.task).await.unwrap().unwrap();
}

/// A route that lets nobody through before the gate is opened.
#[derive(Clone)]
struct Gate {
    entered: CancellationToken,
    open: CancellationToken,
}

fn gated() -> (Router, Gate) {
    let gate = Gate {
        entered: CancellationToken::new(),
        open: CancellationToken::new(),
    };
    let inside = gate.clone();
    let handler = async move || {
        inside.entered.cancel();
        inside.open.cancelled().await;
        "through"
    };
    (Router::new().route("/", get(handler)), gate)
}

async fn until(holds: impl Fn() -> bool) {
    let poll = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, poll).await.expect("it comes to hold");
}
