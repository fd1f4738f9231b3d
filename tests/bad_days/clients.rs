//! Clients that connect and say nothing, that begin and never end, that ask and never listen.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::asking::{end, get, in_session, numbers, serves};
use crate::calm::Calm;
use crate::channels::{Channels, session};
use crate::daemon::Containers;
use crate::engine::PrivateEngine;
use crate::support::Service;

/// Of each kind.
const CONNECTIONS: usize = 500;

/// What a service may have in memory beside what it has at rest, whoever does not listen.
const AT_MOST: f64 = 96e6;

/// How long a client may be silent (`--request-timeout`), and some more.
const PATIENCE: Duration = Duration::from_secs(15);

/// Prints as fast as it can.
const FLOOD: &str =
    "while true; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done";

#[tokio::test]
async fn five_hundred_connections_that_say_nothing_keep_nobody_waiting_and_are_closed() {
    let engine = PrivateEngine::start(Containers::EndWithIt);
    let service = engine.service(&[]).await;
    let calm = Calm::of(&service).await;
    for beginning in [
        "",
        "GET /jupyter/health HTTP/1.1\r\nHost: a\r\nX-Hea",
        "POST /jupyter/execute HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
         Content-Length: 100\r\n\r\n{\"code\": ",
    ] {
        let mut silent = Vec::new();
        for _ in 0..CONNECTIONS {
            let mut connection = connect(&service).await;
            connection.write_all(beginning.as_bytes()).await.unwrap();
            silent.push(connection);
        }
        let asked = Instant::now();
        serves(&service).await;
        assert!(
            asked.elapsed() < Duration::from_secs(5),
            "{:?}",
            asked.elapsed()
        );
        for mut connection in silent {
            let mut rest = Vec::new();
            let closed = timeout(PATIENCE, connection.read_to_end(&mut rest)).await;
            // Reset is closed, too.
            let _ = closed.expect("it is closed in time");
        }
    }
    calm.is_back(&service).await;
}

#[tokio::test]
async fn a_client_that_does_not_read_its_events_costs_little_and_loses_its_sandbox() {
    let engine = PrivateEngine::start(Containers::EndWithIt);
    let service = engine.service(&[]).await;
    let calm = Calm::of(&service).await;
    let before = memory(&service).await;
    let body = json!({"code": FLOOD, "execution_environment": "bash", "timeout": 100}).to_string();
    let mut deaf = Vec::new();
    for _ in 0..4 {
        let mut connection = connect(&service).await;
        let head = format!(
            "POST /jupyter/execute HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
             Accept: text/event-stream\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        connection.write_all(head.as_bytes()).await.unwrap();
        deaf.push(connection);
    }
    let begun = Instant::now();
    loop {
        serves(&service).await;
        let now = memory(&service).await;
        assert!(now - before < AT_MOST, "{before} before, {now} now");
        if get(&service, "/jupyter/health").await.1["executions"] == 0 {
            break;
        }
        assert!(begun.elapsed() < PATIENCE * 2, "they run on");
    }
    calm.is_back(&service).await;
    drop(deaf);
}

#[tokio::test]
async fn a_client_that_does_not_read_its_kernel_is_cut_off_and_the_others_hear_on() {
    let engine = PrivateEngine::start(Containers::EndWithIt);
    let service = engine.service(&[]).await;
    let calm = Calm::of(&service).await;
    let id = session(&service, "bash").await;
    let before = memory(&service).await;
    let mut hearer = Channels::connect(&service, &id, "hearer").await;
    let mut deaf = Channels::connect(&service, &id, "deaf").await;
    deaf.execute(FLOOD).await;
    let begun = Instant::now();
    let cut = "session_connections";
    while numbers(&service).await.of(cut) > 1.0 {
        for _ in 0..50 {
            // The longest that one may keep the others waiting, and some more.
            let heard = timeout(PATIENCE, hearer.next()).await;
            assert!(heard.expect("it hears on").is_some());
        }
        let now = memory(&service).await;
        assert!(now - before < AT_MOST, "{before} before, {now} now");
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "it is not cut off"
        );
        serves(&service).await;
    }
    let url = service.url(&format!("/jupyter/sessions/{id}/interrupt"));
    assert!(
        service
            .client()
            .post(url)
            .send()
            .await
            .unwrap()
            .status()
            .is_success()
    );
    drop((hearer, deaf));
    let answer = in_session(&service, &id, "echo well").await;
    assert_eq!(answer["stdout"], "well\n", "{answer:#}");
    end(&service, &id).await;
    calm.is_back(&service).await;
}

async fn connect(service: &Service) -> TcpStream {
    let url = service.url("");
    let address = url.strip_prefix("http://").unwrap();
    TcpStream::connect(address).await.unwrap()
}

async fn memory(service: &Service) -> f64 {
    numbers(service).await.of("process_resident_memory_bytes")
}
