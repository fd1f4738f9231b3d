//! What the log says of a request: whose it is and where it ran; and of those that come all the time nothing.

use std::io::{self, Write};
use std::sync::{Arc, LazyLock, Mutex};

use axum::body::Body;
use axum::http::Method;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use serde_json::{Value, json};
use tracing::Dispatch;
use tracing::subscriber::{DefaultGuard, NoSubscriber};

use crate::bench::{Bench, execute, keyed, request, with};

/// Whether a line is of interest is found out once, on the thread that meets it first: while there is one log only, a thread
/// without it would switch the line off for all. With two of them, all are asked.
static SECOND: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::new()));

/// The log of this thread, from `info` on, while it lives.
struct Log {
    written: Written,
    _guard: DefaultGuard,
}

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn begin() -> Log {
        LazyLock::force(&SECOND);
        let written = Written::default();
        let writer = written.clone();
        let lines = tracing_subscriber::fmt()
            .json()
            .with_max_level(tracing::Level::INFO)
            .with_writer(move || writer.clone());
        Log {
            _guard: tracing::subscriber::set_default(lines.finish()),
            written,
        }
    }

    fn lines(&self) -> Vec<Value> {
        let text = self.written.0.lock().unwrap().clone();
        let lines = text.split(|byte| *byte == b'\n');
        let lines = lines.filter(|line| !line.is_empty());
        lines
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect()
    }

    /// The one line with this message.
    #[track_caller]
    fn line(&self, message: &str) -> Value {
        let lines = self.lines();
        let is_it = |line: &&Value| line["fields"]["message"] == message;
        let found: Vec<_> = lines.iter().filter(is_it).collect();
        assert_eq!(found.len(), 1, "{lines:#?}");
        found[0].clone()
    }
}

/// The request that a line belongs to.
#[track_caller]
fn names_all(line: &Value, request_id: &str) {
    let span = &line["span"];
    assert_eq!(span["request_id"], request_id, "{line:#}");
    assert_eq!(span["owner"], "ada", "{line:#}");
    assert!(span["sandbox"].is_string(), "{line:#}");
}

#[tokio::test]
async fn the_lines_of_a_request_say_whose_it_is_and_in_which_sandbox_it_ran() {
    let bench = Bench::with_keys().await;
    let log = Log::begin();
    let asked = execute(json!({"code": "print a"}).to_string());
    let asked = with(keyed(asked, "ada-key"), "x-request-id", "mine");
    bench.send(asked).await.json();
    names_all(&log.line("an execution ended"), "mine");
    names_all(&log.line("answered"), "mine");
}

#[tokio::test]
async fn the_lines_of_a_stream_do_too() {
    let bench = Bench::with_keys().await;
    let log = Log::begin();
    let asked = execute(json!({"code": "sleep 1s"}).to_string());
    let asked = with(keyed(asked, "ada-key"), "x-request-id", "streamed");
    bench
        .send(with(asked, ACCEPT.as_str(), "text/event-stream"))
        .await;
    names_all(&log.line("an execution ended"), "streamed");
}

#[tokio::test]
async fn the_lines_of_a_session_name_it() {
    let bench = Bench::with_keys().await;
    let post = |path: &str, body: Value| {
        let asked = request(Method::POST, path, body.to_string().into());
        let asked = with(asked, CONTENT_TYPE.as_str(), "application/json");
        with(keyed(asked, "ada-key"), "x-request-id", "in-session")
    };
    let made = bench.send(post("/jupyter/sessions", json!({}))).await;
    let made: Value = serde_json::from_slice(&made.bytes).unwrap();
    let id = made["id"].as_str().unwrap();
    let log = Log::begin();
    let path = format!("/jupyter/sessions/{id}/execute");
    bench
        .send(post(&path, json!({"code": "print a"})))
        .await
        .json();
    let line = log.line("an execution ended");
    names_all(&line, "in-session");
    assert_eq!(line["span"]["session"], id);
}

#[tokio::test]
async fn health_checks_and_reads_of_the_metrics_are_quiet() {
    let bench = Bench::new().await;
    let log = Log::begin();
    for path in ["/jupyter/health", "/metrics", "/jupyter/list_kernel_specs"] {
        let answer = bench.send(request(Method::GET, path, Body::empty()));
        assert!(answer.await.status.is_success(), "{path}");
    }
    let answered = log.line("answered");
    assert_eq!(answered["span"]["path"], "/jupyter/list_kernel_specs");
}
