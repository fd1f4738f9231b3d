//! A service without keys serves this machine, and no web page.

use axum::http::StatusCode;

use crate::bench::{Bench, execute, with};

const HELLO: &str = r#"{"code": "print hello"}"#;

#[tokio::test]
async fn a_rebound_host_is_refused() {
    let bench = Bench::new().await;
    let answer = bench
        .send(with(execute(HELLO), "host", "evil.example"))
        .await;
    answer.problem(StatusCode::FORBIDDEN);
    assert_eq!(bench.executions(), 0);
}

#[tokio::test]
async fn a_page_elsewhere_is_refused() {
    let bench = Bench::new().await;
    for origin in ["https://evil.example", "null"] {
        let answer = bench.send(with(execute(HELLO), "origin", origin)).await;
        answer.problem(StatusCode::FORBIDDEN);
    }
    assert_eq!(bench.executions(), 0);
    let own = with(execute(HELLO), "origin", "http://localhost:8080");
    bench.send(own).await.json();
}

#[tokio::test]
async fn no_page_elsewhere_may_read_answers() {
    let bench = Bench::with_keys().await;
    let request = with(execute(HELLO), "origin", "https://evil.example");
    let answer = bench.send(with(request, "x-api-key", "ada-key")).await;
    assert_eq!(answer.header("access-control-allow-origin"), "");
}
