//! Jupyter's contents on real sandboxes: what outlives the service and the kernel, what fits, and what comes at once.

use futures::future::join_all;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::channels::Channels;
use crate::support::{Service, eventually};

async fn send(service: &Service, method: Method, path: &str, body: Value) -> Response {
    let request = service.client().request(method, service.url(path));
    request.json(&body).send().await.unwrap()
}

async fn save(service: &Service, path: &str, model: Value) -> Response {
    send(
        service,
        Method::PUT,
        &format!("/api/contents/{path}"),
        model,
    )
    .await
}

fn text(content: &str) -> Value {
    json!({"type": "file", "format": "text", "content": content})
}

async fn content(service: &Service, path: &str) -> Value {
    let model = service.get(&format!("/api/contents/{path}")).await;
    model["content"].clone()
}

async fn document(service: &Service, path: &str, kernel: Value) -> Response {
    let body = json!({"path": path, "name": "", "type": "notebook", "kernel": kernel});
    send(service, Method::POST, "/api/sessions", body).await
}

/// Runs code in a kernel; the answer.
async fn run(service: &Service, kernel: &Value, code: &str) -> Value {
    let path = format!(
        "/jupyter/sessions/{}/execute",
        kernel["id"].as_str().unwrap()
    );
    let ran = send(service, Method::POST, &path, json!({ "code": code })).await;
    ran.json().await.unwrap()
}

async fn end_all(service: &Service) {
    let list = service.get("/jupyter/sessions").await;
    for session in list["sessions"].as_array().unwrap() {
        let path = format!("/jupyter/sessions/{}", session["id"].as_str().unwrap());
        let ended = send(service, Method::DELETE, &path, Value::Null).await;
        assert_eq!(ended.status(), 204);
    }
    service.has_containers(0).await;
}

#[tokio::test]
async fn a_home_outlives_a_killed_service_and_is_home_to_the_next() {
    let mut service = Service::start(&["--sessions-at-shutdown=keep"]).await;
    let saved = save(&service, "d/kept.txt", text("kept")).await;
    assert_eq!(saved.status(), 201);
    service.kill();
    service.restart();
    assert_eq!(content(&service, "d/kept.txt").await, "kept");
    let again = save(&service, "more.txt", text("more")).await;
    assert_eq!(again.status(), 201);
    assert_eq!(service.containers().len(), 1, "the home's");
    end_all(&service).await;
    assert_eq!(content(&service, "").await, json!([]));
}

#[tokio::test]
async fn what_comes_at_once_to_an_owner_without_a_home_makes_one_sandbox() {
    let service = Service::start(&[]).await;
    let documents = (0..3).map(|_| document(&service, "a.ipynb", json!({})));
    let paths: Vec<_> = (0..3).map(|number| format!("{number}.txt")).collect();
    let writes = paths.iter().map(|path| save(&service, path, text(path)));
    let (documents, writes) = tokio::join!(join_all(documents), join_all(writes));
    for answer in documents.into_iter().chain(writes) {
        assert_eq!(answer.status(), 201);
    }
    assert_eq!(service.containers().len(), 1);
    let kernels = service.get("/api/kernels").await;
    let code = "import os\nprint(sorted(name for name in os.listdir() if name.endswith('.txt')))";
    let ran = run(&service, &kernels[0], code).await;
    assert_eq!(ran["output"], "['0.txt', '1.txt', '2.txt']", "{ran:#}");
    end_all(&service).await;
}

#[tokio::test]
async fn a_chunk_that_does_not_fit_leaves_the_file_as_it_was() {
    let service = Service::start(&["--sandbox-file-size=3MiB"]).await;
    let chunk = async |number: i64| {
        let mut model = text(&"x".repeat(2 << 20));
        model["chunk"] = json!(number);
        save(&service, "large.txt", model).await
    };
    assert_eq!(chunk(1).await.status(), 201);
    let refused = chunk(2).await;
    assert_eq!(refused.status(), 413);
    let refused: Value = refused.json().await.unwrap();
    let message = refused["message"].as_str().unwrap();
    assert!(message.contains("no room"), "{message}");
    let model = service.get("/api/contents/large.txt?content=0").await;
    assert_eq!(model["size"], 2 << 20);
    end_all(&service).await;
}

#[tokio::test]
async fn a_copy_whose_client_goes_away_leaves_nothing_half_made() {
    let service = Service::start(&[]).await;
    let saved = save(&service, "d/large.txt", text(&"x".repeat(24 << 20))).await;
    assert_eq!(saved.status(), 201);
    let kernels = service.get("/api/kernels").await;
    let id = kernels[0]["id"].as_str().unwrap();
    let shown = format!("/jupyter/sessions/{id}/files");
    let names = async || {
        let listed = service.get(&shown).await;
        let entries = listed["entries"].as_array().unwrap();
        let names = entries.iter().map(|entry| entry["name"].clone());
        names.collect::<Vec<_>>()
    };
    let is_half_made = async || {
        let names = names().await;
        names
            .iter()
            .any(|name| name.as_str().unwrap().starts_with(".cellblock-"))
    };
    let copy = send(
        &service,
        Method::POST,
        "/api/contents/",
        json!({"copy_from": "d"}),
    );
    tokio::select! {
        copied = copy => panic!("it was too fast: {copied:?}"),
        () = eventually("it is half made", is_half_made) => {}
    }
    eventually("it is made or gone", async || !is_half_made().await).await;
    end_all(&service).await;
}

/// Makes a variable, a process and a file.
const WHAT_MAY_STAY: &str = "import subprocess
x = 1
child = subprocess.Popen(['sleep', '1000'])
_ = open('b.txt', 'w').write('kept')";

/// Says which of them are still there.
const WHAT_IS_LEFT: &str = "import glob
names = [open(path).read().strip() for path in glob.glob('/proc/[0-9]*/comm')]
print('sleep' in names, 'x' in globals(), open('b.txt').read())";

/// A notebook at the root with a kernel that has a variable, a process of its own, and a file beside it; the document.
async fn opened(service: &Service) -> Value {
    let notebook = json!({"type": "notebook"});
    assert!(
        save(service, "a.ipynb", notebook)
            .await
            .status()
            .is_success()
    );
    let document = document(service, "a.ipynb", json!({"name": "python3"})).await;
    let document: Value = document.json().await.unwrap();
    let ran = run(service, &document["kernel"], WHAT_MAY_STAY).await;
    assert_eq!(ran["status"], "ok", "{ran:#}");
    let ran = run(service, &document["kernel"], WHAT_IS_LEFT).await;
    assert_eq!(ran["output"], "True True kept", "{ran:#}");
    document
}

/// That the files are there, in a kernel of which nothing else is.
async fn is_kept(service: &Service, before: &Value) {
    assert_eq!(
        service.get("/api/contents/a.ipynb").await["type"],
        "notebook"
    );
    assert_eq!(content(service, "b.txt").await, "kept");
    let again = document(service, "a.ipynb", json!({"name": "python3"})).await;
    let again: Value = again.json().await.unwrap();
    assert_eq!(again["kernel"]["id"], before["kernel"]["id"]);
    let ran = run(service, &again["kernel"], WHAT_IS_LEFT).await;
    assert_eq!(ran["output"], "False False kept", "{ran:#}");
}

async fn state(service: &Service, session: &str) -> Value {
    service.get(session).await["state"].clone()
}

fn path(document: &Value) -> String {
    format!("/api/sessions/{}", document["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_notebook_outlives_its_kernel_and_a_killed_service_and_nothing_else_of_it_does() {
    let mut service = Service::start(&["--sessions-at-shutdown=keep"]).await;
    let document = opened(&service).await;
    let kernel = document["kernel"]["id"].as_str().unwrap();
    let mut channels = Channels::connect(&service, kernel, "client").await;
    channels.execute("import time; time.sleep(1000)").await;
    let shown = format!("/jupyter/sessions/{kernel}");
    eventually("it runs", async || state(&service, &shown).await == "busy").await;
    let down = send(&service, Method::DELETE, &path(&document), Value::Null).await;
    assert_eq!(down.status(), 204);
    while channels.next().await.is_some() {}
    assert_eq!(service.get("/api/kernels").await, json!([]));
    service.kill();
    service.restart();
    assert_eq!(service.get("/api/kernels").await, json!([]));
    eventually("it waits for code", async || {
        state(&service, &shown).await == "idle"
    })
    .await;
    is_kept(&service, &document).await;
    assert_eq!(service.containers().len(), 1);
    end_all(&service).await;
}

#[tokio::test]
async fn a_notebook_outlives_the_kernel_that_it_had_before_one_of_another_environment() {
    let service = Service::start(&[]).await;
    let document = opened(&service).await;
    let bash = json!({"kernel": {"name": "bash"}});
    let switched = send(&service, Method::PATCH, &path(&document), bash).await;
    let switched: Value = switched.json().await.unwrap();
    assert_eq!(switched["kernel"]["name"], "bash", "{switched:#}");
    let kernels = service.get("/api/kernels").await;
    assert_eq!(kernels.as_array().unwrap().len(), 1, "{kernels:#}");
    assert_eq!(kernels[0]["id"], switched["kernel"]["id"]);
    let down = send(&service, Method::DELETE, &path(&switched), Value::Null).await;
    assert_eq!(down.status(), 204);
    service.has_containers(1).await;
    is_kept(&service, &document).await;
    end_all(&service).await;
}
