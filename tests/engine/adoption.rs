//! Sessions outlive the service: killed or stopped, the next one takes them over, and no message of a kernel is lost.

use std::collections::BTreeSet;

use serde_json::json;

use crate::channels::{Channels, session};
use crate::heard::Heard;
use crate::support::{Service, docker, eventually};

/// Prints a line every few milliseconds, for some seconds.
const LINES: u32 = 600;
const SLOW_LINES: &str = "import time
for number in range(600):
    print(number, flush=True)
    time.sleep(0.01)";

async fn execute(service: &Service, session: &str, code: &str) -> serde_json::Value {
    let url = service.url(&format!("/jupyter/sessions/{session}/execute"));
    let request = service.client().post(url).json(&json!({ "code": code }));
    request.send().await.unwrap().json().await.unwrap()
}

/// The service is killed at any moment. A message that it has sent and not noted yet comes once more: no client says what it
/// has got. That is one message, known by its id.
#[tokio::test]
async fn a_client_of_a_killed_service_gets_every_message_in_order_and_none_is_lost() {
    let mut service = Service::start(&["--sessions-at-shutdown=keep"]).await;
    let kernel = session(&service, "python").await;
    let mut channels = Channels::connect(&service, &kernel, "reader").await;
    let request = channels.execute(SLOW_LINES).await;
    let mut heard = Vec::new();
    while heard.len() < 200 {
        heard.push(Heard::next(&mut channels).await.expect("it is open"));
    }
    service.kill();
    // What was on its way still arrives.
    while let Some(message) = Heard::next(&mut channels).await {
        heard.push(message);
    }
    service.restart();
    let mut channels = Channels::connect(&service, &kernel, "reader").await;
    let seam = heard.len();
    while !heard.iter().any(|message| message.is_reply_to(&request)) {
        heard.push(Heard::next(&mut channels).await.expect("it is open"));
    }
    if heard[seam].id == heard[seam - 1].id {
        heard.remove(seam);
    }
    let ids: BTreeSet<&str> = heard.iter().map(|message| &*message.id).collect();
    assert_eq!(ids.len(), heard.len(), "nothing comes twice");
    let printed: String = heard.iter().map(|message| &*message.printed).collect();
    let expected: String = (0..LINES).map(|number| format!("{number}\n")).collect();
    assert_eq!(printed, expected);
    end(&service, &kernel).await;
}

async fn end(service: &Service, session: &str) {
    let url = service.url(&format!("/jupyter/sessions/{session}"));
    let answer = service.client().delete(url).send().await.unwrap();
    assert_eq!(answer.status(), 204);
    service.has_containers(0).await;
}

#[tokio::test]
async fn a_stopped_service_leaves_sessions_to_the_next_and_their_state_with_them() {
    let mut service = Service::start(&["--sessions-at-shutdown=keep"]).await;
    let id = session(&service, "python").await;
    execute(
        &service,
        &id,
        "x = 6 * 7; open('kept.txt', 'w').write('kept')",
    )
    .await;
    assert!(service.terminate().success());
    assert_eq!(service.containers().len(), 1, "the session's");
    service.restart();
    let answer = execute(&service, &id, "print(x, open('kept.txt').read())").await;
    assert_eq!(answer["stdout"], "42 kept\n", "{answer:#}");
    end(&service, &id).await;
}

#[tokio::test]
async fn a_session_whose_container_was_removed_meanwhile_is_forgotten() {
    let mut service = Service::start(&["--sessions-at-shutdown=keep"]).await;
    let id = session(&service, "bash").await;
    service.kill();
    docker(&["rm", "-f", &service.containers()[0]]);
    service.restart();
    eventually("it is gone", async || {
        service.get("/jupyter/sessions").await["sessions"] == json!([])
    })
    .await;
    let answer = execute(&service, &id, "true").await;
    assert_eq!(answer["status"], 404, "{answer:#}");
}

#[tokio::test]
async fn a_session_whose_container_is_removed_under_it_ends_and_leaves_nothing() {
    let service = Service::start(&[]).await;
    let id = session(&service, "bash").await;
    let remove = async {
        eventually("it runs", async || {
            service.get(&format!("/jupyter/sessions/{id}")).await["state"] == "busy"
        })
        .await;
        docker(&["rm", "-f", &service.containers()[0]]);
    };
    let (answer, ()) = tokio::join!(execute(&service, &id, "sleep 50"), remove);
    assert_eq!(answer["status"], "killed", "{answer:#}");
    eventually("it is gone", async || {
        service.get("/jupyter/sessions").await["sessions"] == json!([])
    })
    .await;
}
