//! The audit log: what is in it, whatever happens, and what is never in it.

use std::path::{Path, PathBuf};

use cellblock::config::{AuditedCode, Settings};
use cellblock::service::execution::request::SandboxRequest;
use cellblock::service::execution::watch::Watcher;
use cellblock::service::owner::Owner;
use cellblock::service::session::request::SessionRequest;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::numbers::Numbers;
use crate::support::{World, cell, eventually, request, world_with};

/// `sha256sum` of `print a`.
const PRINT_A: &str = "6a7ad14ba13a288fa0368bca0ef93ddb230ec80c0b8fe4bfb0bf8afed3735c62";

/// A service that keeps an audit log.
struct Audited {
    world: World,
    folder: TempDir,
}

impl Audited {
    async fn new(change: impl FnOnce(&mut Settings)) -> Audited {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("audit.log");
        let world = world_with(|settings, _| {
            settings.audit.log = Some(log);
            change(settings);
        })
        .await;
        Audited { world, folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("audit.log")
    }

    /// What is in it, once everything that has happened is.
    async fn lines(&self) -> Vec<Value> {
        self.world.service.reopen_audit_log().await;
        lines(&self.path())
    }
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    let line = |line: &str| serde_json::from_str(line).unwrap();
    text.lines().map(line).collect()
}

#[tokio::test(start_paused = true)]
async fn an_execution_is_one_line_with_all_that_it_asked_for() {
    let audited = Audited::new(|_| {}).await;
    let mut asked = request("print a");
    asked.cell.user = Some("grace".to_owned());
    audited.world.run(asked).await.unwrap();
    let lines = audited.lines().await;
    assert_eq!(lines.len(), 1);
    let line = &lines[0];
    for (field, value) in [
        ("event", json!("execution")),
        ("request_id", json!("test")),
        ("owner", json!("local")),
        ("user", json!("grace")),
        ("environment", json!("python")),
        ("session", json!(null)),
        ("status", json!("ok")),
        ("network", json!([])),
        ("packages", json!([])),
        ("code_sha256", json!(PRINT_A)),
    ] {
        assert_eq!(line[field], value, "{field}");
    }
    line["time"]
        .as_str()
        .unwrap()
        .parse::<jiff::Timestamp>()
        .unwrap();
    assert!(line["usage"]["cpu_ms"].is_u64() && line["took_ms"].is_u64());
    assert_eq!(line.get("code"), None, "the code itself only on request");
}

#[tokio::test(start_paused = true)]
async fn the_code_is_in_it_where_the_operator_wants_it() {
    let audited = Audited::new(|settings| settings.audit.code = AuditedCode::Whole).await;
    audited.world.run_code("print a\nprint b").await;
    assert_eq!(audited.lines().await[0]["code"], "print a\nprint b");
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_or_cancelled_is_in_it_too() {
    let audited = Audited::new(|_| {}).await;
    let mut refused = request("print a");
    refused.sandbox.network = vec!["secret.example".parse().unwrap()];
    refused.sandbox.packages = vec!["humanize".to_owned()];
    audited.world.run(refused).await.unwrap_err();
    let running = audited.world.spawn(request("sleep 9s"));
    eventually("it runs", || audited.world.used().len() == 1).await;
    running.abort();
    running.await.unwrap_err();
    let lines = audited.lines().await;
    assert_eq!(lines[0]["status"], "refused");
    assert_eq!(lines[0]["network"], json!(["secret.example"]));
    assert_eq!(lines[0]["packages"], json!(["humanize"]));
    assert_eq!(lines[1]["status"], "cancelled");
}

#[tokio::test(start_paused = true)]
async fn executions_of_a_session_and_its_end_are_in_it() {
    let audited = Audited::new(|_| {}).await;
    let (service, local) = (&audited.world.service, Owner::local());
    let made = SessionRequest::plain(SandboxRequest::plain("python", "made-by"));
    let session = service.create_session(&local, made).await.unwrap();
    let executed = session
        .execute("run-by", cell("print a"), Watcher::nobody())
        .await;
    executed.unwrap();
    service.end_session(&local, session.id()).await.unwrap();
    audited.world.settled().await;
    let lines = audited.lines().await;
    assert_eq!(lines.len(), 2);
    for line in &lines {
        assert_eq!(line["session"], session.id().to_string());
        assert_eq!(line["owner"], "local");
    }
    assert_eq!(lines[0]["request_id"], "run-by");
    assert_eq!(lines[0]["code_sha256"], PRINT_A);
    assert_eq!(lines[1]["event"], "session_end");
    assert_eq!(lines[1]["status"], "deleted");
    assert_eq!(lines[1]["request_id"], "made-by");
}

#[tokio::test(start_paused = true)]
async fn after_a_rotation_it_goes_on_in_a_new_file() {
    let audited = Audited::new(|_| {}).await;
    audited.world.run_code("print a").await;
    let rotated = audited.folder.path().join("audit.log.1");
    audited.lines().await;
    std::fs::rename(audited.path(), &rotated).unwrap();
    audited.world.run_code("print a").await;
    audited.world.service.reopen_audit_log().await;
    audited.world.run_code("print b").await;
    assert_eq!(audited.lines().await.len(), 1);
    assert_eq!(lines(&rotated).len(), 2, "nothing is lost on the way");
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_stops_no_execution_and_is_counted() {
    let audited = Audited::new(|settings| settings.audit.log = Some("/dev/full".into())).await;
    for _ in 0..3 {
        assert_eq!(audited.world.run_code("print a").await.output.stdout, "a\n");
    }
    audited.world.service.reopen_audit_log().await;
    let numbers = Numbers::read(&audited.world.service.metrics());
    let lines = |result: &str| numbers.of(&format!("audit_lines_total{{result=\"{result}\"}}"));
    assert_eq!((lines("lost"), lines("written")), (3.0, 0.0));
}

/// Not under paused time: that does not wait for the log's thread, and the stop's own deadline would be over at once.
#[tokio::test]
async fn what_happened_before_a_stop_is_in_it() {
    let audited = Audited::new(|_| {}).await;
    for _ in 0..50 {
        audited.world.run_code("print a").await;
    }
    audited.world.service.shut_down().await;
    assert_eq!(lines(&audited.path()).len(), 50);
}

#[tokio::test]
async fn a_service_that_cannot_keep_it_does_not_start() {
    let state = tempfile::tempdir().unwrap();
    let mut settings = crate::support::settings(&state);
    settings.audit.log = Some("/proc/no/such/audit.log".into());
    let engine = std::sync::Arc::new(cellblock::sandbox::fake::FakeEngine::new());
    let refused = cellblock::service::Service::start(&settings, engine).await;
    assert!(refused.unwrap_err().to_string().contains("audit log"));
}
