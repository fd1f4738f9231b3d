//! `/jupyter/sessions/{id}/files/…`: the files of a living sandbox.

use std::io::Read;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use bytesize::ByteSize;
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::bench::{Answer, Bench, keyed, request, with};

const TAR: &str = "application/x-tar";

/// A session; where its files are.
async fn files(bench: &Bench) -> String {
    let made = request(Method::POST, "/jupyter/sessions", Body::empty());
    let made = bench.send(made).await;
    format!("{}/files", made.header("location"))
}

async fn put(bench: &Bench, path: &str, content: impl Into<Body>) -> Answer {
    bench.send(request(Method::PUT, path, content.into())).await
}

async fn put_tar(bench: &Bench, path: &str, tar: Vec<u8>) -> Answer {
    let request = request(Method::PUT, path, tar.into());
    bench.send(with(request, "content-type", TAR)).await
}

async fn delete(bench: &Bench, path: &str) -> Answer {
    bench
        .send(request(Method::DELETE, path, Body::empty()))
        .await
}

async fn get_with(bench: &Bench, path: &str, name: &'static str, value: &str) -> Answer {
    let request = request(Method::GET, path, Body::empty());
    bench.send(with(request, name, value)).await
}

async fn run(bench: &Bench, files: &str, code: &str) -> Value {
    let path = files.replace("/files", "/execute");
    let body = json!({ "code": code }).to_string();
    let request = request(Method::POST, &path, body.into());
    let request = with(request, "content-type", "application/json");
    bench.send(request).await.json()
}

fn tar_of(files: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, content.as_bytes())
            .unwrap();
    }
    tar.into_inner().unwrap()
}

fn files_in(tar: &[u8]) -> Vec<(String, String)> {
    let mut archive = tar::Archive::new(tar);
    let file = |entry: std::io::Result<tar::Entry<'_, _>>| {
        let mut entry = entry.unwrap();
        let mut content = String::new();
        entry.read_to_string(&mut content).unwrap();
        (entry.path().unwrap().display().to_string(), content)
    };
    archive.entries().unwrap().map(file).collect()
}

#[tokio::test]
async fn a_file_is_written_read_listed_and_deleted() {
    let bench = Bench::new().await;
    let files = files(&bench).await;
    let path = format!("{files}/a/table.csv");
    let written = put(&bench, &path, "1,2").await;
    assert_eq!(written.status, StatusCode::CREATED);
    let entry: Value = serde_json::from_slice(&written.bytes).unwrap();
    assert_eq!(entry["name"], "table.csv");
    assert_eq!(entry["path"], "a/table.csv");
    assert_eq!(entry["type"], "file");
    assert_eq!(entry["size"], 3);
    assert!(entry["modified_at"].is_string(), "{entry}");
    assert_eq!(put(&bench, &path, "1,2,3").await.json()["size"], 5);
    assert_eq!(
        run(&bench, &files, "read a/table.csv").await["output"],
        "1,2,3"
    );
    let read = bench.get(&path).await;
    assert_eq!(read.status, StatusCode::OK);
    assert_eq!(read.bytes, "1,2,3");
    assert_eq!(read.header("content-length"), "5");
    assert_eq!(read.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(read.header("x-content-type-options"), "nosniff");
    let disposition = read.header("content-disposition");
    assert!(disposition.starts_with("attachment; filename=\"table.csv\""));
    let root = bench.get(&files).await.json();
    assert_eq!(root["left_out"], 0);
    assert_eq!(root["entries"][0]["path"], "a");
    assert_eq!(root["entries"][0]["type"], "directory");
    let below = bench.get(&format!("{files}/a")).await.json();
    assert_eq!(below["entries"][0]["path"], "a/table.csv");
    assert_eq!(delete(&bench, &path).await.status, StatusCode::NO_CONTENT);
    delete(&bench, &path).await.problem(StatusCode::NOT_FOUND);
    bench.get(&path).await.problem(StatusCode::NOT_FOUND);
    let directory = delete(&bench, &format!("{files}/a")).await;
    assert_eq!(directory.status, StatusCode::NO_CONTENT);
    assert_eq!(bench.get(&files).await.json()["entries"], json!([]));
}

#[tokio::test]
async fn a_range_and_what_a_client_has_are_known() {
    let bench = Bench::new().await;
    let path = format!("{}/a", files(&bench).await);
    put(&bench, &path, "0123456789").await;
    let part = get_with(&bench, &path, "range", "bytes=2-4").await;
    assert_eq!(part.status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.header("content-range"), "bytes 2-4/10");
    assert_eq!(part.header("content-length"), "3");
    assert_eq!(part.bytes, "234");
    let beyond = get_with(&bench, &path, "range", "bytes=10-").await;
    beyond.problem(StatusCode::RANGE_NOT_SATISFIABLE);
    let whole = bench.get(&path).await;
    assert_eq!(whole.header("accept-ranges"), "bytes");
    let etag = whole.header("etag");
    let again = get_with(&bench, &path, "if-none-match", etag).await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    put(&bench, &path, "another").await;
    let changed = get_with(&bench, &path, "if-none-match", etag).await;
    assert_eq!(changed.bytes, "another");
    let head = request(Method::HEAD, &path, Body::empty());
    let head = bench.send(head).await;
    assert_eq!(head.header("content-length"), "7");
    assert!(head.bytes.is_empty());
}

#[tokio::test]
async fn a_directory_goes_in_and_out_as_a_tar() {
    let bench = Bench::new().await;
    let files = files(&bench).await;
    let tar = tar_of(&[("b/c.txt", "c"), ("d.txt", "d")]);
    let asked = format!("{files}/a?format=tar");
    let put = put_tar(&bench, &asked, tar.clone()).await;
    assert_eq!(put.status, StatusCode::CREATED);
    let entry: Value = serde_json::from_slice(&put.bytes).unwrap();
    assert_eq!(entry["type"], "directory");
    let again = put_tar(&bench, &format!("{files}/a"), tar.clone()).await;
    assert_eq!(again.status, StatusCode::OK, "there is a directory");
    let expected = [("b/c.txt", "c"), ("d.txt", "d")]
        .map(|(path, content)| (path.to_owned(), content.to_owned()));
    for read in [
        bench.get(&asked).await,
        get_with(&bench, &format!("{files}/a"), "accept", TAR).await,
    ] {
        assert_eq!(read.status, StatusCode::OK);
        assert_eq!(read.header("content-type"), TAR);
        assert_eq!(read.header("x-left-out"), "0");
        assert!(read.header("content-disposition").contains("\"a.tar\""));
        assert_eq!(files_in(&read.bytes), expected);
    }
    let root = put_tar(&bench, &files, tar_of(&[("e.txt", "e")])).await;
    assert_eq!(root.status, StatusCode::OK);
    let all = bench.get(&format!("{files}?format=tar")).await;
    assert_eq!(files_in(&all.bytes).len(), 3);
    let kept = put_tar(&bench, &format!("{files}/kept.tar"), tar).await;
    assert_eq!(kept.status, StatusCode::CREATED);
    let kept = bench.get(&format!("{files}/kept.tar")).await;
    assert_eq!(files_in(&kept.bytes), expected, "there was no directory");
}

#[tokio::test]
async fn what_a_client_puts_is_not_handed_out_as_made_by_its_code() {
    let bench = Bench::new().await;
    let files = files(&bench).await;
    put(&bench, &format!("{files}/in.txt"), "in").await;
    let answer = run(&bench, &files, "write out.txt out").await;
    assert_eq!(answer["files"].as_array().unwrap().len(), 1, "{answer}");
    assert_eq!(answer["files"][0]["filename"], "out.txt");
}

#[tokio::test]
async fn what_is_in_the_way_is_told() {
    let bench = Bench::new().await;
    let files = files(&bench).await;
    put(&bench, &format!("{files}/directory/file"), "1").await;
    let conflict = StatusCode::CONFLICT;
    let onto = put(&bench, &format!("{files}/directory"), "1").await;
    onto.problem(conflict);
    let through = format!("{files}/directory/file/below");
    put(&bench, &through, "1").await.problem(conflict);
    bench.get(&through).await.problem(conflict);
    let packed = bench
        .get(&format!("{files}/directory/file?format=tar"))
        .await;
    packed.problem(conflict);
    let unpacked = put_tar(&bench, &files, b"no tar at all, and long enough".repeat(40)).await;
    assert_eq!(unpacked.fields(), ["body"]);
}

#[tokio::test]
async fn a_path_leads_down() {
    let bench = Bench::new().await;
    let files = files(&bench).await;
    let long = "x".repeat(300);
    for path in [
        "..",
        "../a",
        "a/../b",
        "..%2Fa",
        "%2Fetc%2Fpasswd",
        "/etc/passwd",
        "a//b",
        "a/",
        "./a",
        "a%00b",
        &long,
    ] {
        let path = format!("{files}/{path}");
        for answer in [
            bench.get(&path).await,
            put(&bench, &path, "1").await,
            delete(&bench, &path).await,
        ] {
            assert_eq!(answer.fields(), ["path.path"], "{path}");
        }
    }
    for answer in [
        put(&bench, &files, "1").await,
        delete(&bench, &format!("{files}/.")).await,
    ] {
        assert_eq!(answer.fields(), ["path.path"]);
    }
    let format = bench.get(&format!("{files}?format=zip")).await;
    assert_eq!(format.fields(), ["query.format"]);
    let not_utf8 = bench.get(&format!("{files}/%FF")).await;
    not_utf8.problem(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_upload_is_bounded_and_one_that_breaks_off_changes_nothing() {
    let bench = Bench::with(|settings| settings.files.max_size = ByteSize::b(4)).await;
    let files = files(&bench).await;
    let path = format!("{files}/a");
    assert_eq!(put(&bench, &path, "1234").await.status, StatusCode::CREATED);
    let too_large = StatusCode::PAYLOAD_TOO_LARGE;
    put(&bench, &path, "12345").await.problem(too_large);
    let endless = stream::iter((0..100).map(|_| Ok::<_, std::io::Error>(vec![0; 64 * 1024])));
    let endless = Body::from_stream(endless);
    put(&bench, &path, endless).await.problem(too_large);
    let broken = stream::iter([Ok("12"), Err("connection reset")]);
    let broken = put(&bench, &path, Body::from_stream(broken)).await;
    broken.problem(StatusCode::BAD_REQUEST);
    let chunks = stream::iter([Ok("12"), Err("connection reset")]);
    let tar = put(
        &bench,
        &format!("{files}/b?format=tar"),
        Body::from_stream(chunks),
    )
    .await;
    tar.problem(StatusCode::BAD_REQUEST);
    assert_eq!(bench.get(&path).await.bytes, "1234");
}

#[tokio::test]
async fn somebody_else_s_files_are_none() {
    let bench = Bench::with_keys().await;
    let made = request(Method::POST, "/jupyter/sessions", Body::empty());
    let made = bench.send(keyed(made, "ada-key")).await;
    let path = format!("{}/files/a", made.header("location"));
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let foreign = request(method, &path, "1".into());
        let foreign = bench.send(keyed(foreign, "grace-key")).await;
        foreign.problem(StatusCode::NOT_FOUND);
    }
    let mine = request(Method::PUT, &path, "1".into());
    let mine = bench.send(keyed(mine, "ada-key")).await;
    assert_eq!(mine.status, StatusCode::CREATED);
}

#[tokio::test]
async fn the_end_of_a_session_ends_its_downloads_and_uploads() {
    let bench = Bench::new().await;
    let files = files(&bench).await;
    let path = format!("{files}/a");
    let session = files.replace("/files", "");
    put(&bench, &path, vec![0; 1 << 20]).await;
    let asked = request(Method::GET, &path, Body::empty());
    let answer = bench.router.clone().oneshot(asked).await.unwrap();
    let mut bytes = answer.into_body().into_data_stream();
    bytes.next().await.unwrap().unwrap();
    let silent = Body::from_stream(stream::pending::<std::io::Result<Vec<u8>>>());
    let (uploaded, _) = tokio::join!(put(&bench, &path, silent), delete(&bench, &session));
    uploaded.problem(StatusCode::NOT_FOUND);
    let last = bytes.by_ref().collect::<Vec<_>>().await.pop().unwrap();
    assert!(last.is_err(), "what came is not all");
}
