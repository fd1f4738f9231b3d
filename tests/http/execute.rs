//! `POST /jupyter/execute`: what a client gets for its code.

use axum::http::StatusCode;
use cellblock::sandbox::fake::{Presence, Starts};
use serde_json::{Value, json};

use crate::bench::{Bench, execute, path_of, with};

#[tokio::test]
async fn code_that_ends_well() {
    let answer = Bench::new()
        .await
        .run("print hello\nresult 42")
        .await
        .json();
    assert_eq!(answer["output"], "hello\n42");
    assert_eq!(answer["error"], false);
    assert_eq!(answer["timedout"], false);
    assert_eq!(answer["files"], Value::Null);
    assert_eq!(answer["stacktrace"], Value::Null);
    assert_eq!(answer["status"], "ok");
    assert_eq!(answer["stdout"], "hello\n");
    assert_eq!(answer["stderr"], "");
    assert_eq!(answer["outputs"][0]["output_type"], "stream");
    assert!(answer["execution_count"].is_u64());
    assert!(answer["duration_ms"].is_u64());
    for part in ["install", "queue", "start", "copy_in", "run", "copy_out"] {
        assert!(answer["timing_ms"][part].is_number(), "{part}");
    }
    for part in ["cpu_ms", "peak_memory_bytes"] {
        assert!(answer["usage"][part].is_u64(), "{part}");
    }
}

#[tokio::test]
async fn code_that_raises_is_answered_with_200() {
    let answer = Bench::new()
        .await
        .run("raise ValueError: wrong")
        .await
        .json();
    assert_eq!(answer["error"], true);
    assert_eq!(answer["status"], "error");
    assert_eq!(answer["timedout"], false);
    assert!(
        answer["stacktrace"]
            .as_str()
            .unwrap()
            .contains("ValueError")
    );
    assert!(answer["output"].as_str().unwrap().contains("ValueError"));
}

#[tokio::test(start_paused = true)]
async fn code_that_prints_for_ever_times_out() {
    let bench = Bench::new().await;
    let body = json!({ "code": "loop", "timeout": 2 });
    let answer = bench.execute(&body).await.json();
    assert_eq!(answer["timedout"], true);
    assert_eq!(answer["status"], "timeout");
    let error = answer["error"].as_str().unwrap();
    assert!(error.contains("2s"), "{error}");
}

#[tokio::test]
async fn every_other_end_has_its_status_and_a_sentence() {
    let bench = Bench::new().await;
    for (code, status) in [
        ("exit", "killed"),
        ("oom", "out_of_memory"),
        ("flood", "output_limit"),
    ] {
        let answer = bench.run(code).await.json();
        assert_eq!(answer["status"], status);
        assert_eq!(answer["timedout"], false);
        assert!(answer["error"].is_string(), "{answer}");
    }
}

#[tokio::test]
async fn a_request_of_an_earlier_client_works() {
    let bench = Bench::new().await;
    let file = json!({ "filename": "data", "extension": "csv", "content": "YSxi" });
    let body = json!({
        "code": "read data.csv",
        "execution_environment": "PYTHON",
        "timeout": 60,
        "packages": [],
        "files": [file],
        "user": "ada",
    });
    let mut request = execute(body.to_string());
    *request.uri_mut() = "/jupyter/execute?user=ada&more=1".parse().unwrap();
    assert_eq!(bench.send(request).await.json()["output"], "a,b");
}

#[tokio::test]
async fn absent_and_null_are_the_same() {
    let bench = Bench::new().await;
    let body = json!({
        "code": "print 1",
        "execution_environment": null, "timeout": null, "packages": null, "files": null, "user": null,
        "stdin": null, "environment_variables": null, "network": null, "memory": null, "cpus": null,
        "working_directory": null,
    });
    assert_eq!(bench.execute(&body).await.json()["status"], "ok");
}

#[tokio::test]
async fn files_reach_the_code() {
    let bench = Bench::new().await;
    let text = json!({ "filename": "a.txt", "content": "plain", "base64encoded": false });
    let dotted = json!({ "filename": "b", "extension": ".txt", "content": "ZG90\n" });
    let stored = bench.store("c.txt", "stored").await.json();
    let name = path_of(&stored["url"]);
    let (name, _) = name.split_once('?').unwrap();
    let name = name.rsplit('/').next().unwrap();
    let body = json!({
        "code": "read a.txt\nread b.txt\nread c.txt",
        "files": [text, dotted, name],
    });
    let output = bench.execute(&body).await.json()["output"].clone();
    for content in ["plain", "dot", "stored"] {
        assert!(output.as_str().unwrap().contains(content), "{output}");
    }
}

#[tokio::test]
async fn what_the_code_writes_can_be_fetched() {
    let bench = Bench::new().await;
    let answer = bench.run("write result.csv 1,2").await.json();
    let file = &answer["files"][0];
    assert_eq!(file["filename"], "result.csv");
    assert_eq!(file["content_type"], "text/csv; charset=utf-8");
    assert_eq!(file["size"], 3);
    let url = file["url"].as_str().unwrap();
    assert!(
        url.starts_with("http://localhost:8080/jupyter/files/"),
        "{url}"
    );
    assert_eq!(bench.get(&path_of(&file["url"])).await.bytes, "1,2");
}

#[tokio::test]
async fn stdin_answers_input() {
    let bench = Bench::new().await;
    for stdin in [json!("one\ntwo\n"), json!(["one", "two\n"])] {
        let body = json!({ "code": "input ?\ninput ?", "stdin": stdin });
        let answer = bench.execute(&body).await.json();
        let stdout = answer["stdout"].as_str().unwrap();
        assert!(
            stdout.contains("one") && stdout.contains("two"),
            "{stdout:?}"
        );
    }
}

#[tokio::test]
async fn limits_and_variables_reach_the_sandbox() {
    let bench = Bench::new().await;
    let body = json!({
        "code": "where\nvariable NAME",
        "execution_environment": "bash",
        "memory": "128MiB", "cpus": 0.5, "working_directory": "a/b",
        "environment_variables": { "NAME": "value" },
    });
    let answer = bench.execute(&body).await.json();
    let output = answer["output"].as_str().unwrap();
    for part in ["bash", "0.5", "a/b", "value"] {
        assert!(output.contains(part), "{part} in {output}");
    }
}

#[tokio::test]
async fn the_request_id_is_the_answers() {
    let bench = Bench::new().await;
    let request = with(execute(r#"{"code": "print 1"}"#), "x-request-id", "job-7");
    let answer = bench.send(request).await;
    assert_eq!(answer.header("x-request-id"), "job-7");
    assert_eq!(answer.json()["request_id"], "job-7");
}

#[tokio::test(start_paused = true)]
async fn a_full_service_says_when_to_come_back() {
    let bench = Bench::with(|settings| settings.execution.max_concurrent = 1).await;
    let slow = bench.run("sleep 10s");
    let answer = async {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        bench.run("print 1").await
    };
    let (slow, answer) = tokio::join!(slow, answer);
    assert_eq!(slow.json()["status"], "ok");
    answer.problem(StatusCode::TOO_MANY_REQUESTS);
    assert!(answer.header("retry-after").parse::<u64>().unwrap() > 0);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_is_away_is_503_and_stays_unnamed() {
    let bench = Bench::with(|settings| settings.pool.size = 0).await;
    bench.engine.set_presence(Presence::Away);
    let answer = bench.run("print 1").await;
    let problem = answer.problem(StatusCode::SERVICE_UNAVAILABLE);
    assert!(!problem.to_string().contains("told to be"), "{problem}");
    assert!(!answer.header("retry-after").is_empty());

    let health = bench.get("/jupyter/health").await;
    assert_eq!(health.status, StatusCode::SERVICE_UNAVAILABLE);
    let health: Value = serde_json::from_slice(&health.bytes).unwrap();
    assert_eq!(health["status"], "unavailable");
}

#[tokio::test(start_paused = true)]
async fn a_sandbox_that_does_not_start_is_504() {
    let bench = Bench::with(|settings| settings.pool.size = 0).await;
    bench.engine.set_starts(Starts::Hang);
    let answer = bench.run("print 1").await;
    answer.problem(StatusCode::GATEWAY_TIMEOUT);
}
