//! `/jupyter/sessions`: sandboxes that a client holds.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use cellblock::sandbox::fake::Starts;
use futures::StreamExt;
use serde_json::{Value, json};
use tokio::time::timeout;
use tower::ServiceExt;

use crate::bench::{Answer, Bench, fields, keyed, request, with};

const SESSIONS: &str = "/jupyter/sessions";

/// Sends JSON.
async fn send(bench: &Bench, method: Method, path: &str, body: &Value) -> Answer {
    let request = request(method, path, body.to_string().into());
    bench
        .send(with(request, "content-type", "application/json"))
        .await
}

async fn post(bench: &Bench, path: &str, body: &Value) -> Answer {
    send(bench, Method::POST, path, body).await
}

async fn bare(bench: &Bench, method: Method, path: &str) -> Answer {
    bench.send(request(method, path, Body::empty())).await
}

/// Makes a session; where it is.
async fn made(bench: &Bench, body: Value) -> String {
    let answer = post(bench, SESSIONS, &body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{:?}", answer.bytes);
    answer.header("location").to_owned()
}

async fn run(bench: &Bench, session: &str, code: &str) -> Value {
    let body = json!({ "code": code });
    let answer = post(bench, &format!("{session}/execute"), &body).await;
    answer.json()
}

/// Waits until the session is in this state.
async fn is_in_state(bench: &Bench, session: &str, state: &str) {
    let reached = async { while bench.get(session).await.json()["state"] != state {} };
    let reached = timeout(Duration::from_secs(10), reached).await;
    assert!(reached.is_ok(), "{state}");
}

#[tokio::test]
async fn a_session_is_made_shown_listed_and_ended() {
    let bench = Bench::new().await;
    let body = json!({
        "name": "mine", "metadata": { "a": [1] }, "idle_timeout": 90, "lifetime": "2h",
    });
    let answer = post(&bench, SESSIONS, &body).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let made: Value = serde_json::from_slice(&answer.bytes).unwrap();
    let path = answer.header("location");
    assert_eq!(
        path,
        format!("/jupyter/sessions/{}", made["id"].as_str().unwrap())
    );
    let shown = bench.get(path).await.json();
    for session in [&made, &shown] {
        assert_eq!(session["execution_environment"], "python");
        assert_eq!(session["state"], "idle");
        assert_eq!(session["name"], "mine");
        assert_eq!(session["metadata"], json!({ "a": [1] }));
        assert_eq!(session["idle_timeout"], 90.0);
        assert_eq!(session["connections"], 0);
        assert_eq!(session["executions"], 0);
        for used in ["cpu_ms", "memory_bytes", "peak_memory_bytes", "processes"] {
            assert!(session["usage"][used].is_u64(), "{used}");
        }
    }
    assert_eq!(lifetime(&shown), jiff::SignedDuration::from_hours(2));
    let list = bench.get(SESSIONS).await.json();
    assert_eq!(list["sessions"][0]["id"], made["id"]);
    assert_eq!(list["sessions"][0].get("usage"), None);
    let ended = bare(&bench, Method::DELETE, path).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    let again = bare(&bench, Method::DELETE, path).await;
    again.problem(StatusCode::NOT_FOUND);
    bench.get(path).await.problem(StatusCode::NOT_FOUND);
    let list = bench.get(SESSIONS).await.json();
    assert_eq!(list["sessions"], json!([]));
}

/// From when it was made to its end, to the second.
fn lifetime(session: &Value) -> jiff::SignedDuration {
    let at = |field: &str| -> jiff::Timestamp { session[field].as_str().unwrap().parse().unwrap() };
    let lifetime = at("expires_at").duration_since(at("created_at"));
    jiff::SignedDuration::from_secs(lifetime.as_secs_f64().round() as i64)
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_sandbox_is_silent_is_shown_all_the_same() {
    let bench = Bench::new().await;
    let session = made(&bench, json!({})).await;
    let path = format!("{session}/execute");
    let body = json!({ "code": "stall", "timeout": 30 });
    let show = async {
        loop {
            let asked = tokio::time::Instant::now();
            let shown = bench.get(&session).await.json();
            assert!(asked.elapsed() <= Duration::from_secs(2));
            if shown["usage"].is_null() {
                return;
            }
        }
    };
    tokio::select! {
        answer = post(&bench, &path, &body) => panic!("{answer:?}"),
        () = show => {}
    }
}

#[tokio::test]
async fn a_session_needs_no_body() {
    let bench = Bench::new().await;
    let bare = bare(&bench, Method::POST, SESSIONS).await;
    assert_eq!(bare.status, StatusCode::CREATED);
    let form = with(
        request(Method::POST, SESSIONS, Body::empty()),
        "content-type",
        "application/x-www-form-urlencoded",
    );
    assert_eq!(bench.send(form).await.status, StatusCode::CREATED);
    let unsaid = request(Method::POST, SESSIONS, "{}".into());
    let unsaid = bench.send(unsaid).await;
    unsaid.problem(StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn a_session_is_where_it_is_said_to_be() {
    let bench = Bench::with(|settings| settings.server.base_path = "/base".to_owned()).await;
    let path = format!("/base{SESSIONS}");
    let made = bare(&bench, Method::POST, &path).await;
    let session = bench.get(made.header("location")).await.json();
    assert_eq!(session["state"], "idle");
}

#[tokio::test]
async fn a_sandbox_is_asked_for_as_an_execution_asks() {
    let bench = Bench::new().await;
    let session = made(
        &bench,
        json!({
            "execution_environment": "BASH",
            "files": [{ "filename": "a.txt", "content": "in", "base64encoded": false }],
            "environment_variables": { "COLOUR": "green" },
            "memory": "256MiB",
            "cpus": 1,
            "working_directory": "project",
        }),
    )
    .await;
    let answer = run(&bench, &session, "where\nread a.txt\nvariable COLOUR").await;
    let output = answer["output"].as_str().unwrap();
    for part in ["bash", "project", "in", "green"] {
        assert!(output.contains(part), "{part} in {output}");
    }
}

#[tokio::test]
async fn executions_share_a_kernel_and_its_files() {
    let bench = Bench::new().await;
    let session = made(&bench, json!({})).await;
    let first = run(&bench, &session, "write a.txt kept\nprint hi").await;
    assert_eq!(first["output"], "hi");
    assert_eq!(first["files"][0]["filename"], "a.txt");
    let second = run(&bench, &session, "read a.txt").await;
    assert_eq!(second["output"], "kept");
    assert_eq!(second["execution_count"], 2);
    assert_eq!(second["files"], Value::Null, "handed out once");
    let shown = bench.get(&session).await.json();
    assert_eq!(shown["executions"], 2);
}

#[tokio::test]
async fn an_execution_streams_as_outside_a_session() {
    let bench = Bench::new().await;
    let session = made(&bench, json!({})).await;
    let path = format!("{session}/execute");
    let body = json!({ "code": "print early\nsleep 60s", "timeout": 100 });
    let asked = request(Method::POST, &path, body.to_string().into());
    let asked = with(asked, "content-type", "application/json");
    let asked = with(asked, "accept", "text/event-stream");
    let answer = bench.router.clone().oneshot(asked).await.unwrap();
    let mut events = answer.into_body().into_data_stream();
    let first = events.next().await.unwrap().unwrap();
    assert!(first.starts_with(b"event: stream\n"), "{first:?}");
    drop(events);
    let next = run(&bench, &session, "print next").await;
    assert_eq!(next["output"], "next", "the first was interrupted");
}

#[tokio::test]
async fn code_is_interrupted_and_the_kernel_restarted() {
    let bench = Bench::new().await;
    let session = made(&bench, json!({})).await;
    let interrupt = async {
        is_in_state(&bench, &session, "busy").await;
        bare(&bench, Method::POST, &format!("{session}/interrupt")).await
    };
    let (ran, interrupted) = tokio::join!(run(&bench, &session, "sleep 50s"), interrupt);
    assert_eq!(interrupted.status, StatusCode::NO_CONTENT);
    assert_eq!(ran["error"], true, "{ran}");
    let restarted = bare(&bench, Method::POST, &format!("{session}/restart")).await;
    assert_eq!(restarted.json()["state"], "idle");
    let answer = run(&bench, &session, "print again").await;
    assert_eq!(answer["execution_count"], 1, "another kernel");
}

#[tokio::test]
async fn a_dead_kernel_says_what_to_do() {
    let bench = Bench::new().await;
    let session = made(&bench, json!({})).await;
    for _ in 0..6 {
        assert_eq!(run(&bench, &session, "exit").await["status"], "killed");
    }
    is_in_state(&bench, &session, "dead").await;
    let body = json!({ "code": "print 1" });
    let refused = post(&bench, &format!("{session}/execute"), &body).await;
    let problem = refused.problem(StatusCode::CONFLICT);
    assert!(
        problem["detail"].as_str().unwrap().contains("restart"),
        "{problem}"
    );
    let interrupt = bare(&bench, Method::POST, &format!("{session}/interrupt")).await;
    interrupt.problem(StatusCode::CONFLICT);
    let restart = bare(&bench, Method::POST, &format!("{session}/restart")).await;
    assert_eq!(restart.json()["state"], "idle");
    assert_eq!(run(&bench, &session, "print 1").await["status"], "ok");
}

#[tokio::test]
async fn a_session_is_changed_as_far_as_it_is_said() {
    let bench = Bench::new().await;
    let session = made(&bench, json!({ "name": "old", "metadata": { "a": 1 } })).await;
    let change = json!({ "lifetime": "3h", "name": "new" });
    let changed = send(&bench, Method::PATCH, &session, &change).await.json();
    assert_eq!(changed["name"], "new");
    assert_eq!(changed["metadata"], json!({ "a": 1 }));
    assert_eq!(lifetime(&changed), jiff::SignedDuration::from_hours(3));
    assert_eq!(changed["idle_timeout"], 1800.0);
    let change = json!({ "idle_timeout": 5, "metadata": {} });
    send(&bench, Method::PATCH, &session, &change).await.json();
    let shown = bench.get(&session).await.json();
    assert_eq!(shown["idle_timeout"], 5.0);
    assert_eq!(shown["metadata"], json!({}));
    assert_eq!(shown["name"], "new");
}

#[tokio::test]
async fn every_wrong_field_is_named() {
    let bench = Bench::new().await;
    let wrong = json!({
        "id": "1", "name": "x".repeat(257), "metadata": [1], "idle_timeout": "soon",
        "lifetime": -1, "cpus": 0, "files": [1], "code": "print 1",
    });
    let mut named = post(&bench, SESSIONS, &wrong).await.fields();
    named.sort_unstable();
    let expected = [
        "body.code",
        "body.cpus",
        "body.files.0",
        "body.id",
        "body.idle_timeout",
        "body.lifetime",
        "body.metadata",
        "body.name",
    ];
    assert_eq!(named, expected);
    let large = json!({ "metadata": { "a": "x".repeat(64 * 1024) } });
    let large = post(&bench, SESSIONS, &large).await;
    assert_eq!(large.fields(), ["body.metadata"]);
    let nearly = 1.0_f64.next_down();
    for beyond in [
        json!({ "lifetime": "8d" }),
        json!({ "idle_timeout": 0.5 }),
        json!({ "idle_timeout": nearly }),
    ] {
        let field = beyond.as_object().unwrap().keys().next().unwrap();
        let refused = post(&bench, SESSIONS, &beyond).await;
        assert_eq!(refused.fields(), [format!("body.{field}")]);
    }
    assert_eq!(bench.get(SESSIONS).await.json()["sessions"], json!([]));
    let session = made(&bench, json!({})).await;
    let refused = send(&bench, Method::PATCH, &session, &json!({ "id": "1" })).await;
    assert_eq!(refused.fields(), ["body.id"]);
    let execute = format!("{session}/execute");
    let refused = post(&bench, &execute, &json!({ "code": "", "files": [] })).await;
    assert_eq!(
        fields(&refused.problem(StatusCode::UNPROCESSABLE_ENTITY)),
        ["body.files", "body.code"]
    );
    assert_eq!(
        post(&bench, &execute, &json!({})).await.fields(),
        ["body.code"]
    );
}

#[tokio::test]
async fn a_chosen_id_is_given_once() {
    let bench = Bench::new().await;
    let id = "0b8f6f3c-3c5f-4a53-9f0e-2b7a5a0f6f11";
    let session = made(&bench, json!({ "id": id })).await;
    assert_eq!(session, format!("{SESSIONS}/{id}"));
    let again = post(&bench, SESSIONS, &json!({ "id": id })).await;
    again.problem(StatusCode::CONFLICT);
}

#[tokio::test]
async fn sessions_are_bounded() {
    let bench = Bench::with(|settings| settings.sessions.max = 1).await;
    made(&bench, json!({})).await;
    let more = post(&bench, SESSIONS, &json!({})).await;
    more.problem(StatusCode::TOO_MANY_REQUESTS);
    assert!(!more.header("retry-after").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_session_that_does_not_start_is_none() {
    let bench = Bench::with(|settings| settings.pool.size = 0).await;
    bench.engine.set_starts(Starts::Fail);
    let failed = post(&bench, SESSIONS, &json!({})).await;
    failed.problem(StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(bench.get(SESSIONS).await.json()["sessions"], json!([]));
}

/// Every route of a session, with a body that it takes.
fn routes() -> Vec<(Method, &'static str, Value)> {
    vec![
        (Method::GET, "", Value::Null),
        (Method::PATCH, "", json!({ "name": "taken" })),
        (Method::POST, "/execute", json!({ "code": "print 1" })),
        (Method::POST, "/interrupt", Value::Null),
        (Method::POST, "/restart", Value::Null),
        (Method::DELETE, "", Value::Null),
    ]
}

#[tokio::test]
async fn somebody_else_s_session_is_none() {
    let bench = Bench::with_keys().await;
    let mine = keyed(request(Method::POST, SESSIONS, Body::empty()), "ada-key");
    let session = bench.send(mine).await.header("location").to_owned();
    for (method, below, body) in routes() {
        let path = format!("{session}{below}");
        let asked = request(method.clone(), &path, body.to_string().into());
        let asked = with(asked, "content-type", "application/json");
        let foreign = bench.send(keyed(asked, "grace-key")).await;
        foreign.problem(StatusCode::NOT_FOUND);
        let keyless = bench.send(request(method, &path, Body::empty())).await;
        keyless.problem(StatusCode::UNAUTHORIZED);
    }
    let list = request(Method::GET, SESSIONS, Body::empty());
    let list = bench.send(keyed(list, "grace-key")).await;
    assert_eq!(list.json()["sessions"], json!([]));
    let mine = request(Method::GET, &session, Body::empty());
    let mine = bench.send(keyed(mine, "ada-key")).await.json();
    assert_eq!(mine["name"], Value::Null);
}

#[tokio::test]
async fn what_is_no_id_or_has_ended_is_not_found() {
    let bench = Bench::new().await;
    let ended = made(&bench, json!({})).await;
    bare(&bench, Method::DELETE, &ended).await;
    let unknown = format!("{SESSIONS}/0b8f6f3c-3c5f-4a53-9f0e-2b7a5a0f6f11");
    for session in [
        ended,
        unknown,
        format!("{SESSIONS}/1"),
        format!("{SESSIONS}/..%2F"),
    ] {
        for (method, below, body) in routes() {
            let answer = send(&bench, method, &format!("{session}{below}"), &body).await;
            answer.problem(StatusCode::NOT_FOUND);
        }
    }
}

#[tokio::test]
async fn an_ended_session_answers_its_executions() {
    let bench = Bench::new().await;
    let session = made(&bench, json!({})).await;
    let end = async {
        is_in_state(&bench, &session, "busy").await;
        bare(&bench, Method::DELETE, &session).await
    };
    let body = json!({ "code": "sleep 50s" });
    let path = format!("{session}/execute");
    let (ran, ended) = tokio::join!(post(&bench, &path, &body), end);
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    assert_eq!(ran.json()["status"], "killed");
}
