//! Jupyter's sessions: documents that have a kernel.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api::{call, start};
use crate::bench::{Answer, Bench, keyed, request};

fn notebook(path: &str, kernel: Value) -> Value {
    json!({"path": path, "name": "a", "type": "notebook", "kernel": kernel})
}

async fn create(bench: &Bench, body: Value) -> Value {
    let answer = call(bench, Method::POST, "/api/sessions", body).await;
    let model = answer.json_of(StatusCode::CREATED);
    assert_eq!(answer.header("location"), path(&model));
    model
}

fn path(model: &Value) -> String {
    format!("/api/sessions/{}", model["id"].as_str().unwrap())
}

fn kernel_path(model: &Value) -> String {
    format!("/api/kernels/{}", model["kernel"]["id"].as_str().unwrap())
}

async fn change(bench: &Bench, model: &Value, changes: Value) -> Answer {
    call(bench, Method::PATCH, &path(model), changes).await
}

async fn delete(bench: &Bench, path: &str) -> StatusCode {
    let answer = bench
        .send(request(Method::DELETE, path, Body::empty()))
        .await;
    answer.status
}

#[tokio::test]
async fn a_document_gets_a_kernel_and_keeps_it() {
    let bench = Bench::new().await;
    let model = create(&bench, notebook("a.ipynb", json!({"name": "python3"}))).await;
    assert_eq!(model["path"], "a.ipynb");
    assert_eq!(model["type"], "notebook");
    assert_eq!(model["notebook"], json!({"path": "a.ipynb", "name": "a"}));
    assert_eq!(model["kernel"]["name"], "python3");
    let again = create(&bench, notebook("a.ipynb", json!({"name": "bash"}))).await;
    assert_eq!(again["id"], model["id"]);
    assert_eq!(again["kernel"]["id"], model["kernel"]["id"]);
    assert_eq!(bench.get(&path(&model)).await.json()["path"], "a.ipynb");
    let list = bench.get("/api/sessions").await.json();
    assert_eq!(list.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_kernel_that_runs_can_be_a_document_s_and_only_one_s() {
    let bench = Bench::new().await;
    let kernel = start(&bench, json!({})).await;
    assert_eq!(bench.get("/api/sessions").await.json(), json!([]));
    let model = create(&bench, notebook("a.ipynb", json!({"id": kernel["id"]}))).await;
    assert_eq!(model["kernel"]["id"], kernel["id"]);
    let other = notebook("b.ipynb", json!({"id": kernel["id"]}));
    let other = call(&bench, Method::POST, "/api/sessions", other).await;
    other.problem(StatusCode::CONFLICT);
    let unknown = notebook("c.ipynb", json!({"id": "no-id"}));
    let unknown = call(&bench, Method::POST, "/api/sessions", unknown).await;
    unknown.problem(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_document_is_moved_and_renamed() {
    let bench = Bench::new().await;
    let model = create(&bench, notebook("a.ipynb", json!({}))).await;
    let moved = change(&bench, &model, json!({"path": "b.ipynb", "name": "b"}))
        .await
        .json();
    assert_eq!(
        (&moved["path"], &moved["name"]),
        (&json!("b.ipynb"), &json!("b"))
    );
    assert_eq!(moved["kernel"]["id"], model["kernel"]["id"]);
    let same = change(
        &bench,
        &model,
        json!({"kernel": {"id": model["kernel"]["id"]}}),
    )
    .await;
    assert_eq!(same.json()["path"], "b.ipynb");
}

#[tokio::test]
async fn a_document_that_gets_another_kernel_keeps_its_id_and_ends_the_old_one() {
    let bench = Bench::new().await;
    let model = create(&bench, notebook("a.ipynb", json!({}))).await;
    let named = change(&bench, &model, json!({"kernel": {"name": "bash"}}))
        .await
        .json();
    assert_eq!(named["id"], model["id"]);
    assert_eq!(named["kernel"]["name"], "bash");
    bench
        .get(&kernel_path(&model))
        .await
        .problem(StatusCode::NOT_FOUND);
    let kernel = start(&bench, json!({})).await;
    let there = json!({"kernel": {"id": kernel["id"], "name": "bash"}});
    let there = change(&bench, &model, there).await.json();
    assert_eq!(there["kernel"]["id"], kernel["id"]);
    bench
        .get(&kernel_path(&named))
        .await
        .problem(StatusCode::NOT_FOUND);
    let unknown = change(&bench, &model, json!({"kernel": {"name": "nothing"}})).await;
    assert_eq!(unknown.fields(), ["body.name"]);
    assert_eq!(
        bench.get(&path(&model)).await.json()["kernel"]["id"],
        kernel["id"]
    );
}

#[tokio::test]
async fn a_document_and_its_kernel_end_together() {
    let bench = Bench::new().await;
    let model = create(&bench, notebook("a.ipynb", json!({}))).await;
    assert_eq!(delete(&bench, &path(&model)).await, StatusCode::NO_CONTENT);
    for path in [path(&model), kernel_path(&model)] {
        bench.get(&path).await.problem(StatusCode::NOT_FOUND);
    }
    assert_eq!(delete(&bench, &path(&model)).await, StatusCode::NOT_FOUND);
    let model = create(&bench, notebook("a.ipynb", json!({}))).await;
    assert_eq!(
        delete(&bench, &kernel_path(&model)).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(bench.get("/api/sessions").await.json(), json!([]));
}

#[tokio::test]
async fn a_document_is_its_owner_s() {
    let bench = Bench::with_keys().await;
    bench
        .get("/api/sessions")
        .await
        .problem(StatusCode::UNAUTHORIZED);
    let body = notebook("a.ipynb", json!({})).to_string();
    let post = || request(Method::POST, "/api/sessions", body.clone().into());
    let ada = bench
        .send(keyed(post(), "ada-key"))
        .await
        .json_of(StatusCode::CREATED);
    let grace = bench
        .send(keyed(post(), "grace-key"))
        .await
        .json_of(StatusCode::CREATED);
    assert_ne!(ada["kernel"]["id"], grace["kernel"]["id"]);
    let get = request(Method::GET, &path(&ada), Body::empty());
    bench
        .send(keyed(get, "grace-key"))
        .await
        .problem(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_document_needs_a_path_and_a_type_of_a_sane_length() {
    let bench = Bench::new().await;
    for body in [
        json!(null),
        json!({"path": "a"}),
        json!({"type": "notebook"}),
        json!({"path": "a".repeat(5000), "type": "notebook"}),
        json!({"path": "a", "type": "notebook", "kernel": "python"}),
    ] {
        let answer = call(&bench, Method::POST, "/api/sessions", body).await;
        answer.problem(StatusCode::BAD_REQUEST);
    }
    assert_eq!(bench.get("/api/kernels").await.json(), json!([]));
}
