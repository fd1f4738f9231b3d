//! Bodies that mean to use the service up.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::bench::{Answer, Bench, execute, request, with};
use crate::contents::at;

/// JSON so deep that whoever follows it by recursion has no stack left.
fn deep() -> [String; 2] {
    const DEPTH: usize = 100_000;
    let nest = |open: &str, close: &str| open.repeat(DEPTH) + "1" + &close.repeat(DEPTH);
    [nest("[", "]"), nest("{\"a\":", "}")]
}

#[tokio::test]
async fn json_however_deep_is_refused_where_it_stands() {
    let bench = Bench::new().await;
    for deep in deep() {
        bench.send(execute(deep.clone())).await.fields();
        for field in [
            "code",
            "execution_environment",
            "timeout",
            "memory",
            "files",
            "stdin",
            "environment_variables",
            "packages",
            "network",
            "no_field_of_ours",
        ] {
            let body = format!("{{\"code\": \"print 1\", \"{field}\": {deep}}}");
            let wrong = bench.send(execute(body)).await.fields();
            let named = format!("body.{field}");
            assert!(wrong.iter().all(|it| it.starts_with(&named)), "{wrong:?}");
        }
    }
    assert_eq!(bench.run("print on").await.json()["output"], "on");
}

#[tokio::test]
async fn json_however_deep_is_refused_by_the_other_routes_too() {
    let bench = Bench::new().await;
    for deep in deep() {
        for (method, path, body) in [
            (
                Method::POST,
                "/jupyter/sessions",
                format!("{{\"metadata\": {deep}}}"),
            ),
            (
                Method::POST,
                "/jupyter/sessions",
                format!("{{\"metadata\": {{\"a\": {deep}}}}}"),
            ),
            (Method::POST, "/api/kernels", format!("{{\"env\": {deep}}}")),
            (
                Method::POST,
                "/api/sessions",
                format!("{{\"kernel\": {deep}}}"),
            ),
            (Method::PUT, "/jupyter/files", deep.clone()),
        ] {
            let request = request(method, path, body.into());
            let answer = bench
                .send(with(request, "content-type", "application/json"))
                .await;
            assert!(answer.status.is_client_error(), "{path}: {}", answer.status);
        }
    }
}

#[tokio::test]
async fn a_notebook_however_deep_is_kept_as_it_is() {
    let bench = Bench::new().await;
    for deep in deep() {
        let cell = format!(r#"{{"cell_type": "code", "source": "", "metadata": {{"a": {deep}}}}}"#);
        let notebook = format!(
            r#"{{"nbformat": 4, "nbformat_minor": 5, "metadata": {{}}, "cells": [{cell}]}}"#
        );
        let model = format!(r#"{{"type": "notebook", "format": "json", "content": {notebook}}}"#);
        let saved = request(Method::PUT, &at("a.ipynb"), model.into());
        let saved = bench
            .send(with(saved, "content-type", "application/json"))
            .await;
        assert!(saved.status.is_success(), "{}", saved.status);
        let read = bench.get(&at("a.ipynb")).await;
        assert_eq!(read.status, StatusCode::OK);
        let read = std::str::from_utf8(&read.bytes).unwrap();
        assert!(read.contains(&deep));
    }
}

#[tokio::test]
async fn of_a_million_things_wrong_some_are_told() {
    let bench = Bench::new().await;
    let unknown: String = (0..1_000_000).map(|n| format!("\"{n}\": 0, ")).collect();
    let body = format!("{{{unknown}\"code\": \"\"}}");
    assert_eq!(bench.send(execute(body)).await.fields().len(), 50);
}

#[tokio::test]
async fn stdin_has_no_more_lines_than_a_list_may_have() {
    let bench = Bench::new().await;
    for (lines, wrong) in [(10_000, false), (10_001, true)] {
        let fields = json!({"code": "print 1", "stdin": "\n".repeat(lines)});
        let answer = bench.execute(&fields).await;
        if wrong {
            assert_eq!(answer.fields(), ["body.stdin"]);
        } else {
            assert_eq!(answer.status, StatusCode::OK);
        }
    }
}

#[tokio::test]
async fn what_is_compressed_stays_so() {
    let bench = Bench::new().await;
    // As gzip begins.
    let compressed: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\x03";
    let send =
        async |request| -> Answer { bench.send(with(request, "content-encoding", "gzip")).await };
    let stored = request(
        Method::PUT,
        "/jupyter/files?filename=a.gz",
        Body::from(compressed),
    );
    let stored = send(stored).await.json();
    assert_eq!(stored["size"], compressed.len());
    let refused = send(execute(compressed)).await;
    refused.problem(StatusCode::BAD_REQUEST);
}
