//! What every environment promises, through the REST API: the cases of `images/<environment>/conformance.json`, each in
//! a sandbox of its own, made for it or taken from the pool.
//!
//! The images' own tests run the same cases on one kernel; they interrupt as a client would. Here what is to be
//! interrupted runs into its timeout instead.

use std::path::PathBuf;

use futures::StreamExt;
use futures::stream;
use serde_json::{Value, json};

use crate::support::Service;

/// Cases at the same time.
const AT_ONCE: usize = 3;

/// Long enough for a compiler on a busy machine, in seconds.
const TIMEOUT: u32 = 60;

/// Seconds until what never ends by itself is interrupted: longer than a case takes to reach that point.
const INTERRUPT: u32 = 5;

struct Case {
    environment: String,
    case: Value,
}

/// Every case of every environment that has a folder.
fn cases() -> Vec<Case> {
    let images = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("images");
    let folders = std::fs::read_dir(images).unwrap().map(Result::unwrap);
    let mut cases = Vec::new();
    for folder in folders {
        let Ok(text) = std::fs::read(folder.path().join("conformance.json")) else {
            continue;
        };
        let environment = folder.file_name().into_string().unwrap();
        let all: Vec<Value> = serde_json::from_slice(&text).unwrap();
        cases.extend(all.into_iter().map(|case| Case {
            environment: environment.clone(),
            case,
        }));
    }
    assert!(cases.len() > 20, "only {} cases", cases.len());
    cases
}

#[tokio::test]
async fn every_environment_keeps_its_promises_in_sandboxes_made_for_each_case() {
    all_hold(&Service::start(&[]).await, cases()).await;
}

#[tokio::test]
async fn every_environment_keeps_its_promises_in_sandboxes_from_the_pool() {
    let mut environments: Vec<String> = cases().into_iter().map(|case| case.environment).collect();
    environments.dedup();
    for environment in environments {
        let service = Service::start_with_pool(&[&environment], &[]).await;
        service.pool_is_full().await;
        // The first takes the warm sandbox; a few are enough to see that it is no other than a fresh one.
        let few = cases()
            .into_iter()
            .filter(|case| case.environment == environment);
        all_hold(&service, few.take(3).collect()).await;
    }
}

#[tokio::test]
async fn list_kernel_specs_has_every_environment() {
    let listed = Service::start(&[])
        .await
        .get("/jupyter/list_kernel_specs")
        .await;
    for case in cases() {
        let environment = &listed[&case.environment];
        assert!(
            environment["display_name"].is_string(),
            "{}: {listed:#}",
            case.environment
        );
        assert!(
            environment["language"].is_string(),
            "{}: {listed:#}",
            case.environment
        );
    }
}

async fn all_hold(service: &Service, cases: Vec<Case>) {
    let failures = stream::iter(cases)
        .map(|case| holds(service, case))
        .buffer_unordered(AT_ONCE);
    let failures: Vec<String> = failures.filter_map(std::future::ready).collect().await;
    assert!(
        failures.is_empty(),
        "{} cases failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// What does not hold, if anything.
async fn holds(service: &Service, Case { environment, case }: Case) -> Option<String> {
    let interrupted = case.get("interrupt_after").is_some();
    let stdin = case.get("stdin").cloned().unwrap_or_else(|| json!([]));
    let timeout = if interrupted { INTERRUPT } else { TIMEOUT };
    let fields = json!({"timeout": timeout, "stdin": stdin});
    let (http, answer) = service
        .post(&environment, case["code"].as_str().unwrap(), fields)
        .await;
    // The API always answers a question, if only with the end of the input.
    let expect = case.get("expect_over_api").unwrap_or(&case["expect"]);
    let wrong = if http == 200 {
        differences(expect, &answer, interrupted)
    } else {
        vec![format!("HTTP {http}")]
    };
    let name = &case["name"];
    (!wrong.is_empty()).then(|| format!("{environment}, {name}: {}\n{answer:#}", wrong.join("; ")))
}

fn differences(expect: &Value, answer: &Value, interrupted: bool) -> Vec<String> {
    if interrupted {
        let timed_out = answer["status"] == "timeout";
        return wrong_unless(timed_out, "it did not run into its timeout".to_owned());
    }
    let status = &expect["status"];
    let mut wrong = wrong_unless(
        &answer["status"] == status,
        format!("status is not {status}"),
    );
    for stream in ["stdout", "stderr"] {
        wrong.extend(text_differences(expect, stream, &answer[stream]));
    }
    wrong.extend(output_differences(expect, &listed(answer, "outputs")));
    let files = listed(answer, "files");
    for name in listed(expect, "files") {
        let there = files.iter().any(|file| file["filename"] == name);
        wrong.extend(wrong_unless(there, format!("no file {name}")));
    }
    wrong
}

fn wrong_unless(holds: bool, what: String) -> Vec<String> {
    if holds { Vec::new() } else { vec![what] }
}

fn listed(of: &Value, field: &str) -> Vec<Value> {
    of[field].as_array().cloned().unwrap_or_default()
}

/// What is expected of a text: all of it, or a part.
fn text_differences(expect: &Value, field: &str, text: &Value) -> Vec<String> {
    let whole = expect.get(field).filter(|whole| *whole != text);
    let whole = whole.map(|whole| format!("{field} is not {whole}"));
    let part = expect.get(format!("{field}_contains"));
    let text = text.as_str().unwrap_or_default();
    let part = part.filter(|part| !text.contains(part.as_str().unwrap()));
    let part = part.map(|part| format!("{field} has no {part}"));
    whole.into_iter().chain(part).collect()
}

fn output_differences(expect: &Value, outputs: &[Value]) -> Vec<String> {
    let of = |kind: &'static str| outputs.iter().filter(move |is| is["output_type"] == kind);
    let mut wrong = Vec::new();
    if let Some(result) = expect.get("result") {
        let shown = of("execute_result").any(|output| &output["data"]["text/plain"] == result);
        wrong.extend(wrong_unless(shown, format!("no result {result}")));
    }
    for mime in listed(expect, "mime") {
        let mime = mime.as_str().unwrap();
        let shown = outputs
            .iter()
            .any(|output| output["data"].get(mime).is_some());
        wrong.extend(wrong_unless(shown, format!("no {mime}")));
    }
    if let Some(error) = expect.get("error") {
        let raised = of("error").next().cloned().unwrap_or_default();
        wrong.extend(error_differences(error, &raised));
    }
    wrong
}

fn error_differences(expect: &Value, raised: &Value) -> Vec<String> {
    let lines = listed(raised, "traceback");
    let lines: Vec<&str> = lines.iter().filter_map(Value::as_str).collect();
    let traceback = Value::from(lines.join("\n"));
    [
        ("name", &raised["ename"]),
        ("value", &raised["evalue"]),
        ("traceback", &traceback),
    ]
    .into_iter()
    .flat_map(|(field, text)| text_differences(expect, field, text))
    .collect()
}
