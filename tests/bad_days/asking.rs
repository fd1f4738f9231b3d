//! What these tests ask of a service.

use std::collections::BTreeSet;

use reqwest::header::{ACCEPT, CONNECTION};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::numbers::Numbers;
use crate::support::{SOON, Service, eventually};

/// What it says of itself.
pub async fn health(service: &Service) -> (u16, Value) {
    let answer = look(service, "/jupyter/health").await;
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// What it counts.
pub async fn numbers(service: &Service) -> Numbers {
    let answer = look(service, "/metrics").await;
    Numbers::read(&answer.text().await.unwrap())
}

/// On a connection of its own that ends with it: one that is kept would be counted.
async fn look(service: &Service, path: &str) -> Response {
    let request = service.client().get(service.url(path));
    request.header(CONNECTION, "close").send().await.unwrap()
}

/// Whatever comes back.
pub async fn get(service: &Service, path: &str) -> (u16, Value) {
    let answer = service
        .client()
        .get(service.url(path))
        .send()
        .await
        .unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// Code runs: the service is well, and says so.
pub async fn serves(service: &Service) {
    eventually("it says that it is well", async || {
        health(service).await.0 == 200
    })
    .await;
    let answer = service.execute("bash", "echo well").await;
    assert_eq!(answer["stdout"], "well\n", "{answer:#}");
}

/// Has code run alone, and returns once it runs: what it comes to, or null where the service goes meanwhile.
pub async fn running(service: &Service, code: &str) -> JoinHandle<Value> {
    let body = json!({
        "code": format!("echo begun; {code}"), "execution_environment": "bash", "timeout": 100,
    });
    let request = service.client().post(service.url("/jupyter/execute"));
    let request = request.header(ACCEPT, "text/event-stream").json(&body);
    let mut events = request.send().await.unwrap();
    let mut told = String::new();
    while !told.contains("begun") {
        let chunk = timeout(SOON, events.chunk()).await.expect("in time");
        let chunk = chunk
            .unwrap()
            .unwrap_or_else(|| panic!("it does not run: {told}"));
        told.push_str(str::from_utf8(&chunk).unwrap());
    }
    tokio::spawn(async move {
        while let Ok(Some(chunk)) = events.chunk().await {
            told.push_str(str::from_utf8(&chunk).unwrap());
        }
        let last = told.rsplit_once("event: result\ndata: ");
        last.map_or(Value::Null, |(_, last)| {
            serde_json::from_str(last).unwrap_or_default()
        })
    })
}

/// Has code run in a session; whatever comes back.
pub async fn in_session(service: &Service, session: &str, code: &str) -> Value {
    let url = service.url(&format!("/jupyter/sessions/{session}/execute"));
    let request = service.client().post(url).json(&json!({ "code": code }));
    request.send().await.unwrap().json().await.unwrap()
}

/// What a session's kernel does.
pub async fn state(service: &Service, session: &str) -> Value {
    get(service, &format!("/jupyter/sessions/{session}"))
        .await
        .1["state"]
        .clone()
}

/// How many sessions there are.
pub async fn sessions(service: &Service) -> usize {
    let (_, list) = get(service, "/jupyter/sessions").await;
    list["sessions"].as_array().unwrap().len()
}

/// Ends a session.
pub async fn end(service: &Service, session: &str) {
    let url = service.url(&format!("/jupyter/sessions/{session}"));
    let answer = service.client().delete(url).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
}

/// Uploads a file; whatever comes back.
pub async fn upload(service: &Service, name: &str, content: Vec<u8>) -> (u16, Value) {
    let url = service.url(&format!("/jupyter/files?filename={name}"));
    let answer = service
        .client()
        .put(url)
        .body(content)
        .send()
        .await
        .unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// Where a stored file can be fetched and deleted.
pub fn file_path(file: &Value) -> String {
    let url = file["url"].as_str().unwrap();
    let path = url.find("/jupyter").unwrap();
    url[path..].to_owned()
}

/// Deletes all stored files; how many there were.
pub async fn delete_files(service: &Service) -> usize {
    let (_, list) = get(service, "/jupyter/files").await;
    let files = list["files"].as_array().unwrap();
    for file in files {
        let deleted = service.client().delete(service.url(&file_path(file)));
        let deleted = deleted.send().await.unwrap();
        assert!(deleted.status().is_success(), "{deleted:?}");
    }
    files.len()
}

/// Tells containers apart by when they come: a pool of one has made the newest, and the next who asks gets it.
#[derive(Default)]
pub struct Containers(BTreeSet<String>);

impl Containers {
    /// The one that has come since the last time, once the pool is full.
    pub async fn newest(&mut self, service: &Service) -> String {
        service.pool_is_full().await;
        let there = service.containers();
        let mut new = there.into_iter().filter(|id| self.0.insert(id.clone()));
        let newest = new.next().expect("the pool has made one");
        assert_eq!(new.next(), None, "and no other");
        newest
    }
}
