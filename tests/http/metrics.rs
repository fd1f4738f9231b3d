//! `/metrics`: who may read it, what requests do to it, and that the page about it names all of it.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use cellblock::config::Settings;
use cellblock::sandbox::Engine;
use cellblock::sandbox::docker::DockerEngine;
use prometheus_client::encoding::prometheus_text;
use prometheus_client::registry::Registry;
use serde_json::json;

use crate::bench::{Bench, keyed, request};
use crate::numbers::Numbers;

async fn text(bench: &Bench) -> String {
    let answer = bench.get("/metrics").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.header("content-type"),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    String::from_utf8(answer.bytes.to_vec()).unwrap()
}

async fn numbers(bench: &Bench) -> Numbers {
    Numbers::read(&text(bench).await)
}

fn names(text: &str) -> BTreeSet<String> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let name = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
    types.map(name).collect()
}

fn requests(method: &str, route: &str, status: u16) -> String {
    format!("http_requests_total{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}}")
}

#[tokio::test]
async fn where_there_are_keys_it_wants_one() {
    let bench = Bench::with_keys().await;
    let ask = || request(Method::GET, "/metrics", Body::empty());
    let answer = bench.send(ask()).await;
    answer.problem(StatusCode::UNAUTHORIZED);
    let answer = bench.send(keyed(ask(), "ada-key")).await;
    assert_eq!(answer.status, StatusCode::OK);
    let text = std::str::from_utf8(&answer.bytes).unwrap();
    assert!(!text.contains("ada"), "it tells nothing of owners");
}

#[tokio::test]
async fn requests_are_counted_by_route_and_status() {
    let bench = Bench::new().await;
    bench.run("print a").await;
    bench.run(" ").await;
    bench.get("/jupyter/files/none.txt").await;
    bench.get("/jupyter/files/other.txt").await;
    let after = numbers(&bench).await;
    let execute = "/jupyter/execute";
    assert_eq!(after.of(&requests("POST", execute, 200)), 1.0);
    assert_eq!(after.of(&requests("POST", execute, 422)), 1.0);
    let files = "/jupyter/files/{name}";
    assert_eq!(after.of(&requests("GET", files, 404)), 2.0);
    let seconds = "http_request_seconds_count{method=\"POST\",route=\"/jupyter/execute\"}";
    assert_eq!(after.of(seconds), 2.0);
}

#[tokio::test]
async fn paths_and_methods_that_are_made_up_become_no_label() {
    let bench = Bench::new().await;
    for index in 0..3 {
        bench.get(&format!("/made-up-{index}")).await;
        let method = Method::from_bytes(format!("MADEUP{index}").as_bytes()).unwrap();
        let odd = request(method, "/jupyter/health", Body::empty());
        bench.send(odd).await;
    }
    let after = numbers(&bench).await;
    assert_eq!(after.of(&requests("GET", "unmatched", 404)), 3.0);
    assert_eq!(after.of(&requests("other", "/jupyter/health", 405)), 3.0);
    let made_up = |sample: &str| sample.contains("made-up") || sample.contains("MADEUP");
    assert!(!after.samples().any(made_up));
}

#[tokio::test]
async fn a_client_that_goes_away_is_counted() {
    let bench = Bench::new().await;
    let body = json!({"code": "hang"});
    let gone = tokio::time::timeout(Duration::from_millis(50), bench.execute(&body)).await;
    assert!(gone.is_err());
    let after = numbers(&bench).await;
    assert_eq!(after.of(&requests("POST", "/jupyter/execute", 499)), 1.0);
}

/// A service of which everything has happened at least once that has no number before.
async fn lived() -> BTreeSet<String> {
    let bench = Bench::new().await;
    bench.run("print a").await;
    names(&(text(&bench).await + &of_an_engine().await))
}

/// What a Docker engine shows, even if there is none.
async fn of_an_engine() -> String {
    let mut settings = Settings::default();
    settings.engine.host = Some("tcp://127.0.0.1:1".to_owned());
    let engine = DockerEngine::connect(&settings, None).unwrap();
    engine.version().await.unwrap_err();
    let mut registry = Registry::with_prefix("cellblock");
    engine.register_metrics(&mut registry);
    let mut text = String::new();
    prometheus_text::encode(&mut text, &registry).unwrap();
    text
}

/// The names in the first column of the page's tables.
fn described() -> BTreeSet<String> {
    let page = include_str!("../../docs/operations.md");
    let rows = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `cellblock_"));
    let name = |row: &str| {
        let (name, _) = row.split_once(['`', '{']).unwrap();
        format!("cellblock_{name}")
    };
    rows.map(name).collect()
}

#[tokio::test]
async fn the_page_about_it_names_exactly_what_there_is() {
    let (there, described) = (lived().await, described());
    let missing: Vec<_> = there.difference(&described).collect();
    assert!(missing.is_empty(), "not in docs/operations.md: {missing:?}");
    // Nobody has gone out of a sandbox in this life.
    let rare = "cellblock_egress_connections_total";
    let gone: Vec<_> = described
        .difference(&there)
        .filter(|it| *it != rare)
        .collect();
    assert!(gone.is_empty(), "only in docs/operations.md: {gone:?}");
}
