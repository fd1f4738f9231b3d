//! Whose files Jupyter's paths mean: the home's, those of other sessions, and nobody else's.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use cellblock::sandbox::fake::{Presence, Starts};
use serde_json::{Value, json};

use crate::api::{call, start};
use crate::bench::{Bench, keyed, request, with};
use crate::contents::{at, delete, get, home_files, names, put, text};

fn id(model: &Value) -> &str {
    model["id"].as_str().unwrap()
}

async fn kernels(bench: &Bench) -> usize {
    let kernels = bench.get("/api/kernels").await.json();
    kernels.as_array().unwrap().len()
}

async fn document(bench: &Bench, path: &str, kernel: Value) -> Value {
    let body = json!({"path": path, "name": "", "type": "notebook", "kernel": kernel});
    let answer = call(bench, Method::POST, "/api/sessions", body).await;
    answer.json_of(StatusCode::CREATED)["kernel"].clone()
}

/// Runs code in a kernel.
async fn run(bench: &Bench, kernel: &Value, code: &str) -> Value {
    let path = format!("/jupyter/sessions/{}/execute", id(kernel));
    let body = json!({ "code": code }).to_string();
    let request = request(Method::POST, &path, body.into());
    let request = with(request, "content-type", "application/json");
    bench.send(request).await.json()
}

#[tokio::test]
async fn without_a_home_the_root_is_empty_and_the_first_write_makes_one() {
    let bench = Bench::new().await;
    for path in ["/api/contents", "/api/contents/"] {
        let root = bench.get(path).await.json();
        assert_eq!(
            (&root["type"], &root["path"]),
            (&json!("directory"), &json!(""))
        );
        assert_eq!(root["content"], json!([]));
    }
    let missing = StatusCode::NOT_FOUND;
    bench.get(&at("a")).await.problem(missing);
    delete(&bench, "a").await.problem(missing);
    bench.get(&at("a/checkpoints")).await.problem(missing);
    let inside = call(&bench, Method::POST, &at("a"), json!({})).await;
    inside.problem(missing);
    bench.get("/files/a").await.problem(missing);
    assert_eq!(kernels(&bench).await, 0, "nothing of that makes a session");
    put(&bench, "a", text("1"))
        .await
        .json_of(StatusCode::CREATED);
    assert_eq!(kernels(&bench).await, 1);
    assert_eq!(names(&bench, "").await, ["a"]);
}

#[tokio::test]
async fn writes_at_once_make_one_home() {
    let bench = Bench::new().await;
    let paths: Vec<_> = (0..8).map(|number| number.to_string()).collect();
    let writes = paths.iter().map(|path| put(&bench, path, text("1")));
    for written in futures::future::join_all(writes).await {
        written.json_of(StatusCode::CREATED);
    }
    assert_eq!(kernels(&bench).await, 1);
    assert_eq!(names(&bench, "").await.len(), 8);
}

#[tokio::test]
async fn a_home_that_cannot_be_made_is_told_and_the_next_write_tries_again() {
    let bench = Bench::with(|settings| settings.pool.size = 0).await;
    bench.engine.set_starts(Starts::Fail);
    put(&bench, "a", text(""))
        .await
        .problem(StatusCode::GATEWAY_TIMEOUT);
    bench.engine.set_starts(Starts::Work);
    put(&bench, "a", text(""))
        .await
        .json_of(StatusCode::CREATED);
}

#[tokio::test]
async fn a_kernel_works_where_the_root_is() {
    let bench = Bench::new().await;
    let kernel = start(&bench, json!({})).await;
    put(&bench, "in.txt", text("1"))
        .await
        .json_of(StatusCode::CREATED);
    assert_eq!(
        home_files(&bench).await,
        format!("/jupyter/sessions/{}/files", id(&kernel))
    );
    let ran = run(&bench, &kernel, "read in.txt").await;
    assert_eq!((&ran["stdout"], &ran["files"]), (&json!("1"), &Value::Null));
    run(&bench, &kernel, "write out.txt 2").await;
    assert_eq!(names(&bench, "").await, ["in.txt", "out.txt"]);
    assert_eq!(get(&bench, "out.txt").await["content"], "2");
}

#[tokio::test]
async fn every_other_session_is_a_folder_that_stays_as_it_is() {
    let bench = Bench::new().await;
    let home = start(&bench, json!({})).await;
    let made = request(Method::POST, "/jupyter/sessions", Body::empty());
    let other = bench.send(made).await.json_of(StatusCode::CREATED);
    let (home, other) = (id(&home), id(&other));
    assert_eq!(names(&bench, "").await, [other]);
    let path = format!("{other}/d/a");
    put(&bench, &path, text("1"))
        .await
        .json_of(StatusCode::CREATED);
    assert_eq!(
        get(&bench, other).await["content"][0]["path"],
        format!("{other}/d")
    );
    let read = format!("/jupyter/sessions/{other}/files/d/a");
    assert_eq!(bench.get(&read).await.bytes, "1");
    assert_eq!(bench.get(&format!("/files/{path}")).await.bytes, "1");
    put(&bench, &format!("{home}/b"), text("2"))
        .await
        .json_of(StatusCode::CREATED);
    assert_eq!(get(&bench, "b").await["content"], "2");
    let copy = call(&bench, Method::POST, &at(""), json!({ "copy_from": path })).await;
    assert_eq!(copy.json_of(StatusCode::CREATED)["path"], "a");
    let forbidden = StatusCode::FORBIDDEN;
    for folder in [home, other] {
        let to = json!({"path": "x"});
        for refused in [
            delete(&bench, folder).await,
            put(&bench, folder, text("")).await,
            put(&bench, folder, json!({"type": "directory"})).await,
            call(&bench, Method::PATCH, &at(folder), to).await,
            call(&bench, Method::PATCH, &at("b"), json!({ "path": folder })).await,
        ] {
            let problem = refused.problem(forbidden);
            let message = problem["message"].as_str().unwrap();
            assert!(
                message.contains(&format!("/jupyter/sessions/{folder}")),
                "{message}"
            );
        }
    }
    let across = json!({"path": format!("{other}/b")});
    let across = call(&bench, Method::PATCH, &at("b"), across).await;
    across.problem(StatusCode::BAD_REQUEST);
    let same = json!({"path": format!("{home}/c")});
    call(&bench, Method::PATCH, &at("b"), same).await.json();
    assert_eq!(names(&bench, "").await, ["a", "c", other]);
}

#[tokio::test]
async fn what_is_named_like_a_session_in_the_home_does_not_stand_for_one() {
    let bench = Bench::new().await;
    put(&bench, "a", text("1"))
        .await
        .json_of(StatusCode::CREATED);
    let nobody = "0b8f6f3c-3c5f-4a53-9f0e-2b7a5a0f6f11";
    let file = format!("{}/{nobody}/b", home_files(&bench).await);
    bench
        .send(request(Method::PUT, &file, "2".into()))
        .await
        .json_of(StatusCode::CREATED);
    let missing = StatusCode::NOT_FOUND;
    bench.get(&at(nobody)).await.problem(missing);
    put(&bench, &format!("{nobody}/c"), text(""))
        .await
        .problem(missing);
    assert_eq!(names(&bench, "").await, ["a"]);
}

#[tokio::test]
async fn nobody_sees_another_owner_s_files_and_nobody_anything_without_a_key() {
    let bench = Bench::with_keys().await;
    let send = async |method: Method, path: &str, key: &str, body: Value| {
        let body = Body::from(body.to_string());
        bench.send(keyed(request(method, path, body), key)).await
    };
    let made = send(Method::PUT, &at("a"), "ada-key", text("1")).await;
    made.json_of(StatusCode::CREATED);
    let kernels = send(Method::GET, "/api/kernels", "ada-key", Value::Null).await;
    let folder = id(&kernels.json()[0]).to_owned();
    let file = format!("{folder}/a");
    for (method, path) in [
        (Method::GET, at(&folder)),
        (Method::GET, at(&file)),
        (Method::PUT, at(&file)),
        (Method::POST, at(&folder)),
        (Method::DELETE, at(&file)),
        (Method::GET, at(&format!("{file}/checkpoints"))),
        (Method::GET, format!("/files/{file}")),
        (Method::GET, at("a")),
    ] {
        let body = text("2");
        let stranger = send(method.clone(), &path, "grace-key", body).await;
        stranger.problem(StatusCode::NOT_FOUND);
        let keyless = bench.send(request(method, &path, Body::empty())).await;
        keyless.problem(StatusCode::UNAUTHORIZED);
    }
    let copied = json!({ "copy_from": file });
    let copied = send(Method::POST, &at(""), "grace-key", copied).await;
    copied.problem(StatusCode::NOT_FOUND);
    let root = send(Method::GET, "/api/contents", "grace-key", Value::Null).await;
    assert_eq!(root.json()["content"], json!([]));
    let token = bench.get(&format!("/files/{file}?token=ada-key")).await;
    assert_eq!(token.bytes, "1");
}

#[tokio::test]
async fn a_home_that_has_ended_takes_its_files_with_it() {
    let bench = Bench::new().await;
    put(&bench, "a", text("1"))
        .await
        .json_of(StatusCode::CREATED);
    let folder = bench.get("/api/kernels").await.json()[0].clone();
    let path = format!("/jupyter/sessions/{}", id(&folder));
    bench
        .send(request(Method::DELETE, &path, Body::empty()))
        .await;
    bench.get(&at("a")).await.problem(StatusCode::NOT_FOUND);
    bench
        .get(&at(id(&folder)))
        .await
        .problem(StatusCode::NOT_FOUND);
    assert_eq!(get(&bench, "").await["content"], json!([]));
    put(&bench, "b", text("2"))
        .await
        .json_of(StatusCode::CREATED);
    assert_eq!(names(&bench, "").await, ["b"]);
}

#[tokio::test]
async fn a_document_gets_the_kernel_beside_it_if_it_is_free_and_the_one_asked_for() {
    let bench = Bench::new().await;
    put(&bench, "a.ipynb", json!({}))
        .await
        .json_of(StatusCode::CREATED);
    let home = bench.get("/api/kernels").await.json()[0].clone();
    let other = document(&bench, "d/b.ipynb", json!({"name": "bash"})).await;
    assert_ne!(id(&other), id(&home), "it is of another environment");
    let first = document(&bench, "a.ipynb", json!({"name": "python3"})).await;
    assert_eq!(id(&first), id(&home));
    let second = document(&bench, "c.ipynb", json!({})).await;
    assert_ne!(id(&second), id(&home), "it has a document");
    let made = request(Method::POST, "/jupyter/sessions", Body::empty());
    let folder = bench.send(made).await.json_of(StatusCode::CREATED);
    let third = document(&bench, &format!("{}/a.ipynb", id(&folder)), json!({})).await;
    assert_eq!(id(&third), id(&folder));
    let unknown = json!({"path": "e.ipynb", "type": "notebook", "kernel": {"name": "cobol"}});
    let unknown = call(&bench, Method::POST, "/api/sessions", unknown).await;
    assert_eq!(unknown.fields(), ["body.name"]);
}

#[tokio::test]
async fn requests_at_once_give_a_document_one_kernel() {
    let bench = Bench::with(|settings| settings.pool.size = 0).await;
    bench.engine.set_start_delay(Duration::from_millis(50));
    let asked = (0..4).map(|_| document(&bench, "a.ipynb", json!({"name": "bash"})));
    let kernels_given = futures::future::join_all(asked).await;
    assert!(
        kernels_given
            .iter()
            .all(|kernel| id(kernel) == id(&kernels_given[0]))
    );
    assert_eq!(kernels(&bench).await, 1);
    let (other, written) = tokio::join!(
        document(&bench, "b.ipynb", json!({})),
        put(&bench, "a", text(""))
    );
    written.json_of(StatusCode::CREATED);
    assert_ne!(id(&other), id(&kernels_given[0]));
    assert_eq!(kernels(&bench).await, 2);
}

#[tokio::test]
async fn the_files_of_a_kernel_that_has_ended_for_good_are_still_there() {
    let bench = Bench::new().await;
    let kernel = start(&bench, json!({})).await;
    let put_again = async || put(&bench, "a", text("1")).await;
    put_again().await.json_of(StatusCode::CREATED);
    let path = format!("/api/kernels/{}", id(&kernel));
    while bench.get(&path).await.json()["execution_state"] != "dead" {
        let path = format!("/jupyter/sessions/{}/execute", id(&kernel));
        let request = request(Method::POST, &path, r#"{"code": "exit"}"#.into());
        bench
            .send(with(request, "content-type", "application/json"))
            .await;
    }
    assert_eq!(get(&bench, "a").await["content"], "1");
    put_again().await.json();
}

#[tokio::test]
async fn a_sandbox_that_is_not_reached_is_told_apart_from_one_that_has_ended() {
    let bench = Bench::new().await;
    let kernel = start(&bench, json!({})).await;
    put(&bench, "a", text("1"))
        .await
        .json_of(StatusCode::CREATED);
    bench.engine.set_presence(Presence::Away);
    tokio::time::pause();
    run(&bench, &kernel, "die").await;
    for refused in [
        bench.get(&at("a")).await,
        bench.get(&at("")).await,
        put(&bench, "a", text("2")).await,
        delete(&bench, "a").await,
        bench.get("/files/a").await,
    ] {
        refused.problem(StatusCode::SERVICE_UNAVAILABLE);
        assert!(!refused.header("retry-after").is_empty());
    }
}
