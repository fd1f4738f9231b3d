//! Sessions over REST, end to end: a client that knows nothing but HTTP, and a kernel in a container.

use bytes::Bytes;
use futures::{StreamExt, stream};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::support::{Service, eventually};

/// Sessions end with the service, so that a test that fails leaves nothing.
const ENDS: &[&str] = &["--sessions-at-shutdown=end"];

const MEBIBYTE: usize = 1 << 20;

/// A session, as its client sees it.
struct Session<'a> {
    service: &'a Service,
    url: String,
}

impl Session<'_> {
    async fn make(service: &Service, body: Value) -> Session<'_> {
        let url = service.url("/jupyter/sessions");
        let made = service.client().post(url).json(&body).send().await.unwrap();
        assert_eq!(made.status(), StatusCode::CREATED);
        let location = made.headers()["location"].to_str().unwrap();
        let url = service.url(location);
        Session { service, url }
    }

    fn at(&self, below: &str) -> String {
        format!("{}{below}", self.url)
    }

    async fn run(&self, code: &str) -> Value {
        let request = self.service.client().post(self.at("/execute"));
        let answer = request.json(&json!({ "code": code })).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json().await.unwrap()
    }

    async fn get(&self, below: &str) -> Response {
        let request = self.service.client().get(self.at(below));
        request.send().await.unwrap()
    }

    async fn show(&self) -> Value {
        self.get("").await.json().await.unwrap()
    }

    async fn post(&self, below: &str) -> StatusCode {
        let request = self.service.client().post(self.at(below));
        request.send().await.unwrap().status()
    }

    async fn put(&self, below: &str, content: impl Into<reqwest::Body>) -> StatusCode {
        let request = self.service.client().put(self.at(below)).body(content);
        request.send().await.unwrap().status()
    }

    async fn delete(&self, below: &str) -> StatusCode {
        let request = self.service.client().delete(self.at(below));
        request.send().await.unwrap().status()
    }

    async fn is(&self, state: &str) {
        let is = async || self.show().await["state"] == state;
        eventually(state, is).await;
    }
}

#[tokio::test]
async fn a_session_keeps_variables_and_files_until_it_is_ended() {
    let service = Service::start(ENDS).await;
    let body = json!({ "name": "mine", "environment_variables": { "COLOUR": "green" } });
    let session = Session::make(&service, body).await;
    assert_eq!(session.run("import os; total = 40").await["status"], "ok");
    assert_eq!(
        session.put("/files/in/more.txt", "2").await,
        StatusCode::CREATED
    );
    let code = "total += int(open('in/more.txt').read())\nopen('total.txt', 'w').write(str(total))\nprint(os.environ['COLOUR'])";
    let answer = session.run(code).await;
    assert_eq!(answer["stdout"], "green\n", "{answer:#}");
    let made: Vec<&Value> = answer["files"].as_array().unwrap().iter().collect();
    assert_eq!(made.len(), 1, "{answer:#}");
    assert_eq!(made[0]["filename"], "total.txt");
    let read = session.get("/files/total.txt").await;
    assert_eq!(read.text().await.unwrap(), "42");
    let shown = session.show().await;
    assert_eq!(shown["name"], "mine");
    assert_eq!(shown["executions"], 2);
    assert!(
        shown["usage"]["memory_bytes"].as_u64().unwrap() > 1 << 20,
        "{shown:#}"
    );
    assert!(
        shown["usage"]["processes"].as_u64().unwrap() >= 2,
        "{shown:#}"
    );
    service.has_containers(1).await;
    assert_eq!(session.delete("").await, StatusCode::NO_CONTENT);
    assert_eq!(session.delete("").await, StatusCode::NOT_FOUND);
    service.has_containers(0).await;
}

#[tokio::test]
async fn code_is_interrupted_by_request_and_by_going_away_and_a_restart_forgets_it() {
    let service = Service::start(ENDS).await;
    let session = Session::make(&service, json!({})).await;
    let endless = "kept = 1\nopen('kept.txt', 'w').write('kept')\nwhile True: pass";
    let interrupt = async {
        session.is("busy").await;
        assert_eq!(session.post("/interrupt").await, StatusCode::NO_CONTENT);
    };
    let (interrupted, ()) = tokio::join!(session.run(endless), interrupt);
    let stacktrace = interrupted["stacktrace"].as_str().unwrap();
    assert!(stacktrace.contains("KeyboardInterrupt"), "{interrupted:#}");
    let streamed = service.client().post(session.at("/execute"));
    let streamed = streamed.header("accept", "text/event-stream");
    let streamed = streamed.json(&json!({ "code": "print(kept)\nwhile True: pass" }));
    let mut events = streamed.send().await.unwrap().bytes_stream();
    let first = events.next().await.unwrap().unwrap();
    assert!(first.starts_with(b"event: stream"), "{first:?}");
    drop(events);
    session.is("idle").await;
    assert_eq!(session.post("/restart").await, StatusCode::OK);
    let answer = session.run("print(open('kept.txt').read())\nkept").await;
    assert_eq!(answer["stdout"], "kept\n");
    assert!(
        answer["stacktrace"].as_str().unwrap().contains("NameError"),
        "{answer:#}"
    );
    assert_eq!(session.delete("").await, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn folders_go_in_and_out_as_tars() {
    let service = Service::start(ENDS).await;
    let session = Session::make(&service, json!({ "execution_environment": "bash" })).await;
    let mut tar = tar::Builder::new(Vec::new());
    for number in 0..100 {
        let mut header = tar::Header::new_gnu();
        header.set_size(3);
        header.set_mode(0o644);
        let path = format!("folder/{number}.txt");
        tar.append_data(&mut header, path, &b"abc"[..]).unwrap();
    }
    let tar = tar.into_inner().unwrap();
    let put = session.put("/files/project?format=tar", tar).await;
    assert_eq!(put, StatusCode::CREATED);
    let code =
        "cat project/folder/*.txt | wc -c; rm project/folder/1*; ln -s /etc/passwd project/link";
    assert_eq!(session.run(code).await["stdout"], "300\n");
    let listed: Value = session.get("/files/project").await.json().await.unwrap();
    assert_eq!(listed["entries"][0]["type"], "directory");
    assert_eq!(listed["entries"][1]["type"], "other", "{listed:#}");
    let linked = session.get("/files/project/link").await;
    assert_eq!(linked.status(), StatusCode::CONFLICT, "no link is followed");
    let packed = session.get("/files/project?format=tar").await;
    assert_eq!(packed.headers()["x-left-out"], "1");
    let packed = packed.bytes().await.unwrap();
    let mut archive = tar::Archive::new(&packed[..]);
    assert_eq!(archive.entries().unwrap().count(), 89);
    let hostile = session.put("/files?format=tar", outside()).await;
    assert_eq!(hostile, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        session.delete("/files/project").await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(session.run("ls").await["stdout"], "");
    assert_eq!(session.delete("").await, StatusCode::NO_CONTENT);
}

/// A tar with a name that leads upwards.
fn outside() -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    let name = b"../outside";
    header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name);
    header.set_size(0);
    header.set_cksum();
    let mut tar = tar::Builder::new(Vec::new());
    tar.append(&header, &b""[..]).unwrap();
    tar.into_inner().unwrap()
}

#[tokio::test]
async fn large_files_are_streamed_both_ways() {
    let service = Service::start(ENDS).await;
    let session = Session::make(&service, json!({ "execution_environment": "bash" })).await;
    session.put("/files/small", "1").await;
    let before = peak_memory(&service);
    let chunk = Bytes::from(vec![b'x'; MEBIBYTE]);
    let chunks = stream::iter((0..90).map(move |_| Ok::<_, std::io::Error>(chunk.clone())));
    let put = session
        .put("/files/large", reqwest::Body::wrap_stream(chunks))
        .await;
    assert_eq!(put, StatusCode::CREATED);
    let mut bytes = session.get("/files/large").await.bytes_stream();
    let mut length = 0;
    while let Some(chunk) = bytes.next().await {
        length += chunk.unwrap().len();
    }
    assert_eq!(length, 90 * MEBIBYTE);
    let grown = peak_memory(&service).saturating_sub(before);
    assert!(grown < 16 * MEBIBYTE as u64, "{grown} bytes for 90 MiB");
    assert_eq!(session.delete("").await, StatusCode::NO_CONTENT);
}

/// The most memory that the service had, in bytes.
fn peak_memory(service: &Service) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.unwrap().trim().trim_end_matches(" kB");
    kibibytes.parse::<u64>().unwrap() << 10
}

#[tokio::test]
async fn a_download_ends_with_its_session() {
    let service = Service::start(ENDS).await;
    let session = Session::make(&service, json!({ "execution_environment": "bash" })).await;
    let code = "head -c 90000000 /dev/zero > large";
    assert_eq!(session.run(code).await["status"], "ok");
    let mut bytes = session.get("/files/large").await.bytes_stream();
    bytes.next().await.unwrap().unwrap();
    assert_eq!(session.delete("").await, StatusCode::NO_CONTENT);
    service.has_containers(0).await;
    let rest: Vec<_> = bytes.collect().await;
    assert!(rest.last().unwrap().is_err(), "it must not look whole");
}

#[tokio::test]
async fn a_killed_service_finds_its_sessions_again() {
    let mut service = Service::start(&["--sessions-at-shutdown=keep"]).await;
    let session = Session::make(&service, json!({ "name": "kept" })).await;
    assert_eq!(session.run("kept = 42").await["status"], "ok");
    let path = session.url.replace(&service.url(""), "");
    service.kill();
    service.restart();
    let url = service.url(&path);
    let session = Session {
        service: &service,
        url,
    };
    assert_eq!(session.run("print(kept)").await["stdout"], "42\n");
    assert_eq!(session.show().await["name"], "kept");
    assert_eq!(session.delete("").await, StatusCode::NO_CONTENT);
    service.has_containers(0).await;
}
