//! Whatever goes wrong comes in one form.

use axum::body::Body;
use axum::http::{Method, StatusCode};

use crate::bench::{Bench, execute, request, with};

#[tokio::test]
async fn an_unknown_route_is_a_problem() {
    let bench = Bench::new().await;
    for path in ["/", "/jupyter/nothing", "/jupyter/files/a/b"] {
        bench.get(path).await.problem(StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_wrong_method_is_a_problem_that_names_the_right_ones() {
    let bench = Bench::new().await;
    let answer = bench.get("/jupyter/execute").await;
    answer.problem(StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.header("allow"), "POST");
    let post = request(Method::POST, "/jupyter/files", Body::empty());
    bench
        .send(post)
        .await
        .problem(StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn every_answer_has_an_id() {
    let bench = Bench::new().await;
    let first = bench
        .get("/jupyter/")
        .await
        .header("x-request-id")
        .to_owned();
    let second = bench
        .get("/jupyter/")
        .await
        .header("x-request-id")
        .to_owned();
    assert!(!first.is_empty());
    assert_ne!(first, second);
}

#[tokio::test]
async fn an_id_that_could_forge_log_lines_is_replaced() {
    let bench = Bench::new().await;
    for id in ["two words", "a=\"b\"", &"x".repeat(129)] {
        let answer = bench.send(with(execute("{}"), "x-request-id", id)).await;
        assert_ne!(answer.header("x-request-id"), id);
        answer.problem(StatusCode::UNPROCESSABLE_ENTITY);
    }
}
