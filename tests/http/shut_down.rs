//! Jupyter's kernels that are shut down, and the files of a home, which outlive them.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api::{call, start};
use crate::bench::{Bench, request};
use crate::contents::{at, delete, get, put, text};

/// Saves a notebook at the root and gives it a kernel of Python's; the document with its kernel.
async fn open(bench: &Bench, path: &str) -> Value {
    put(bench, path, json!({"type": "notebook"})).await;
    document(bench, path, json!({"name": "python3"})).await
}

async fn document(bench: &Bench, path: &str, kernel: Value) -> Value {
    let body = json!({"path": path, "name": "", "type": "notebook", "kernel": kernel});
    let answer = call(bench, Method::POST, "/api/sessions", body).await;
    answer.json_of(StatusCode::CREATED)
}

fn kernel(document: &Value) -> &str {
    document["kernel"]["id"].as_str().unwrap()
}

fn kernel_path(document: &Value) -> String {
    format!("/api/kernels/{}", kernel(document))
}

fn path(document: &Value) -> String {
    format!("/api/sessions/{}", document["id"].as_str().unwrap())
}

async fn end(bench: &Bench, path: &str) {
    let answer = bench
        .send(request(Method::DELETE, path, Body::empty()))
        .await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{path}");
}

/// The ids in a list of Jupyter's.
async fn ids(bench: &Bench, path: &str) -> Vec<String> {
    let list = bench.get(path).await.json();
    let id = |model: &Value| model["id"].as_str().unwrap().to_owned();
    list.as_array().unwrap().iter().map(id).collect()
}

/// How many sessions there are, shown to Jupyter's clients or not.
async fn sessions(bench: &Bench) -> usize {
    let list = bench.get("/jupyter/sessions").await.json();
    list["sessions"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_notebook_outlives_its_kernel() {
    let bench = Bench::new().await;
    for way in [kernel_path, path] {
        let opened = open(&bench, "a.ipynb").await;
        end(&bench, &way(&opened)).await;
        for list in ["/api/kernels", "/api/sessions"] {
            assert!(ids(&bench, list).await.is_empty(), "{list}");
        }
        assert_eq!(bench.get("/api/status").await.json()["kernels"], 0);
        let kernel = kernel_path(&opened);
        for (method, path) in [
            (Method::GET, path(&opened)),
            (Method::DELETE, path(&opened)),
            (Method::GET, kernel.clone()),
            (Method::DELETE, kernel.clone()),
            (Method::POST, format!("{kernel}/interrupt")),
            (Method::POST, format!("{kernel}/restart")),
        ] {
            let refused = bench.send(request(method, &path, Body::empty())).await;
            refused.problem(StatusCode::NOT_FOUND);
        }
        assert_eq!(get(&bench, "a.ipynb").await["type"], "notebook");
        let shown = format!("/jupyter/sessions/{}", self::kernel(&opened));
        assert_eq!(bench.get(&shown).await.json()["state"], "idle");
    }
    assert_eq!(sessions(&bench).await, 1, "always the same");
}

#[tokio::test]
async fn a_notebook_outlives_the_kernel_that_it_had_before_another() {
    let bench = Bench::new().await;
    let opened = open(&bench, "a.ipynb").await;
    let switch = async |kernel: Value| {
        let changes = json!({ "kernel": kernel });
        let changed = call(&bench, Method::PATCH, &path(&opened), changes).await;
        changed.json()
    };
    let switched = switch(json!({"name": "bash"})).await;
    assert_eq!(switched["id"], opened["id"]);
    assert_eq!(ids(&bench, "/api/kernels").await, [kernel(&switched)]);
    assert_eq!(get(&bench, "a.ipynb").await["type"], "notebook");
    let back = switch(json!({"name": "python3"})).await;
    assert_eq!(kernel(&back), kernel(&opened), "the one beside it");
    assert_eq!(ids(&bench, "/api/kernels").await, [kernel(&opened)]);
    assert_eq!(ids(&bench, "/api/sessions").await.len(), 1);
    assert_eq!(sessions(&bench).await, 1, "the other has ended");
}

#[tokio::test]
async fn a_document_that_fits_is_given_the_kernel_again_and_nobody_else() {
    let bench = Bench::new().await;
    let opened = open(&bench, "a.ipynb").await;
    end(&bench, &kernel_path(&opened)).await;
    let by_id = json!({"path": "b", "type": "notebook", "kernel": {"id": kernel(&opened)}});
    let by_id = call(&bench, Method::POST, "/api/sessions", by_id).await;
    by_id.problem(StatusCode::NOT_FOUND);
    let other = document(&bench, "b.ipynb", json!({"name": "bash"})).await;
    let started = start(&bench, json!({})).await;
    let shown = ids(&bench, "/api/kernels").await;
    assert_eq!(shown, [kernel(&other), started["id"].as_str().unwrap()]);
    let again = document(&bench, "c.ipynb", json!({"name": "python3"})).await;
    assert_eq!(kernel(&again), kernel(&opened));
    assert_ne!(again["id"], opened["id"]);
    assert_eq!(ids(&bench, "/api/kernels").await.len(), 3);
}

#[tokio::test]
async fn every_way_of_saving_something_in_the_home_keeps_it() {
    let bench = Bench::new().await;
    let ways = [
        (Method::PUT, "b", text("1")),
        (Method::POST, "", json!({})),
        (Method::PATCH, "a", json!({"path": "b"})),
        (Method::POST, "a/checkpoints", Value::Null),
    ];
    for (method, path, body) in ways {
        let started = start(&bench, json!({})).await;
        let id = started["id"].as_str().unwrap();
        let file = format!("/jupyter/sessions/{id}/files/a");
        bench.send(request(Method::PUT, &file, "1".into())).await;
        let saved = call(&bench, method, &at(path), body).await;
        assert!(saved.status.is_success(), "{saved:?}");
        end(&bench, &format!("/api/kernels/{id}")).await;
        assert!(ids(&bench, "/api/kernels").await.is_empty());
        assert_ne!(get(&bench, "").await["content"], json!([]));
        end(&bench, &format!("/jupyter/sessions/{id}")).await;
        assert_eq!(get(&bench, "").await["content"], json!([]));
    }
}

#[tokio::test]
async fn a_kernel_beside_which_nothing_was_saved_leaves_no_session() {
    let bench = Bench::new().await;
    let home = start(&bench, json!({})).await;
    let other = start(&bench, json!({})).await;
    let folder = other["id"].as_str().unwrap();
    let saved = put(&bench, &format!("{folder}/a"), text("1")).await;
    saved.json_of(StatusCode::CREATED);
    get(&bench, "").await;
    put(&bench, "a", json!({"type": "notebook", "content": 1}))
        .await
        .problem(StatusCode::BAD_REQUEST);
    delete(&bench, "a").await.problem(StatusCode::NOT_FOUND);
    for kernel in [home, other] {
        let id = kernel["id"].as_str().unwrap();
        end(&bench, &format!("/api/kernels/{id}")).await;
    }
    assert_eq!(sessions(&bench).await, 0);
}
