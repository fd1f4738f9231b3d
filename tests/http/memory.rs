//! What requests hold in memory is bounded, all together and for each owner, and given back.

use std::io;

use axum::body::{Body, Bytes};
use axum::http::header::RETRY_AFTER;
use axum::http::{Method, StatusCode};
use bytesize::ByteSize;
use futures::channel::mpsc::{UnboundedSender, unbounded};
use http_body_util::BodyExt;
use serde_json::json;
use tokio::task::JoinHandle;
use tower::ServiceExt;

use crate::bench::{Answer, Bench, execute, keyed, request};
use crate::contents::{at, put, text};

/// With so much of it, and two owners.
async fn bench(memory: ByteSize) -> Bench {
    Bench::with(|settings| {
        settings.server.body_memory = memory;
        for name in ["ada", "grace"] {
            settings.keys.insert(name.to_owned(), format!("{name}-key"));
        }
    })
    .await
}

/// A request whose body comes as far as is told.
struct Slow {
    body: UnboundedSender<io::Result<Bytes>>,
    answer: JoinHandle<Answer>,
}

impl Slow {
    fn begin(bench: &Bench, key: &str) -> Slow {
        let (body, chunks) = unbounded();
        let (router, request) = (
            bench.router.clone(),
            keyed(execute(Body::from_stream(chunks)), key),
        );
        let answer =
            tokio::spawn(async move { Answer::of(router.oneshot(request).await.unwrap()).await });
        Slow { body, answer }
    }

    /// Sends the beginning of code, of so many bytes, which the service has read then.
    async fn send(&self, bytes: usize) {
        let code = format!("{{\"code\": \"print {}", "a".repeat(bytes - 16));
        self.body.unbounded_send(Ok(code.into())).unwrap();
        // The router's tasks run on this thread, while it waits.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    async fn end(self) -> Answer {
        let _ = self.body.unbounded_send(Ok("\"}".into()));
        drop(self.body);
        self.answer.await.unwrap()
    }
}

#[tokio::test]
async fn whoever_sends_too_much_at_once_is_refused_and_harms_nobody() {
    let bench = bench(ByteSize::kb(20)).await;
    let (first, second) = (
        Slow::begin(&bench, "ada-key"),
        Slow::begin(&bench, "ada-key"),
    );
    first.send(6_000).await;
    second.send(6_000).await;
    let refused = second.answer.await.unwrap();
    let problem = refused.problem(StatusCode::TOO_MANY_REQUESTS);
    assert!(problem["detail"].as_str().unwrap().contains("memory"));
    assert_eq!(refused.header(RETRY_AFTER.as_str()), "1");

    let other = Slow::begin(&bench, "grace-key");
    other.send(6_000).await;
    assert_eq!(other.end().await.status, StatusCode::OK);
    assert_eq!(first.end().await.status, StatusCode::OK);

    let again = Slow::begin(&bench, "ada-key");
    again.send(9_000).await;
    assert_eq!(again.end().await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_can_never_be_held_says_so() {
    let bench = bench(ByteSize::kb(20)).await;
    let code = format!("print {}", "a".repeat(11_000));
    let request = keyed(execute(json!({ "code": code }).to_string()), "ada-key");
    let problem = bench.send(request).await;
    let problem = problem.problem(StatusCode::PAYLOAD_TOO_LARGE);
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("/jupyter/files")
    );
}

#[tokio::test]
async fn a_file_is_held_until_its_reader_has_it() {
    let bench = Bench::with(|settings| settings.server.body_memory = ByteSize::kb(80)).await;
    let saved = put(&bench, "a.txt", text(&"a".repeat(8_000))).await;
    assert_eq!(saved.status, StatusCode::CREATED);
    let read = || async {
        let request = request(Method::GET, &at("a.txt"), Body::empty());
        bench.router.clone().oneshot(request).await.unwrap()
    };
    let unread = read().await;
    assert_eq!(unread.status(), StatusCode::OK);
    assert_eq!(read().await.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_ne!(held(&bench).await, "0");
    let body = unread.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(read().await.status(), StatusCode::TOO_MANY_REQUESTS);
    drop(body);
    for _ in 0..5 {
        assert_eq!(read().await.status(), StatusCode::OK);
    }
    assert_eq!(held(&bench).await, "0");
}

/// What the metrics say.
pub async fn held(bench: &Bench) -> String {
    let text = bench.get("/metrics").await;
    let text = std::str::from_utf8(&text.bytes).unwrap();
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix("cellblock_body_memory_bytes "));
    value.unwrap().to_owned()
}
