//! Jupyter's own API: kernels, as Jupyter's clients start, look up and end them.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use cellblock::sandbox::fake::{Happening, environment};
use serde_json::{Value, json};

use crate::bench::{Answer, Bench, keyed, request, with};

/// An id that nothing has.
const NOBODY: &str = "0b8f6f3c-3c5f-4a53-9f0e-2b7a5a0f6f11";

/// Sends JSON without saying that it is, as several clients do.
pub async fn call(bench: &Bench, method: Method, path: &str, body: Value) -> Answer {
    let body = Body::from(body.to_string());
    bench.send(request(method, path, body)).await
}

/// Starts a kernel; its model.
pub async fn start(bench: &Bench, body: Value) -> Value {
    let answer = call(bench, Method::POST, "/api/kernels", body).await;
    answer.json_of(StatusCode::CREATED)
}

fn path(model: &Value, more: &str) -> String {
    format!("/api/kernels/{}{more}", model["id"].as_str().unwrap())
}

async fn empty(bench: &Bench, method: Method, path: &str) -> Answer {
    bench.send(request(method, path, Body::empty())).await
}

#[tokio::test]
async fn the_version_needs_no_key_and_all_else_does() {
    let bench = Bench::with_keys().await;
    for path in ["/api", "/api/"] {
        assert!(bench.get(path).await.json()["version"].is_string());
    }
    for path in [
        "/api/status",
        "/api/me",
        "/api/kernelspecs",
        "/api/kernelspecs/python",
        "/kernelspecs/python/logo-svg.svg",
        "/api/kernels",
        &format!("/api/kernels/{NOBODY}"),
    ] {
        let problem = bench.get(path).await.problem(StatusCode::UNAUTHORIZED);
        assert!(problem["message"].is_string());
        bench
            .get(&format!("{path}?token=wrong"))
            .await
            .problem(StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_key_is_taken_wherever_jupyter_s_clients_put_it() {
    let bench = Bench::with_keys().await;
    let get = || request(Method::GET, "/api/kernels", Body::empty());
    for (name, value) in [
        ("authorization", "token ada-key"),
        ("authorization", "Bearer ada-key"),
        ("x-api-key", "ada-key"),
    ] {
        bench.send(with(get(), name, value)).await.json();
    }
    bench.get("/api/kernels?token=ada-key").await.json();
}

#[tokio::test]
async fn who_asks_is_told_who_it_is() {
    let bench = Bench::with_keys().await;
    let me = bench
        .get("/api/me?token=ada-key&permissions=%7B%22kernels%22:%5B%22read%22%5D%7D")
        .await
        .json();
    assert_eq!(me["identity"]["username"], "ada");
    assert_eq!(me["identity"]["initials"], "A");
    assert_eq!(me["permissions"], json!({"kernels": ["read"]}));
    let wrong = bench.get("/api/me?token=ada-key&permissions=%5B%5D").await;
    assert_eq!(wrong.fields(), ["query.permissions"]);
}

#[tokio::test]
async fn environments_are_kernelspecs() {
    let bench = Bench::new().await;
    let specs = bench.get("/api/kernelspecs").await.json();
    assert_eq!(specs["default"], "python3");
    let names: Vec<_> = specs["kernelspecs"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["bash", "python3"]);
    let bash = &specs["kernelspecs"]["bash"];
    assert_eq!(bash["name"], "bash");
    assert_eq!(bash["spec"]["display_name"], "BASH");
    assert_eq!(bash["spec"]["interrupt_mode"], "signal");
    assert_eq!(bench.get("/api/kernelspecs/bash").await.json(), *bash);
    let logo = bash["resources"]["logo-svg"].as_str().unwrap();
    let logo = bench.get(logo).await;
    assert_eq!(logo.header("content-type"), "image/svg+xml");
    for path in [
        "/api/kernelspecs/nothing",
        "/kernelspecs/bash/kernel.js",
        "/kernelspecs/nothing/logo-svg.svg",
    ] {
        bench.get(path).await.problem(StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn without_python_the_first_kernel_is_the_usual_one() {
    let bench = Bench::with(|settings| settings.pool.size = 0).await;
    bench.engine.set_environments(vec![environment("bash")]);
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(60)).await;
    let specs = bench.get("/api/kernelspecs").await.json();
    assert_eq!(specs["default"], "bash");
}

#[tokio::test]
async fn a_post_without_a_body_starts_the_usual_kernel() {
    let bench = Bench::new().await;
    let answer = empty(&bench, Method::POST, "/api/kernels").await;
    let model = answer.json_of(StatusCode::CREATED);
    assert_eq!(answer.header("location"), path(&model, ""));
    assert_eq!(model["name"], "python3");
    assert_eq!(model["execution_state"], "idle");
    assert_eq!(model["connections"], 0);
    let activity = model["last_activity"].as_str().unwrap();
    assert_eq!(activity.len(), "2026-01-01T00:00:00.000000Z".len());
    assert_eq!(bench.get(&path(&model, "")).await.json()["id"], model["id"]);
    assert_eq!(
        bench
            .get("/api/kernels")
            .await
            .json()
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn the_names_that_notebooks_carry_mean_an_environment() {
    let bench = Bench::new().await;
    for (asked, name) in [
        ("python3", "python3"),
        ("python", "python3"),
        ("bash", "bash"),
        ("xpython", "python3"),
    ] {
        assert_eq!(start(&bench, json!({"name": asked})).await["name"], name);
    }
    let answer = call(&bench, Method::POST, "/api/kernels", json!({"name": "ir"})).await;
    assert_eq!(answer.fields(), ["body.name"]);
    let problem = answer.problem(StatusCode::UNPROCESSABLE_ENTITY);
    let message = problem["message"].as_str().unwrap();
    assert!(message.contains("bash, python3"), "{message}");
}

#[tokio::test]
async fn what_gateways_say_of_a_kernel_does_not_cost_a_sandbox_of_its_own() {
    let bench = Bench::new().await;
    let body = json!({
        "name": "python",
        "path": "a/b.ipynb",
        "env": {"KERNEL_ID": NOBODY, "KERNEL_USERNAME": "ada", "KERNEL_WORKING_DIR": "/home/ada"},
        "made_up": [1],
    });
    let model = start(&bench, body.clone()).await;
    assert_eq!(model["id"], NOBODY);
    let plain = |happening: &Happening| match happening {
        Happening::Begun(spec) => spec.environment_variables.is_empty(),
        _ => true,
    };
    assert!(bench.engine.history().iter().all(plain));
    let again = call(&bench, Method::POST, "/api/kernels", body).await;
    again.problem(StatusCode::CONFLICT);
    let answer = call(
        &bench,
        Method::POST,
        "/api/kernels",
        json!({"env": {"KERNEL_ID": "1"}}),
    )
    .await;
    assert_eq!(answer.fields(), ["body.env.KERNEL_ID"]);
    let answer = call(
        &bench,
        Method::POST,
        "/api/kernels",
        json!({"env": {"a b": "1"}}),
    )
    .await;
    assert_eq!(answer.fields(), ["body.env.a b"]);
}

#[tokio::test]
async fn a_body_that_is_none_is_refused() {
    let bench = Bench::new().await;
    for body in ["{", "[]", r#"{"name": 1}"#, r#"{"env": {"A": 1}}"#] {
        let answer = bench
            .send(request(Method::POST, "/api/kernels", body.into()))
            .await;
        answer.problem(StatusCode::BAD_REQUEST);
    }
    let large = format!(r#"{{"name": "{}"}}"#, "x".repeat(2 << 20));
    let answer = bench
        .send(request(Method::POST, "/api/kernels", large.into()))
        .await;
    answer.problem(StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(bench.get("/api/kernels").await.json(), json!([]));
}

#[tokio::test]
async fn a_kernel_is_interrupted_restarted_and_ended() {
    let bench = Bench::new().await;
    let model = start(&bench, json!({})).await;
    let interrupted = empty(&bench, Method::POST, &path(&model, "/interrupt")).await;
    assert_eq!(interrupted.status, StatusCode::NO_CONTENT);
    let restarted = empty(&bench, Method::POST, &path(&model, "/restart")).await;
    assert_eq!(restarted.json()["id"], model["id"]);
    let ended = empty(&bench, Method::DELETE, &path(&model, "")).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    assert!(ended.bytes.is_empty());
    for (method, more) in [
        (Method::GET, ""),
        (Method::DELETE, ""),
        (Method::POST, "/interrupt"),
        (Method::POST, "/restart"),
    ] {
        let answer = empty(&bench, method, &path(&model, more)).await;
        answer.problem(StatusCode::NOT_FOUND);
    }
    empty(&bench, Method::GET, "/api/kernels/no-id")
        .await
        .problem(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_kernel_is_its_owner_s() {
    let bench = Bench::with_keys().await;
    let post = request(Method::POST, "/api/kernels", Body::empty());
    let model = bench
        .send(keyed(post, "ada-key"))
        .await
        .json_of(StatusCode::CREATED);
    for (method, more) in [
        (Method::GET, ""),
        (Method::DELETE, ""),
        (Method::POST, "/interrupt"),
        (Method::POST, "/restart"),
    ] {
        let request = request(method, &path(&model, more), Body::empty());
        let answer = bench.send(keyed(request, "grace-key")).await;
        answer.problem(StatusCode::NOT_FOUND);
    }
    assert_eq!(
        bench.get("/api/kernels?token=grace-key").await.json(),
        json!([])
    );
    assert_eq!(
        bench.get("/api/status?token=grace-key").await.json()["kernels"],
        0
    );
    assert_eq!(
        bench.get("/api/status?token=ada-key").await.json()["kernels"],
        1
    );
}

#[tokio::test]
async fn everything_is_served_below_the_base_path() {
    let bench = Bench::with(|settings| settings.server.base_path = "/user/ada/".to_owned()).await;
    for path in [
        "/user/ada/api",
        "/user/ada/jupyter/health",
        "/user/ada/docs/",
    ] {
        assert_eq!(bench.get(path).await.status, StatusCode::OK, "{path}");
    }
    bench.get("/api").await.problem(StatusCode::NOT_FOUND);
    let specs = bench.get("/user/ada/api/kernelspecs").await.json();
    let logo = specs["kernelspecs"]["bash"]["resources"]["logo-svg"]
        .as_str()
        .unwrap();
    assert_eq!(bench.get(logo).await.status, StatusCode::OK);
    let api = bench.get("/user/ada/openapi.json").await.json();
    assert_eq!(api["servers"][0]["url"], "/user/ada");
    let answer = empty(&bench, Method::POST, "/user/ada/api/kernels").await;
    assert!(
        answer
            .header("location")
            .starts_with("/user/ada/api/kernels/")
    );
}
