//! What a key has begun ends with it: with its revocation, and with its expiry. Nobody else's does.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Method, Request, StatusCode};
use cellblock::config::key_file::Change;
use cellblock::jupyter::Framing;
use futures::channel::mpsc;
use jiff::Timestamp;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

use crate::bench::{Answer, Bench, execute, keyed, request, with};
use crate::channels::connect;
use crate::connections::{LONG, serve};
use crate::keys_file::{File, comes_to};

/// Code that does not end by itself while a test lasts.
const ENDLESS: &str = r#"{"code": "hang", "timeout": 60}"#;

/// A request of its own, sent.
fn begin(bench: &Bench, asked: Request<Body>) -> JoinHandle<Answer> {
    let router = bench.router.clone();
    tokio::spawn(async move { Answer::of(router.oneshot(asked).await.unwrap()).await })
}

async fn until_running(bench: &Bench, count: usize) {
    let run = async {
        while bench.executions() < count {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, run).await.expect("they run");
}

async fn ended(begun: JoinHandle<Answer>) -> Answer {
    timeout(LONG, begun).await.expect("it ends").unwrap()
}

async fn session(bench: &Bench, key: &str) -> String {
    let asked = request(Method::POST, "/jupyter/sessions", Body::from("{}"));
    let asked = with(asked, "content-type", "application/json");
    let made = bench.send(keyed(asked, key)).await;
    made.json_of(StatusCode::CREATED)["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn executions_and_websockets_end_when_their_key_is_revoked_and_no_others_do() {
    let file = File::new();
    let (ada, grace) = (file.add("ada", None), file.add("grace", None));
    let bench = file.bench().await;
    let running = serve(bench.router.clone(), bench.settings.server.clone()).await;
    let session = session(&bench, &ada).await;
    let path = format!("/api/kernels/{session}/channels?token={ada}");
    let mut channels = connect(running.address, &path, Framing::V1).await.unwrap();

    let plain = begin(&bench, keyed(execute(ENDLESS), &ada));
    let streamed = with(execute(ENDLESS), "accept", "text/event-stream");
    let streamed = begin(&bench, keyed(streamed, &ada));
    let in_session = request(
        Method::POST,
        &format!("/jupyter/sessions/{session}/execute"),
        Body::from(ENDLESS),
    );
    let in_session = with(in_session, "content-type", "application/json");
    let in_session = begin(&bench, keyed(in_session, &ada));
    let others = begin(&bench, keyed(execute(ENDLESS), &grace));
    until_running(&bench, 4).await;

    Change::begin(&file.path).unwrap().revoke("ada").unwrap();
    let problem = ended(plain).await.problem(StatusCode::UNAUTHORIZED);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("revoked"), "{detail}");
    ended(in_session).await.problem(StatusCode::UNAUTHORIZED);
    let streamed = ended(streamed).await;
    let events = String::from_utf8(streamed.bytes.to_vec()).unwrap();
    assert!(events.contains("event: problem"), "{events}");
    assert!(events.contains("unauthorized"), "{events}");
    assert_eq!(channels.closed().await, 1008);
    assert!(!others.is_finished());
    others.abort();
}

#[tokio::test]
async fn an_execution_ends_when_its_key_expires() {
    let file = File::new();
    let soon = Timestamp::now() + Duration::from_secs(2);
    let key = file.add("ada", Some(&soon.to_string()));
    let bench = file.bench().await;
    let begun = begin(&bench, keyed(execute(ENDLESS), &key));
    let problem = ended(begun).await.problem(StatusCode::UNAUTHORIZED);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("expired"), "{detail}");
    assert_eq!(bench.executions(), 1);
}

#[tokio::test]
async fn nothing_runs_whose_key_is_revoked_while_the_request_is_sent() {
    let file = File::new();
    let ada = file.add("ada", None);
    let bench = file.bench().await;
    let (sender, body) = mpsc::unbounded::<Result<Bytes, std::io::Error>>();
    let begun = begin(&bench, keyed(execute(Body::from_stream(body)), &ada));
    let (first, rest) = ENDLESS.split_at(10);
    sender.unbounded_send(Ok(first.into())).unwrap();
    Change::begin(&file.path).unwrap().revoke("ada").unwrap();
    comes_to(&bench, &ada, StatusCode::UNAUTHORIZED).await;
    assert!(!begun.is_finished());
    sender.unbounded_send(Ok(rest.into())).unwrap();
    drop(sender);
    ended(begun).await.problem(StatusCode::UNAUTHORIZED);
}
