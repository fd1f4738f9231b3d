//! Jupyter's contents: files, directories and notebooks, as its file browsers and editors read and write them.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use bytesize::ByteSize;
use serde_json::{Value, json};

use crate::api::call;
use crate::bench::{Answer, Bench, request};

const NOTEBOOK: &str = r#"{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells":
    [{"cell_type": "code", "id": "a", "source": "1", "metadata": {}, "outputs": [], "execution_count": null}]}"#;

pub fn at(path: &str) -> String {
    format!("/api/contents/{path}")
}

pub async fn put(bench: &Bench, path: &str, model: Value) -> Answer {
    call(bench, Method::PUT, &at(path), model).await
}

pub fn text(content: &str) -> Value {
    json!({"type": "file", "format": "text", "content": content})
}

async fn post(bench: &Bench, path: &str, model: Value) -> Answer {
    call(bench, Method::POST, &at(path), model).await
}

async fn rename(bench: &Bench, path: &str, to: &str) -> Answer {
    call(bench, Method::PATCH, &at(path), json!({ "path": to })).await
}

pub async fn delete(bench: &Bench, path: &str) -> Answer {
    let request = request(Method::DELETE, &at(path), Body::empty());
    bench.send(request).await
}

pub async fn get(bench: &Bench, path: &str) -> Value {
    bench.get(&at(path)).await.json()
}

/// The names in a directory.
pub async fn names(bench: &Bench, path: &str) -> Vec<String> {
    let model = get(bench, path).await;
    let entries = model["content"].as_array().unwrap();
    let name = |entry: &Value| entry["name"].as_str().unwrap().to_owned();
    entries.iter().map(name).collect()
}

#[tokio::test]
async fn a_file_is_saved_read_and_saved_again() {
    let bench = Bench::new().await;
    let made = put(&bench, "a/b%20c.txt", text("żółw")).await;
    let model = made.json_of(StatusCode::CREATED);
    assert_eq!(made.header("location"), at("a/b%20c.txt"));
    assert!(made.header("last-modified").ends_with(" GMT"));
    assert_eq!(model["path"], "a/b c.txt");
    assert_eq!(
        (&model["content"], &model["format"]),
        (&Value::Null, &Value::Null)
    );
    let read = get(&bench, "a/b%20c.txt").await;
    for (field, expected) in [
        ("name", json!("b c.txt")),
        ("path", json!("a/b c.txt")),
        ("type", json!("file")),
        ("format", json!("text")),
        ("mimetype", json!("text/plain")),
        ("content", json!("żółw")),
        ("size", json!(7)),
        ("writable", json!(true)),
        ("hash", Value::Null),
    ] {
        assert_eq!(read[field], expected, "{field}");
    }
    assert_eq!(read["last_modified"], model["last_modified"]);
    let again = put(&bench, "a/b%20c.txt", text("")).await;
    assert_eq!(again.json()["size"], 0);
}

#[tokio::test]
async fn what_is_no_text_is_read_as_base64() {
    let bench = Bench::new().await;
    let model = json!({"type": "file", "format": "base64", "content": "/wA="});
    put(&bench, "a", model).await.json_of(StatusCode::CREATED);
    let read = get(&bench, "a").await;
    assert_eq!(
        (&read["format"], &read["content"]),
        (&json!("base64"), &json!("/wA="))
    );
    assert_eq!(read["mimetype"], "application/octet-stream");
    let as_text = bench.get("/api/contents/a?format=text").await;
    as_text.problem(StatusCode::BAD_REQUEST);
    put(&bench, "a", text("a")).await.json();
    let asked = get(&bench, "a?format=base64").await;
    assert_eq!(asked["content"], "YQ==");
}

#[tokio::test]
async fn a_notebook_is_json_and_must_be_one() {
    let bench = Bench::new().await;
    let content: Value = serde_json::from_str(NOTEBOOK).unwrap();
    let model = json!({"type": "notebook", "format": "json", "content": content});
    put(&bench, "a.ipynb", model)
        .await
        .json_of(StatusCode::CREATED);
    let read = get(&bench, "a.ipynb").await;
    assert_eq!(
        (&read["type"], &read["format"]),
        (&json!("notebook"), &json!("json"))
    );
    assert_eq!(read["content"], content);
    let as_file = get(&bench, "a.ipynb?type=file").await;
    assert_eq!(as_file["format"], "text");
    for wrong in [
        json!({}),
        json!("text"),
        json!({"nbformat": 3, "worksheets": []}),
    ] {
        let model = json!({"type": "notebook", "content": wrong});
        let refused = put(&bench, "b.ipynb", model).await;
        let problem = refused.problem(StatusCode::BAD_REQUEST);
        let message = problem["message"].as_str().unwrap();
        assert!(message.starts_with("It is no notebook: "), "{message}");
    }
    put(&bench, "b.ipynb", text("{"))
        .await
        .json_of(StatusCode::CREATED);
    let broken = bench.get("/api/contents/b.ipynb").await;
    broken.problem(StatusCode::BAD_REQUEST);
    let without = get(&bench, "b.ipynb?content=0").await;
    assert_eq!(
        (&without["type"], &without["content"]),
        (&json!("notebook"), &Value::Null)
    );
}

#[tokio::test]
async fn a_directory_lists_what_is_in_it_but_what_is_hidden() {
    let bench = Bench::new().await;
    for path in ["d/a.txt", "d/b.ipynb", "d/c.pyc", "d/e/f"] {
        let made = put(&bench, path, text("")).await;
        made.json_of(StatusCode::CREATED);
    }
    let home = home_files(&bench).await;
    let hidden = request(Method::PUT, &format!("{home}/d/.hidden"), "1".into());
    bench.send(hidden).await.json_of(StatusCode::CREATED);
    let model = get(&bench, "d").await;
    assert_eq!(
        (&model["type"], &model["format"]),
        (&json!("directory"), &json!("json"))
    );
    let entries = model["content"].as_array().unwrap().iter();
    let entries = entries.map(|it| (&it["path"], &it["type"], &it["content"]));
    let entry = |path: &str, kind: &str| (json!(path), json!(kind), Value::Null);
    let expected = [
        entry("d/a.txt", "file"),
        entry("d/b.ipynb", "notebook"),
        entry("d/e", "directory"),
    ];
    assert!(
        entries.eq(expected.iter().map(|(a, b, c)| (a, b, c))),
        "{model:#}"
    );
    let without = get(&bench, "d?content=0").await;
    assert_eq!(
        (&without["content"], &without["format"]),
        (&Value::Null, &Value::Null)
    );
    let made = put(&bench, "g", json!({"type": "directory"})).await;
    assert_eq!(made.json_of(StatusCode::CREATED)["type"], "directory");
    put(&bench, "g", json!({"type": "directory"})).await.json();
}

/// Where the REST API has the files of the one session that there is.
pub async fn home_files(bench: &Bench) -> String {
    let kernels = bench.get("/api/kernels").await.json();
    let id = kernels[0]["id"].as_str().unwrap();
    format!("/jupyter/sessions/{id}/files")
}

#[tokio::test]
async fn what_is_hidden_is_not_there_and_cannot_be_made() {
    let bench = Bench::new().await;
    put(&bench, "a", text(""))
        .await
        .json_of(StatusCode::CREATED);
    let files = home_files(&bench).await;
    let hidden = request(Method::PUT, &format!("{files}/.b/c"), "1".into());
    bench.send(hidden).await.json_of(StatusCode::CREATED);
    for path in ["/api/contents/.b", "/api/contents/.b/c", "/files/.b/c"] {
        bench.get(path).await.problem(StatusCode::NOT_FOUND);
    }
    for refused in [
        put(&bench, ".d", text("")).await,
        put(&bench, ".b/d", text("")).await,
        post(&bench, ".b", json!({})).await,
        post(&bench, "", json!({"copy_from": ".b/c"})).await,
        rename(&bench, ".b/c", "c").await,
        rename(&bench, "a", ".a").await,
        delete(&bench, ".b").await,
    ] {
        refused.problem(StatusCode::BAD_REQUEST);
    }
    assert_eq!(names(&bench, "").await, ["a"]);
}

#[tokio::test]
async fn no_path_leads_out_or_nowhere() {
    let bench = Bench::new().await;
    put(&bench, "a/b", text(""))
        .await
        .json_of(StatusCode::CREATED);
    let long = "x".repeat(300);
    for path in [
        "../a",
        "a/../../b",
        "a%2F..%2F..%2Fb",
        "a//b",
        "./a",
        "a%00b",
        "a/b/c",
        "c",
        &long,
    ] {
        for answer in [
            bench.get(&at(path)).await,
            delete(&bench, path).await,
            rename(&bench, path, "d").await,
            bench.get(&format!("/files/{path}")).await,
        ] {
            assert!(answer.status.is_client_error(), "{path}: {answer:?}");
        }
        bench.get(&at(path)).await.problem(StatusCode::NOT_FOUND);
    }
    let through = put(&bench, "a/b/c", text("")).await;
    through.problem(StatusCode::CONFLICT);
    let not_utf8 = bench.get("/api/contents/%FF").await;
    not_utf8.problem(StatusCode::BAD_REQUEST);
    assert_eq!(get(&bench, "/a/b/").await["path"], "a/b");
}

#[tokio::test]
async fn what_something_is_taken_for_must_be_so() {
    let bench = Bench::new().await;
    put(&bench, "d/a", text(""))
        .await
        .json_of(StatusCode::CREATED);
    for query in [
        "d?type=file",
        "d?type=notebook",
        "d/a?type=directory",
        "d/a?format=json",
        "d/a?content=2",
        "d/a?hash=yes",
    ] {
        bench.get(&at(query)).await.problem(StatusCode::BAD_REQUEST);
    }
    let onto = put(&bench, "d", text("")).await;
    onto.problem(StatusCode::CONFLICT);
    let onto = put(&bench, "d/a", json!({"type": "directory"})).await;
    onto.problem(StatusCode::CONFLICT);
    assert_eq!(get(&bench, "d/a?type=made_up").await["type"], "file");
}

#[tokio::test]
async fn a_hash_is_that_of_the_bytes() {
    let bench = Bench::new().await;
    put(&bench, "a.ipynb", text(NOTEBOOK)).await;
    put(&bench, "a", text("a")).await;
    let a = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
    for query in ["a?hash=1", "a?hash=1&content=0"] {
        let model = get(&bench, query).await;
        assert_eq!(
            (&model["hash"], &model["hash_algorithm"]),
            (&json!(a), &json!("sha256"))
        );
    }
    let one = get(&bench, "a.ipynb?hash=1").await;
    let other = get(&bench, "a.ipynb?hash=1&content=0").await;
    assert_eq!(one["hash"], other["hash"]);
    assert_eq!(get(&bench, "?hash=1").await["hash"], Value::Null);
}

#[tokio::test]
async fn new_files_get_names_that_nothing_has() {
    let bench = Bench::new().await;
    for (model, expected) in [
        (json!({"type": "notebook"}), "Untitled.ipynb"),
        (json!({"type": "notebook"}), "Untitled1.ipynb"),
        (json!({"ext": ".ipynb"}), "Untitled2.ipynb"),
        (json!({"type": "file"}), "untitled"),
        (json!({"type": "file", "ext": ".txt"}), "untitled.txt"),
        (json!({"ext": ".txt"}), "untitled1.txt"),
        (json!({"type": "directory"}), "Untitled Folder"),
        (json!({"type": "directory"}), "Untitled Folder 1"),
        (Value::Null, "untitled1"),
    ] {
        let made = post(&bench, "", model).await;
        assert_eq!(made.json_of(StatusCode::CREATED)["path"], expected);
    }
    let notebook = get(&bench, "Untitled.ipynb").await;
    assert_eq!(notebook["content"]["cells"], json!([]));
    let inside = post(&bench, "Untitled%20Folder", json!({"type": "file"})).await;
    assert_eq!(inside.header("location"), at("Untitled%20Folder/untitled"));
    post(&bench, "untitled", json!({}))
        .await
        .problem(StatusCode::BAD_REQUEST);
    post(&bench, "none", json!({}))
        .await
        .problem(StatusCode::NOT_FOUND);
    let out = post(&bench, "", json!({"ext": "/../a"})).await;
    out.problem(StatusCode::BAD_REQUEST);
    let missing = call(&bench, Method::PUT, "/api/contents/", Value::Null).await;
    assert_eq!(missing.json_of(StatusCode::CREATED)["path"], "untitled2");
}

#[tokio::test]
async fn of_many_new_files_at_once_none_takes_another_s_place() {
    let bench = Bench::new().await;
    let new = || post(&bench, "", json!({"type": "file"}));
    let made = futures::future::join_all((0..20).map(|_| new())).await;
    let mut paths: Vec<_> = made
        .iter()
        .map(|it| it.json_of(StatusCode::CREATED)["path"].clone().to_string())
        .collect();
    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), 20);
    assert_eq!(
        names(&bench, "").await.len(),
        20,
        "and nothing is left over"
    );
}

#[tokio::test]
async fn a_copy_gets_a_name_of_its_own() {
    let bench = Bench::new().await;
    put(&bench, "d/a.txt", text("1")).await;
    put(&bench, "d/e/f", text("2")).await;
    for (from, to, expected) in [
        ("d/a.txt", "d", "d/a-Copy1.txt"),
        ("d/a-Copy1.txt", "d", "d/a-Copy2.txt"),
        ("/d/a.txt", "", "a.txt"),
        ("d", "", "d-Copy1"),
        ("d", "d", "d/d"),
    ] {
        let copied = post(&bench, to, json!({ "copy_from": from })).await;
        assert_eq!(copied.json_of(StatusCode::CREATED)["path"], expected);
    }
    assert_eq!(get(&bench, "d/a-Copy2.txt").await["content"], "1");
    assert_eq!(get(&bench, "d-Copy1/e/f").await["content"], "2");
    let copy = post(&bench, "", json!({"copy_from": "none"})).await;
    copy.problem(StatusCode::NOT_FOUND);
    let with_put = put(&bench, "g", json!({"copy_from": "d/a.txt"})).await;
    with_put.problem(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_new_name_takes_nobody_s_place() {
    let bench = Bench::new().await;
    put(&bench, "a", text("1")).await;
    put(&bench, "d/b", text("2")).await;
    let renamed = rename(&bench, "a", "d/c").await;
    assert_eq!(renamed.json()["path"], "d/c");
    assert_eq!(renamed.header("location"), at("d/c"));
    bench.get(&at("a")).await.problem(StatusCode::NOT_FOUND);
    rename(&bench, "d/c", "d/b")
        .await
        .problem(StatusCode::CONFLICT);
    rename(&bench, "d/c", "none/c")
        .await
        .problem(StatusCode::NOT_FOUND);
    rename(&bench, "d/c", "d/c").await.json();
    let nothing = call(&bench, Method::PATCH, &at("d/c"), Value::Null).await;
    nothing.problem(StatusCode::BAD_REQUEST);
    rename(&bench, "d", "e").await.json();
    assert_eq!(get(&bench, "e/c").await["content"], "1");
    for root in [rename(&bench, "", "x").await, rename(&bench, "e", "").await] {
        root.problem(StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn what_is_deleted_is_gone() {
    let bench = Bench::new().await;
    put(&bench, "d/a", text("1")).await;
    let gone = delete(&bench, "d/a").await;
    assert_eq!((gone.status, gone.bytes.len()), (StatusCode::NO_CONTENT, 0));
    delete(&bench, "d/a").await.problem(StatusCode::NOT_FOUND);
    put(&bench, "d/b", text("1")).await;
    assert_eq!(delete(&bench, "d").await.status, StatusCode::NO_CONTENT);
    delete(&bench, "").await.problem(StatusCode::BAD_REQUEST);
    assert!(names(&bench, "").await.is_empty());
}

#[tokio::test]
async fn a_large_file_comes_in_chunks() {
    let bench = Bench::new().await;
    let chunk = async |number: i64, content: &str| {
        let mut model = text(content);
        model["chunk"] = json!(number);
        put(&bench, "a", model).await
    };
    chunk(2, "x").await.problem(StatusCode::BAD_REQUEST);
    chunk(1, "ab").await.json_of(StatusCode::CREATED);
    chunk(2, "cd").await.json();
    assert_eq!(chunk(-1, "e").await.json()["size"], 5);
    assert_eq!(get(&bench, "a").await["content"], "abcde");
    chunk(1, "new").await.json();
    assert_eq!(get(&bench, "a").await["content"], "new");
    chunk(0, "x").await.problem(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_body_is_bounded_and_checked_before_anything_is_made() {
    let bench = Bench::with(|settings| settings.files.max_size = ByteSize::b(4)).await;
    let large = put(&bench, "a", text(&"x".repeat(2 << 20))).await;
    large.problem(StatusCode::PAYLOAD_TOO_LARGE);
    for wrong in [
        json!({"type": "file", "content": "no format"}),
        json!({"type": "file", "format": "base64", "content": "?"}),
        json!({"type": "notebook", "content": 1}),
        json!({"type": 1}),
        json!([]),
    ] {
        put(&bench, "a", wrong)
            .await
            .problem(StatusCode::BAD_REQUEST);
    }
    assert_eq!(bench.get("/api/kernels").await.json(), json!([]), "no home");
}

#[tokio::test]
async fn a_file_too_large_for_json_names_the_way_to_its_bytes() {
    let bench = Bench::new().await;
    put(&bench, "d/a%20b", text("1")).await;
    let path = format!("{}/d/a%20b", home_files(&bench).await);
    let large = request(Method::PUT, &path, vec![b'x'; (32 << 20) + 1].into());
    bench.send(large).await.json();
    let refused = bench.get(&at("d/a%20b")).await;
    let problem = refused.problem(StatusCode::PAYLOAD_TOO_LARGE);
    let message = problem["message"].as_str().unwrap();
    assert!(message.contains("/files/d/a%20b"), "{message}");
    assert!(message.contains(&path), "{message}");
    assert_eq!(
        get(&bench, "d/a%20b?content=0").await["size"],
        (32 << 20) + 1
    );
    assert_eq!(
        bench.get("/files/d/a%20b").await.bytes.len(),
        (32 << 20) + 1
    );
}

#[tokio::test]
async fn a_checkpoint_is_kept_beside_each_file() {
    let bench = Bench::new().await;
    let checkpoints = at("d/a.txt/checkpoints");
    let one = format!("{checkpoints}/checkpoint");
    let empty =
        async |method: Method, path: &str| bench.send(request(method, path, Body::empty())).await;
    put(&bench, "d/a.txt", text("1")).await;
    assert_eq!(bench.get(&checkpoints).await.json(), json!([]));
    empty(Method::POST, &one)
        .await
        .problem(StatusCode::NOT_FOUND);
    let made = empty(Method::POST, &checkpoints).await;
    assert_eq!(made.json_of(StatusCode::CREATED)["id"], "checkpoint");
    assert_eq!(made.header("location"), one);
    put(&bench, "d/a.txt", text("2")).await;
    let listed = bench.get(&checkpoints).await.json();
    assert_eq!(listed[0]["id"], "checkpoint");
    assert!(listed[0]["last_modified"].is_string());
    rename(&bench, "d/a.txt", "b.txt").await.json();
    let moved = at("b.txt/checkpoints/checkpoint");
    assert_eq!(
        empty(Method::POST, &moved).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(get(&bench, "b.txt").await["content"], "1");
    assert_eq!(
        empty(Method::DELETE, &moved).await.status,
        StatusCode::NO_CONTENT
    );
    empty(Method::DELETE, &moved)
        .await
        .problem(StatusCode::NOT_FOUND);
    empty(Method::POST, &at("none/checkpoints"))
        .await
        .problem(StatusCode::NOT_FOUND);
    let other = at("b.txt/checkpoints/other");
    empty(Method::POST, &other)
        .await
        .problem(StatusCode::NOT_FOUND);
    bench
        .get(&moved)
        .await
        .problem(StatusCode::METHOD_NOT_ALLOWED);
    let put = call(&bench, Method::PUT, &moved, text("")).await;
    put.problem(StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_notebook_always_has_a_checkpoint_and_takes_it_with_it() {
    let bench = Bench::new().await;
    put(&bench, "a.ipynb", json!({}))
        .await
        .json_of(StatusCode::CREATED);
    let checkpoints = bench.get(&at("a.ipynb/checkpoints")).await.json();
    assert_eq!(checkpoints.as_array().unwrap().len(), 1);
    delete(&bench, "a.ipynb").await;
    let checkpoints = bench.get(&at("a.ipynb/checkpoints")).await.json();
    assert_eq!(checkpoints, json!([]));
}

#[tokio::test]
async fn a_file_is_sent_as_its_bytes() {
    let bench = Bench::new().await;
    let png = json!({"type": "file", "format": "base64", "content": "/wABAg=="});
    put(&bench, "d/a.png", png).await;
    let whole = bench.get("/files/d/a.png").await;
    assert_eq!(whole.status, StatusCode::OK);
    assert_eq!(whole.header("content-type"), "image/png");
    assert!(whole.header("content-disposition").starts_with("inline;"));
    assert_eq!(whole.header("x-content-type-options"), "nosniff");
    assert_eq!(&*whole.bytes, &[255, 0, 1, 2]);
    let kept = bench.get("/files/d/a.png?download=1").await;
    assert!(
        kept.header("content-disposition")
            .starts_with("attachment;")
    );
    let range = request(Method::GET, "/files/d/a.png", Body::empty());
    let range = bench
        .send(crate::bench::with(range, "range", "bytes=1-2"))
        .await;
    assert_eq!(range.status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(&*range.bytes, &[0, 1]);
    for path in ["/files/d", "/files/none", "/files/"] {
        bench.get(path).await.problem(StatusCode::NOT_FOUND);
    }
}
