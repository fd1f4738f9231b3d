//! What is counted of a real engine, and the audit log of a real process.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::numbers::Numbers;
use crate::support::{Service, eventually};

async fn numbers(service: &Service) -> Numbers {
    let answer = service.client().get(service.url("/metrics")).send().await;
    Numbers::read(&answer.unwrap().text().await.unwrap())
}

fn calls(call: &str, result: &str) -> String {
    format!("engine_calls_total{{call=\"{call}\",result=\"{result}\"}}")
}

#[tokio::test]
async fn calls_to_the_engine_are_counted_and_what_is_owned() {
    let service = Service::start(&[]).await;
    let before = numbers(&service).await;
    assert_eq!(before.of("sandboxes_owned"), 0.0);
    let ours = |sample: &str| sample.starts_with("cellblock_");
    assert!(before.samples().all(ours), "{before:?}");
    service.execute("bash", "echo a").await;
    let removed = "sandbox_removals_total{result=\"removed\"}";
    let is_removed = async || {
        let now = numbers(&service).await;
        now.of(removed) - before.of(removed) >= 1.0 && now.of("sandboxes_owned") == 0.0
    };
    eventually("its sandbox is removed", is_removed).await;
    let after = numbers(&service).await;
    for call in ["create", "start", "attach", "remove"] {
        let grown = after.of(&calls(call, "ok")) - before.of(&calls(call, "ok"));
        assert!(grown >= 1.0, "{call}: {grown}");
    }
    let took = |part: &str| after.of(&format!("engine_call_seconds_{part}{{call=\"start\"}}"));
    let mean = took("sum") / took("count");
    assert!(mean > 0.001 && mean < 30.0, "{mean}");
}

#[tokio::test]
async fn what_the_engine_refuses_is_counted_as_that() {
    let service = Service::start(&["--engine-runtime=no-such-runtime"]).await;
    let (status, _) = service.post("bash", "echo a", serde_json::json!({})).await;
    assert!(status >= 500, "{status}");
    let refused = ["create", "start"].map(|call| calls(call, "refused"));
    let now = numbers(&service).await;
    assert!(
        refused.iter().any(|sample| now.of(sample) >= 1.0),
        "{now:?}"
    );
}

#[tokio::test]
async fn on_sighup_the_audit_log_goes_on_in_a_new_file() {
    let folder = tempfile::tempdir().unwrap();
    let (log, rotated) = (folder.path().join("a.log"), folder.path().join("a.log.1"));
    let setting = format!("--audit-log={}", log.display());
    let service = Service::start(&[&setting]).await;
    service.execute("bash", "echo first").await;
    eventually("the first is written", async || lines(&log).len() == 1).await;
    fs::rename(&log, &rotated).unwrap();
    let mut hangup = Command::new("kill");
    hangup.args(["-HUP", &service.pid().to_string()]);
    assert!(hangup.status().unwrap().success());
    eventually("there is a new file", async || log.exists()).await;
    service.execute("bash", "echo second").await;
    eventually("the second is written", async || lines(&log).len() == 1).await;
    let old = lines(&rotated);
    assert_eq!(old.len(), 1);
    for line in old.iter().chain(&lines(&log)) {
        assert_eq!(
            (&line["status"], &line["environment"]),
            (&"ok".into(), &"bash".into())
        );
        assert!(line["usage"]["peak_memory_bytes"].as_u64().unwrap() > 0);
    }
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let whole = text.lines().filter(|line| line.ends_with('}'));
    whole
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
