//! The engine's socket hangs: it takes calls, and answers nothing.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use crate::asking::{end, get, health, in_session, running, serves, state};
use crate::calm::Calm;
use crate::channels::session;
use crate::daemon::Containers;
use crate::engine::PrivateEngine;
use crate::support::{CELLBLOCK, eventually};

/// Longer than any deadline that these services are set to.
const IN_TIME: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_hangs_is_said_and_waited_for_no_longer_than_the_deadlines_allow() {
    let engine = PrivateEngine::start(Containers::EndWithIt);
    let proxy = engine.proxy();
    let service = engine.service_behind(&proxy, &[]).await;
    let calm = Calm::of(&service).await;
    let id = session(&service, "bash").await;
    in_session(&service, &id, "kept=here").await;
    let running = running(&service, "sleep 50").await;
    proxy.hang();
    let asked = Instant::now();
    eventually("it says so", async || {
        let (status, said) = health(&service).await;
        status == 503 && said["engine"] == Value::Null
    })
    .await;
    assert!(
        asked.elapsed() < Duration::from_secs(10),
        "{:?}",
        asked.elapsed()
    );
    let running = timeout(IN_TIME, running).await.expect("in time");
    assert_eq!(running.unwrap()["status"], "killed");
    eventually("the session is not reached", async || {
        state(&service, &id).await == "unreachable"
    })
    .await;
    for _ in 0..2 {
        let refused = timeout(IN_TIME, service.post("bash", "true", json!({})));
        let (status, answer) = refused.await.expect("in time");
        assert!(matches!(status, 503 | 504), "{answer:#}");
    }
    let refused = timeout(IN_TIME, in_session(&service, &id, "true"));
    assert_eq!(refused.await.expect("in time")["status"], 503);
    assert_eq!(get(&service, "/jupyter/sessions").await.0, 200);

    proxy.go_on();
    serves(&service).await;
    let answer = in_session(&service, &id, "echo $kept").await;
    assert_eq!(answer["stdout"], "here\n", "{answer:#}");
    end(&service, &id).await;
    calm.is_back(&service).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_stops_in_time_although_its_engine_hangs_and_the_next_one_clears_up() {
    let engine = PrivateEngine::start(Containers::EndWithIt);
    let proxy = engine.proxy();
    let mut service = engine.service_behind(&proxy, &[]).await;
    let calm = Calm::of(&service).await;
    let id = session(&service, "bash").await;
    in_session(&service, &id, "kept=here").await;
    proxy.hang();
    let asked = Instant::now();
    assert!(service.terminate().success());
    assert!(asked.elapsed() < IN_TIME, "{:?}", asked.elapsed());

    let refused = begin_to_serve(&proxy.address());
    assert!(refused.contains("no container engine answers"), "{refused}");

    proxy.go_on();
    service.restart();
    let answer = in_session(&service, &id, "echo $kept").await;
    assert_eq!(answer["stdout"], "here\n", "{answer:#}");
    end(&service, &id).await;
    calm.is_back(&service).await;
}

/// What a service says that cannot begin.
fn begin_to_serve(engine: &str) -> String {
    let state = tempfile::tempdir().unwrap();
    let mut serve = Command::new("timeout");
    serve
        .args([&IN_TIME.as_secs().to_string(), CELLBLOCK, "serve"])
        .args(["--listen=127.0.0.1:0", "--engine-call-timeout=3s"])
        .arg(format!("--engine-host={engine}"))
        .arg(format!("--state-dir={}", state.path().display()))
        .stdin(Stdio::null());
    let ended = serve.output().unwrap();
    assert_eq!(
        ended.status.code(),
        Some(125),
        "it ends by itself: {ended:?}"
    );
    String::from_utf8(ended.stderr).unwrap()
}
