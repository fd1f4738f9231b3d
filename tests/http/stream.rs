//! `POST /jupyter/execute` as server-sent events.

use std::time::Duration;

use axum::http::StatusCode;
use cellblock::sandbox::fake::Presence;
use futures::StreamExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::bench::{Answer, Bench, execute, with};

const EVENTS: &str = "text/event-stream";

/// Names and data of the events; keep-alives are comments.
fn events(answer: &Answer) -> Vec<(String, Value)> {
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.header("content-type").starts_with(EVENTS));
    let text = std::str::from_utf8(&answer.bytes).unwrap();
    text.split("\n\n").filter_map(event).collect()
}

fn event(block: &str) -> Option<(String, Value)> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
    let data = serde_json::from_str(field("data: ")?).unwrap();
    Some((field("event: ")?.to_owned(), data))
}

async fn stream(bench: &Bench, body: Value) -> Answer {
    bench
        .send(with(execute(body.to_string()), "accept", EVENTS))
        .await
}

#[tokio::test]
async fn each_output_is_an_event_and_the_last_is_the_result() {
    let bench = Bench::new().await;
    let code = "print one\nstderr two\nresult 42\nraise ValueError: wrong";
    let streamed = stream(&bench, json!({ "code": code })).await;
    let streamed = events(&streamed);
    let names: Vec<&str> = streamed.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["stream", "stream", "execute_result", "error", "result"]
    );
    assert_eq!(streamed[0].1["output_type"], "stream");
    assert_eq!(streamed[0].1["text"], "one\n");
    assert_eq!(streamed[1].1["name"], "stderr");
    let result = &streamed[4].1;
    let plain = bench.execute(&json!({ "code": code })).await.json();
    for field in [
        "output", "error", "status", "stdout", "stderr", "outputs", "files",
    ] {
        assert_eq!(result[field], plain[field], "{field}");
    }
}

#[tokio::test]
async fn outputs_come_before_the_code_has_ended() {
    let bench = Bench::with(|settings| settings.pool.size = 0).await;
    let body = json!({ "code": "print early\nsleep 60s", "timeout": 100 });
    let request = with(execute(body.to_string()), "accept", EVENTS);
    let answer = bench.router.clone().oneshot(request).await.unwrap();
    let mut body = answer.into_body().into_data_stream();
    let first = body.next().await.unwrap().unwrap();
    assert!(first.starts_with(b"event: stream\n"), "{first:?}");
    assert_eq!(bench.executions(), 1);
    drop(body);
    let gone = async {
        while bench.engine.counts().alive > 0 {
            tokio::task::yield_now().await;
        }
    };
    let gone = tokio::time::timeout(Duration::from_secs(10), gone).await;
    assert!(gone.is_ok(), "closing the stream cancels the execution");
}

#[tokio::test(start_paused = true)]
async fn code_whose_stream_nobody_reads_ends_by_its_timeout() {
    let bench = Bench::with(|settings| settings.pool.size = 0).await;
    let body = json!({ "code": "print early\nsleep 60s", "timeout": 2 });
    let request = with(execute(body.to_string()), "accept", EVENTS);
    let answer = bench.router.clone().oneshot(request).await.unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(bench.engine.counts().alive, 0);
    let streamed = events(&Answer::of(answer).await);
    let (name, result) = streamed.last().unwrap();
    assert_eq!(name, "result");
    assert_eq!(result["status"], "timeout");
}

#[tokio::test(start_paused = true)]
async fn a_silent_stream_is_kept_alive() {
    let bench = Bench::new().await;
    let answer = stream(&bench, json!({ "code": "sleep 12s\nprint late" })).await;
    let text = String::from_utf8(answer.bytes.to_vec()).unwrap();
    let comments = text.lines().filter(|line| line.starts_with(':')).count();
    assert!(
        (2..=3).contains(&comments),
        "{comments} keep-alives in 12 s"
    );
    assert_eq!(events(&answer).last().unwrap().1["output"], "late");
}

#[tokio::test]
async fn what_is_wrong_at_once_has_its_own_status() {
    let bench = Bench::new().await;
    let answer = stream(&bench, json!({ "code": "" })).await;
    answer.problem(StatusCode::UNPROCESSABLE_ENTITY);
    let bench = Bench::with(|settings| settings.pool.size = 0).await;
    bench.engine.set_presence(Presence::Away);
    let answer = stream(&bench, json!({ "code": "print x" })).await;
    answer.problem(StatusCode::SERVICE_UNAVAILABLE);
}
