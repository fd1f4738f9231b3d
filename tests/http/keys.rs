//! Who may ask, and who may see what.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::bench::{Bench, execute, keyed, path_of, request, with};

const HELLO: &str = r#"{"code": "print hello"}"#;

#[tokio::test]
async fn every_route_but_two_and_the_description_asks_for_a_key() {
    let bench = Bench::with_keys().await;
    for (method, path) in [
        (Method::POST, "/jupyter/execute"),
        (Method::GET, "/jupyter/list_kernel_specs"),
        (Method::GET, "/jupyter/files"),
        (Method::PUT, "/jupyter/files?filename=a"),
        (Method::PUT, "/jupyter/files/long-lifetime?filename=a"),
        (Method::GET, "/jupyter/files/a"),
        (Method::DELETE, "/jupyter/files/a"),
    ] {
        let answer = bench.send(request(method, path, Body::empty())).await;
        answer.problem(StatusCode::UNAUTHORIZED);
    }
    for path in [
        "/jupyter",
        "/jupyter/",
        "/jupyter/health",
        "/openapi.json",
        "/docs/",
    ] {
        assert_eq!(bench.get(path).await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn a_key_is_taken_from_each_header() {
    let bench = Bench::with_keys().await;
    for (name, value) in [
        ("x-api-key", "ada-key"),
        ("authorization", "Bearer ada-key"),
        ("authorization", "token ada-key"),
    ] {
        bench.send(with(execute(HELLO), name, value)).await.json();
    }
}

#[tokio::test]
async fn a_key_in_the_url_is_not_taken() {
    let bench = Bench::with_keys().await;
    let answer = bench.get("/jupyter/files?token=ada-key").await;
    answer.problem(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_file_is_its_owners() {
    let bench = Bench::with_keys().await;
    let upload = request(
        Method::PUT,
        "/jupyter/files?filename=a.txt",
        "secret".into(),
    );
    let stored = bench.send(keyed(upload, "ada-key")).await.json();
    let signed = path_of(&stored["url"]);
    let (path, _) = signed.split_once('?').unwrap();
    let get = |path: &str| request(Method::GET, path, Body::empty());

    let others = bench.send(keyed(get(path), "grace-key")).await;
    others.problem(StatusCode::NOT_FOUND);
    let list = bench.send(keyed(get("/jupyter/files"), "grace-key")).await;
    assert_eq!(list.json()["files"], json!([]));
    let delete = request(Method::DELETE, path, Body::empty());
    bench
        .send(keyed(delete, "grace-key"))
        .await
        .problem(StatusCode::NOT_FOUND);
    bench.get(path).await.problem(StatusCode::UNAUTHORIZED);

    let own = bench.send(keyed(get(path), "ada-key")).await;
    assert_eq!(own.bytes, "secret");
}

#[tokio::test]
async fn a_signed_url_needs_no_key_and_cannot_be_guessed() {
    let bench = Bench::with_keys().await;
    let upload = request(
        Method::PUT,
        "/jupyter/files?filename=a.txt",
        "secret".into(),
    );
    let stored = bench.send(keyed(upload, "ada-key")).await.json();
    let signed = path_of(&stored["url"]);
    assert_eq!(bench.get(&signed).await.bytes, "secret");

    let get = request(Method::GET, &signed, Body::empty());
    assert_eq!(bench.send(keyed(get, "grace-key")).await.bytes, "secret");
    let (path, _) = signed.split_once('?').unwrap();
    let forged = bench.get(&format!("{path}?signature=AAAA")).await;
    forged.problem(StatusCode::NOT_FOUND);
    let get = request(
        Method::GET,
        &format!("{path}?signature=AAAA"),
        Body::empty(),
    );
    assert_eq!(bench.send(keyed(get, "ada-key")).await.bytes, "secret");
}

#[tokio::test]
async fn a_request_can_use_a_file_of_anothers_only_by_its_signed_url() {
    let bench = Bench::with_keys().await;
    let upload = request(
        Method::PUT,
        "/jupyter/files?filename=a.txt",
        "secret".into(),
    );
    let stored = bench.send(keyed(upload, "ada-key")).await.json();
    let url = stored["url"].as_str().unwrap();
    let (unsigned, _) = url.split_once('?').unwrap();

    let body = |file: &str| json!({ "code": "read a.txt", "files": [file] }).to_string();
    let answer = bench.send(keyed(execute(body(url)), "grace-key")).await;
    assert_eq!(answer.json()["output"], "secret");
    let answer = bench
        .send(keyed(execute(body(unsigned)), "grace-key"))
        .await;
    assert_eq!(answer.fields(), ["body.files.0"]);
    let answer = bench.send(keyed(execute(body(unsigned)), "ada-key")).await;
    assert_eq!(answer.json()["output"], "secret");
}
