//! Requests that are wrong: each is refused, with the field named.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use bytesize::ByteSize;
use futures::stream;
use serde_json::{Value, json};

use crate::bench::{Bench, execute, fields, request, with};

async fn refused(body: Value) -> Vec<String> {
    let bench = Bench::new().await;
    let fields = bench.execute(&body).await.fields();
    assert_eq!(bench.executions(), 0, "refused, yet run");
    fields
}

/// A request with one field more than its code.
async fn refused_field(name: &str, value: Value) {
    let fields = refused(json!({ "code": "print 1", name: value.clone() })).await;
    assert!(!fields.is_empty());
    for field in fields {
        assert!(
            field.starts_with(&format!("body.{name}")),
            "{field} for {value}"
        );
    }
}

#[tokio::test]
async fn code_is_not_empty() {
    for code in ["", " ", "\n\t\n"] {
        assert_eq!(refused(json!({ "code": code })).await, ["body.code"]);
    }
    assert_eq!(refused(json!({})).await, ["body.code"]);
    assert_eq!(refused(json!({ "code": null })).await, ["body.code"]);
    assert_eq!(refused(json!({ "code": 1 })).await, ["body.code"]);
}

#[tokio::test]
async fn the_environment_exists() {
    refused_field("execution_environment", json!("cobol")).await;
    refused_field("execution_environment", json!("")).await;
    refused_field("execution_environment", json!("../python")).await;
    refused_field("execution_environment", json!(3)).await;
}

#[tokio::test]
async fn the_timeout_is_in_range() {
    for timeout in [
        json!(0),
        json!(-1),
        json!(121),
        json!(120.0_f64.next_up()),
        json!(1.0_f64.next_down()),
        json!("2h"),
        json!("soon"),
        json!([0]),
        json!(1e300),
    ] {
        refused_field("timeout", timeout).await;
    }
}

#[tokio::test]
async fn memory_and_cpus_are_in_range() {
    for memory in [
        json!(0),
        json!(1.5),
        json!("1TiB"),
        json!("much"),
        json!(true),
    ] {
        refused_field("memory", memory).await;
    }
    for cpus in [json!(0), json!(-1), json!(1000), json!("all")] {
        refused_field("cpus", cpus).await;
    }
}

#[tokio::test]
async fn a_file_name_stays_in_the_working_directory() {
    let long = "x".repeat(300);
    for name in [
        "",
        ".",
        "..",
        "../x",
        "/etc/passwd",
        "a/b",
        "a\0b",
        "a\nb",
        &long,
    ] {
        let file = json!({ "filename": name, "extension": "", "content": "" });
        let fields = refused(json!({ "code": "1", "files": [file] })).await;
        assert_eq!(fields, ["body.files.0.filename"], "{name:?}");
    }
    let split = json!({ "filename": "a", "extension": "/../b", "content": "" });
    let fields = refused(json!({ "code": "1", "files": [split] })).await;
    assert_eq!(fields, ["body.files.0.filename"]);
}

#[tokio::test]
async fn wrong_base64_is_named() {
    let right = json!({ "filename": "a", "content": "aGVsbG8=" });
    let wrong = json!({ "filename": "b", "content": "not base64!" });
    let fields = refused(json!({ "code": "1", "files": [right, wrong] })).await;
    assert_eq!(fields, ["body.files.1.content"]);
}

#[tokio::test]
async fn a_file_is_a_file() {
    for files in [
        json!([1]),
        json!([null]),
        json!([[]]),
        json!({}),
        json!("a"),
        json!([""]),
        json!(["a/.."]),
    ] {
        refused_field("files", files).await;
    }
    let many: Vec<_> = (0..1001).map(|_| "a.csv").collect();
    refused_field("files", json!(many)).await;
}

#[tokio::test]
async fn files_have_a_limit_together() {
    let bench = Bench::with(|settings| settings.execution.max_input = ByteSize::b(10)).await;
    let file = json!({ "filename": "a", "content": "123456", "base64encoded": false });
    let answer = bench
        .execute(&json!({ "code": "print 1", "files": [file, file] }))
        .await;
    let problem = answer.problem(StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(fields(&problem), ["body.files"]);
    assert_eq!(bench.executions(), 0);
    bench
        .execute(&json!({ "code": "print 1", "files": [file] }))
        .await
        .json();
}

#[tokio::test]
async fn environment_variables_have_names() {
    for name in ["", "1A", "A-B", "A=B", "Ä"] {
        refused_field("environment_variables", json!({ name: "1" })).await;
    }
    refused_field("environment_variables", json!({ "A": "a\0b" })).await;
    refused_field("environment_variables", json!({ "A": 1 })).await;
    refused_field("environment_variables", json!({ "A": "x".repeat(70_000) })).await;
}

#[tokio::test]
async fn a_working_directory_is_below_home() {
    for path in ["/tmp", "..", "a/../../b", "", "a//b", "a\0"] {
        refused_field("working_directory", json!(path)).await;
    }
}

#[tokio::test]
async fn packages_are_names_and_versions() {
    for package in [
        "numpy; rm -rf /",
        "--index-url=https://evil.example",
        "git+https://github.com/a/b",
        "https://a.example/a.whl",
        "a @ file:///etc/passwd",
        "../../etc",
        "/etc/passwd",
        "numpy\nevil",
        "numpy\u{0}",
        "",
    ] {
        refused_field("packages", json!([package])).await;
    }
    refused_field("packages", json!("numpy")).await;
    refused_field("packages", json!([1])).await;
}

#[tokio::test]
async fn packages_are_not_many() {
    let many: Vec<String> = (0..1000).map(|index| format!("package{index}")).collect();
    refused_field("packages", json!(many)).await;
    refused_field("packages", json!(many[..51])).await;
}

#[tokio::test]
async fn packages_are_only_where_there_are_some() {
    let body = json!({ "code": "print 1", "execution_environment": "bash", "packages": ["numpy"] });
    assert_eq!(refused(body).await, ["body.packages"]);
}

#[tokio::test]
async fn only_hosts_that_the_operator_allows_can_be_asked_for() {
    refused_field("network", json!(["pypi.org"])).await;
    let bench =
        Bench::with(|settings| settings.egress.hosts = vec!["pypi.org:443".parse().unwrap()]).await;
    for (host, field) in [
        ("pypi.org", "body.network.0"),
        ("*.org", "body.network.0"),
        ("evil.example:443", "body.network.0"),
        ("http://pypi.org", "body.network.0"),
        ("169.254.169.254:443", "body.network.0"),
        ("b\u{fc}cher.example", "body.network.0"),
    ] {
        let answer = bench
            .execute(&json!({ "code": "print 1", "network": [host] }))
            .await;
        assert_eq!(answer.fields(), [field], "{host}");
    }
    assert_eq!(bench.executions(), 0);
    let answer = bench
        .execute(&json!({ "code": "print 1", "network": ["PyPI.org:443"] }))
        .await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn unknown_fields_are_refused() {
    let bench = Bench::new().await;
    let answer = bench
        .execute(&json!({ "code": "print 1", "timout": 5 }))
        .await;
    assert_eq!(answer.fields(), ["body.timout"]);
    let problem = answer.problem(StatusCode::UNPROCESSABLE_ENTITY);
    let msg = problem["errors"][0]["msg"].as_str().unwrap();
    assert!(msg.contains("`timeout`"), "{msg}");
}

#[tokio::test]
async fn everything_wrong_is_told_at_once() {
    let file = json!({ "filename": "..", "content": "!" });
    let body = json!({ "code": "", "timeout": 0, "files": [file], "memory": "none" });
    let mut fields = refused(body).await;
    fields.sort();
    let expected = [
        "body.code",
        "body.files.0.content",
        "body.files.0.filename",
        "body.memory",
        "body.timeout",
    ];
    assert_eq!(fields, expected);
}

#[tokio::test]
async fn broken_json_is_refused() {
    let bench = Bench::new().await;
    for text in [
        "",
        "{",
        "[]",
        "null",
        "\"code\"",
        r#"{"code": "\ud800"}"#,
        r#"{"code": "1"} x"#,
    ] {
        let fields = bench.send(execute(text)).await.fields();
        assert!(fields[0].starts_with("body"), "{text}");
    }
    let answer = bench.send(execute(&b"{\"code\": \"\xff\"}"[..])).await;
    answer.problem(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn another_content_type_is_refused() {
    let bench = Bench::new().await;
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "nonsense",
    ] {
        let request = with(
            execute(r#"{"code": "print 1"}"#),
            "content-type",
            content_type,
        );
        let answer = bench.send(request).await;
        answer.problem(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let unsaid = request(
        Method::POST,
        "/jupyter/execute",
        r#"{"code": "print 1"}"#.into(),
    );
    let answer = bench.send(unsaid).await;
    answer.problem(StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn a_body_has_a_limit() {
    let bench = Bench::with(|settings| settings.execution.max_input = ByteSize::b(0)).await;
    let code = "x".repeat(1024 * 1024);
    let answer = bench.execute(&json!({ "code": code })).await;
    answer.problem(StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_body_cut_short_is_refused() {
    let bench = Bench::new().await;
    let cut = || Body::from_stream(stream::iter([Ok("{\"code\""), Err("connection reset")]));
    let answer = bench.send(execute(cut())).await;
    answer.problem(StatusCode::BAD_REQUEST);
    let upload = request(Method::PUT, "/jupyter/files?filename=a", cut());
    bench.send(upload).await.problem(StatusCode::BAD_REQUEST);
    let list = bench.get("/jupyter/files").await.json();
    assert_eq!(list["files"], json!([]), "half a file was kept");
}

#[tokio::test]
async fn a_missing_or_wrong_key_is_refused() {
    let bench = Bench::with_keys().await;
    let missing = bench.run("print 1").await;
    missing.problem(StatusCode::UNAUTHORIZED);
    let wrong = with(execute(r#"{"code": "print 1"}"#), "x-api-key", "wrong");
    let answer = bench.send(wrong).await;
    answer.problem(StatusCode::UNAUTHORIZED);
    assert_eq!(
        answer.header("www-authenticate"),
        "Bearer realm=\"cellblock\""
    );
    assert_eq!(bench.executions(), 0);
}
