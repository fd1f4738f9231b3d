//! `/jupyter/files`: storing, and getting back.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::http::{Method, StatusCode};
use bytesize::ByteSize;
use futures::{StreamExt, stream};
use serde_json::{Value, json};

use crate::bench::{Answer, Bench, fields, path_of, request, with};

const FORM: &str = "multipart/form-data; boundary=cut";

fn part(disposition: &str, content: &str) -> String {
    format!("--cut\r\nContent-Disposition: form-data; {disposition}\r\n\r\n{content}\r\n")
}

async fn put(bench: &Bench, content_type: &str, body: impl Into<Body>) -> Answer {
    let request = request(Method::PUT, "/jupyter/files", body.into());
    bench
        .send(with(request, "content-type", content_type))
        .await
}

async fn fetch(bench: &Bench, url: &Value, header: (&'static str, &str)) -> Answer {
    let request = request(Method::GET, &path_of(url), Body::empty());
    bench.send(with(request, header.0, header.1)).await
}

#[tokio::test]
async fn a_form_a_bare_body_and_json_all_store_the_same() {
    let bench = Bench::new().await;
    let form = part("name=\"note\"", "ignored")
        + &part("name=\"file\"; filename=\"data.csv\"", "a,b")
        + "--cut--\r\n";
    let json = json!({ "filename": "data", "extension": "csv", "content": "YSxi" });
    for stored in [
        put(&bench, FORM, form).await,
        bench.store("data.csv", "a,b").await,
        put(&bench, "application/json", json.to_string()).await,
    ] {
        let stored = stored.json();
        assert_eq!(stored["filename"], "data.csv");
        assert_eq!(stored["size"], 3);
        let file = bench.get(&path_of(&stored["url"])).await;
        assert_eq!(file.bytes, "a,b");
        assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
    }
}

#[tokio::test]
async fn long_lived_files_live_longer() {
    let bench = Bench::new().await;
    let short = bench.store("a", "1").await.json();
    let path = "/jupyter/files/long-lifetime?filename=a";
    let long = bench
        .send(request(Method::PUT, path, "1".into()))
        .await
        .json();
    let end = |stored: &Value| -> jiff::Timestamp {
        stored["expires_at"].as_str().unwrap().parse().unwrap()
    };
    let between = end(&long).duration_since(end(&short));
    assert!(between > jiff::SignedDuration::from_hours(47), "{between}");
}

#[tokio::test]
async fn an_upload_that_is_wrong_is_named() {
    let bench = Bench::new().await;
    let nameless = part("name=\"file\"", "a") + "--cut--\r\n";
    let outside = part("name=\"file\"; filename=\"../a\"", "a") + "--cut--\r\n";
    let empty = "--cut--\r\n".to_owned();
    assert_eq!(put(&bench, FORM, nameless).await.fields(), ["body.file"]);
    assert_eq!(
        put(&bench, FORM, outside).await.fields(),
        ["body.file.filename"]
    );
    assert_eq!(put(&bench, FORM, empty).await.fields(), ["body.file"]);
    assert_eq!(
        bench.store("..%2Fa", "1").await.fields(),
        ["query.filename"]
    );
    assert_eq!(bench.store("", "1").await.fields(), ["query.filename"]);
    let unnamed = bench
        .send(request(Method::PUT, "/jupyter/files", "1".into()))
        .await;
    assert_eq!(unnamed.fields(), ["query.filename"]);
    let json = put(
        &bench,
        "application/json",
        r#"{"filename": "a", "content": "*"}"#,
    )
    .await;
    assert_eq!(json.fields(), ["body.content"]);
    put(&bench, "text/plain", "1")
        .await
        .problem(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(bench.get("/jupyter/files").await.json()["files"], json!([]));
}

#[tokio::test]
async fn a_form_cut_short_stores_nothing() {
    let bench = Bench::new().await;
    let form = part("name=\"file\"; filename=\"a\"", "half");
    put(&bench, FORM, form.trim_end().to_owned())
        .await
        .problem(StatusCode::BAD_REQUEST);
    let chunks = stream::iter([Ok(form), Err("connection reset")]);
    put(&bench, FORM, Body::from_stream(chunks))
        .await
        .problem(StatusCode::BAD_REQUEST);
    put(&bench, "multipart/form-data", "x")
        .await
        .problem(StatusCode::BAD_REQUEST);
    assert_eq!(bench.get("/jupyter/files").await.json()["files"], json!([]));
}

/// A form that begins like this and goes on for as long as it is asked to; how much of it was read.
async fn endless_form(begin: String) -> (Answer, usize) {
    const PIECE: usize = 16 << 10;
    let bench = Bench::new().await;
    let read = Arc::new(AtomicUsize::new(0));
    let count = read.clone();
    let more = stream::repeat_with(move || {
        count.fetch_add(PIECE, Ordering::Relaxed);
        "a".repeat(PIECE)
    });
    let pieces = stream::iter([begin]).chain(more).map(Ok::<_, io::Error>);
    let body = Body::from_stream(pieces);
    let request = with(
        request(Method::PUT, "/jupyter/files", body),
        "content-type",
        FORM,
    );
    // What is left of other bodies is read and forgotten.
    let answer = bench.send(with(request, "expect", "100-continue")).await;
    (answer, read.load(Ordering::Relaxed))
}

#[tokio::test]
async fn a_form_holds_no_more_than_a_head_until_it_says_what_it_is() {
    let before_any_part = String::new();
    let name_without_end = "--cut\r\nContent-Disposition: form-data; name=\"".to_owned();
    for begin in [before_any_part, name_without_end] {
        let (answer, read) = endless_form(begin).await;
        let problem = answer.problem(StatusCode::PAYLOAD_TOO_LARGE);
        assert!(problem["detail"].as_str().unwrap().contains("64 KiB"));
        assert!(read < 256 << 10, "{read}");
    }
}

#[tokio::test]
async fn what_stands_before_the_file_is_passed_over_however_large() {
    let bench = Bench::new().await;
    let form = part("name=\"note\"", &"x".repeat(500_000))
        + &part("name=\"file\"; filename=\"a\"", &"1".repeat(300_000))
        + "--cut--\r\n";
    let pieces: Vec<_> = form.as_bytes().chunks(1000).map(<[u8]>::to_vec).collect();
    let pieces = stream::iter(pieces).map(Ok::<_, io::Error>);
    let stored = put(&bench, FORM, Body::from_stream(pieces)).await.json();
    assert_eq!(stored["size"], 300_000);
}

#[tokio::test]
async fn a_file_has_a_limit() {
    let bench = Bench::with(|settings| settings.files.max_size = ByteSize::b(3)).await;
    bench.store("a", "123").await.json();
    let problem = bench
        .store("a", "1234")
        .await
        .problem(StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(fields(&problem).len(), 1);
    let form = part("name=\"file\"; filename=\"a\"", "1234") + "--cut--\r\n";
    put(&bench, FORM, form)
        .await
        .problem(StatusCode::PAYLOAD_TOO_LARGE);
    let chunks = stream::iter((0..100).map(|_| Ok::<_, io::Error>(vec![0; 64 * 1024])));
    let path = "/jupyter/files?filename=a";
    let endless = request(Method::PUT, path, Body::from_stream(chunks));
    bench
        .send(endless)
        .await
        .problem(StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_stored_page_cannot_act_in_our_name() {
    let bench = Bench::new().await;
    let stored = bench
        .store("a.html", "<script>alert(1)</script>")
        .await
        .json();
    let file = bench.get(&path_of(&stored["url"])).await;
    assert_eq!(file.header("x-content-type-options"), "nosniff");
    assert!(
        file.header("content-security-policy")
            .starts_with("sandbox;")
    );
    assert!(
        file.header("content-disposition")
            .starts_with("attachment;")
    );
    assert_eq!(file.header("referrer-policy"), "no-referrer");
    let picture = bench.store("a.png", "").await.json();
    let picture = bench.get(&path_of(&picture["url"])).await;
    assert!(picture.header("content-disposition").starts_with("inline;"));
}

#[tokio::test]
async fn a_file_keeps_its_name_whatever_letters_it_has() {
    let bench = Bench::new().await;
    let stored = bench
        .store("r%C3%A9sum%C3%A9%20%22%25%3B.csv", "1")
        .await
        .json();
    assert_eq!(stored["filename"], "résumé \"%;.csv");
    let file = bench.get(&path_of(&stored["url"])).await;
    let expected = "attachment; filename=\"r_sum_ __;.csv\"; \
                    filename*=UTF-8''r%C3%A9sum%C3%A9%20%22%25%3B.csv";
    assert_eq!(file.header("content-disposition"), expected);
}

#[tokio::test]
async fn a_range_is_served() {
    let bench = Bench::new().await;
    let url = bench.store("a", "0123456789").await.json()["url"].clone();
    let part = fetch(&bench, &url, ("range", "bytes=2-4")).await;
    assert_eq!(part.status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.header("content-range"), "bytes 2-4/10");
    assert_eq!(part.header("content-length"), "3");
    assert_eq!(part.bytes, "234");
    let beyond = fetch(&bench, &url, ("range", "bytes=10-")).await;
    beyond.problem(StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(beyond.header("content-range"), "bytes */10");
    let whole = fetch(&bench, &url, ("range", "bytes=4-2")).await;
    assert_eq!(whole.status, StatusCode::OK);
    assert_eq!(whole.bytes, "0123456789");
}

#[tokio::test]
async fn what_a_client_has_is_not_sent_again() {
    let bench = Bench::new().await;
    let url = bench.store("a", "1").await.json()["url"].clone();
    let first = bench.get(&path_of(&url)).await;
    let again = fetch(&bench, &url, ("if-none-match", first.header("etag"))).await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    assert!(again.bytes.is_empty());
    let other = fetch(&bench, &url, ("if-none-match", "\"other\"")).await;
    assert_eq!(other.bytes, "1");
}

#[tokio::test]
async fn head_tells_the_size_alone() {
    let bench = Bench::new().await;
    let url = bench.store("a", "12345").await.json()["url"].clone();
    let head = bench
        .send(request(Method::HEAD, &path_of(&url), Body::empty()))
        .await;
    assert_eq!(head.status, StatusCode::OK);
    assert_eq!(head.header("content-length"), "5");
    assert!(head.bytes.is_empty());
}

#[tokio::test]
async fn files_are_listed_and_deleted() {
    let bench = Bench::new().await;
    let stored = bench.store("a.csv", "1").await.json();
    let list = bench.get("/jupyter/files").await.json();
    assert_eq!(list["files"][0]["url"], stored["url"]);
    assert_eq!(list["files"][0]["filename"], "a.csv");
    let path = format!(
        "/jupyter/files/{}",
        list["files"][0]["name"].as_str().unwrap()
    );
    let delete = || request(Method::DELETE, &path, Body::empty());
    assert_eq!(bench.send(delete()).await.status, StatusCode::NO_CONTENT);
    bench.send(delete()).await.problem(StatusCode::NOT_FOUND);
    bench
        .get(&path_of(&stored["url"]))
        .await
        .problem(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_name_cannot_leave_the_store() {
    let bench = Bench::new().await;
    for name in ["..%2Fsecret", "%2Fetc%2Fpasswd", "..", "%00", "a%2Fcontent"] {
        let answer = bench.get(&format!("/jupyter/files/{name}")).await;
        answer.problem(StatusCode::NOT_FOUND);
    }
    let answer = bench.get("/jupyter/files/%FF").await;
    answer.problem(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn urls_begin_with_the_public_url() {
    let public = "https://cells.example.org/base/";
    let bench = Bench::with(|settings| settings.server.public_url = Some(public.to_owned())).await;
    let stored = bench.store("a", "1").await.json();
    let url = stored["url"].as_str().unwrap();
    assert!(
        url.starts_with("https://cells.example.org/base/jupyter/files/"),
        "{url}"
    );
}

#[tokio::test]
async fn forwarded_hosts_are_not_believed() {
    let bench = Bench::new().await;
    let request = request(Method::PUT, "/jupyter/files?filename=a", "1".into());
    let request = with(request, "x-forwarded-host", "evil.example");
    let stored = bench.send(request).await.json();
    let url = stored["url"].as_str().unwrap();
    assert!(url.starts_with("http://localhost:8080/"), "{url}");
}
