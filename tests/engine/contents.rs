//! Jupyter's contents on real sandboxes: what outlives the service, what fits, and what comes at once.

use futures::future::join_all;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::support::Service;

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

async fn end_all(service: &Service) {
    for kernel in service.get("/api/kernels").await.as_array().unwrap() {
        let path = format!("/api/kernels/{}", kernel["id"].as_str().unwrap());
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
    let document = json!({"path": "a.ipynb", "name": "", "type": "notebook", "kernel": {}});
    let documents = (0..3).map(|_| {
        let document = document.clone();
        send(&service, Method::POST, "/api/sessions", document)
    });
    let paths: Vec<_> = (0..3).map(|number| format!("{number}.txt")).collect();
    let writes = paths.iter().map(|path| save(&service, path, text(path)));
    let (documents, writes) = tokio::join!(join_all(documents), join_all(writes));
    for answer in documents.into_iter().chain(writes) {
        assert_eq!(answer.status(), 201);
    }
    assert_eq!(service.containers().len(), 1);
    let kernels = service.get("/api/kernels").await;
    let id = kernels[0]["id"].as_str().unwrap();
    let execute = format!("/jupyter/sessions/{id}/execute");
    let code = "import os\nprint(sorted(name for name in os.listdir() if name.endswith('.txt')))";
    let ran = send(&service, Method::POST, &execute, json!({ "code": code })).await;
    let ran: Value = ran.json().await.unwrap();
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
