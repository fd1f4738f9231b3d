//! What a request may ask for.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use bytesize::ByteSize;
use cellblock::service::error::ServiceError;
use cellblock::service::execution::request::{ExecutionRequest, InputFile};
use cellblock::service::files::FileName;

use crate::support::{eventually, refusal, request, world, world_with};

/// The field that a request with this change is refused for.
async fn refused(change: impl FnOnce(&mut ExecutionRequest)) -> String {
    let world = world().await;
    let mut request = request("print a");
    change(&mut request);
    let begun = world.engine.counts().begun;
    let (field, reason) = refusal(world.run(request).await);
    assert!(!reason.is_empty());
    assert_eq!(
        world.engine.counts().begun,
        begun,
        "nothing is started for it"
    );
    assert_eq!(world.used(), [""; 0]);
    field
}

pub fn inline(name: &str, content: &str) -> InputFile {
    InputFile::Inline {
        name: FileName::parse(name).unwrap(),
        content: Bytes::copy_from_slice(content.as_bytes()),
    }
}

#[tokio::test(start_paused = true)]
async fn empty_code_is_refused() {
    assert_eq!(refused(|it| it.cell.code = " \n".to_owned()).await, "code");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_environment_is_refused_with_the_known_ones() {
    let mut request = request("print a");
    request.sandbox.environment = "pyhton".to_owned();
    let (field, reason) = refusal(world().await.run(request).await);
    assert_eq!(field, "execution_environment");
    assert!(
        reason.contains("pyhton") && reason.contains("bash, python"),
        "{reason}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_timeout_out_of_range_is_refused() {
    for timeout in [
        Duration::ZERO,
        Duration::from_millis(999),
        Duration::from_secs(100_000),
    ] {
        assert_eq!(refused(|it| it.cell.timeout = timeout).await, "timeout");
    }
}

#[tokio::test(start_paused = true)]
async fn more_than_the_operator_allows_is_refused() {
    for memory in [ByteSize::b(0), ByteSize::tib(1)] {
        assert_eq!(
            refused(|it| it.sandbox.memory = Some(memory)).await,
            "memory"
        );
    }
    for cpus in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9] {
        assert_eq!(refused(|it| it.sandbox.cpus = Some(cpus)).await, "cpus");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_environment_variable_is_refused() {
    for (name, value) in [
        ("", "x"),
        ("1A", "x"),
        ("A B", "x"),
        ("A=B", "x"),
        ("A", "a\0b"),
    ] {
        let variables = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        let field = refused(|it| it.sandbox.environment_variables = variables).await;
        assert_eq!(field, format!("environment_variables.{name}"));
    }
    let variables = BTreeMap::from([("A".to_owned(), "x".repeat(1 << 20))]);
    let field = refused(|it| it.sandbox.environment_variables = variables).await;
    assert_eq!(field, "environment_variables");
}

#[tokio::test(start_paused = true)]
async fn a_working_directory_outside_the_home_is_refused() {
    for path in ["", "/etc", "..", "a/../../b", "a\0b", &"x".repeat(300)] {
        let field = refused(|it| it.sandbox.working_directory = Some(path.to_owned())).await;
        assert_eq!(field, "working_directory");
    }
}

#[tokio::test(start_paused = true)]
async fn two_files_of_one_name_are_refused() {
    let files = vec![inline("a", "1"), inline("b", "2"), inline("a", "3")];
    assert_eq!(
        refused(|it| it.sandbox.files = files).await,
        "files.2.filename"
    );
}

#[tokio::test(start_paused = true)]
async fn files_over_the_limit_are_too_large() {
    let world = world_with(|settings, _| settings.execution.max_input = ByteSize::b(10)).await;
    let mut request = request("print a");
    request.sandbox.files = vec![inline("a", "123456"), inline("b", "12345")];
    let outcome = world.run(request).await;
    assert!(
        matches!(&outcome, Err(ServiceError::TooLarge { field, .. }) if field == "files"),
        "{outcome:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_request_asks_for_its_sandbox_gets() {
    let mut request = request("where\nvariable MOOD");
    request.sandbox.memory = Some(ByteSize::mib(300));
    request.sandbox.cpus = Some(0.5);
    request.sandbox.working_directory = Some("elsewhere/deep".to_owned());
    request.sandbox.environment_variables =
        BTreeMap::from([("MOOD".to_owned(), "calm".to_owned())]);
    let result = world().await.run(request).await.unwrap();
    let bytes = 300 << 20;
    assert_eq!(
        result.output.stdout,
        format!("python {bytes} 0.5 elsewhere/deep\ncalm\n")
    );
}

#[tokio::test(start_paused = true)]
async fn what_equals_the_default_comes_from_the_pool() {
    let world = world().await;
    let begun = world.engine.counts().begun;
    let mut request = request("where");
    request.sandbox.memory = Some(cellblock::config::Settings::default().sandbox.memory);
    request.sandbox.working_directory = Some("work".to_owned());
    let result = world.run(request).await.unwrap();
    assert_eq!(result.timing.start, Duration::ZERO);
    world.settled().await;
    assert_eq!(world.engine.counts().begun, begun + 1, "the refill only");
}

#[tokio::test(start_paused = true)]
async fn full_means_busy_with_an_honest_word_on_when_to_come_back() {
    let world = world_with(|settings, _| settings.execution.max_concurrent = 2).await;
    let running = [
        world.spawn(request("sleep 8s")),
        world.spawn(request("sleep 8s")),
    ];
    eventually("both run", || world.used().len() == 2).await;
    let outcome = world.run(request("print a")).await;
    let Err(ServiceError::Busy { retry_after }) = outcome else {
        panic!("{outcome:?}");
    };
    assert!(retry_after >= Duration::from_secs(1) && retry_after <= Duration::from_secs(10));
    for execution in running {
        execution.await.unwrap().unwrap();
    }
    assert_eq!(world.run_code("print a").await.output.text, "a");
}

#[tokio::test(start_paused = true)]
async fn long_executions_make_for_later_retries() {
    let world = world_with(|settings, _| settings.execution.max_concurrent = 1).await;
    let mut waits = Vec::new();
    for _ in 0..20 {
        let mut long = request("sleep 100s");
        long.cell.timeout = Duration::from_secs(110);
        let running = world.spawn(long);
        let before = world.used().len();
        eventually("it runs", || world.used().len() > before).await;
        match world.run(request("print a")).await {
            Err(ServiceError::Busy { retry_after }) => waits.push(retry_after),
            outcome => panic!("{outcome:?}"),
        }
        running.await.unwrap().unwrap();
    }
    assert!(waits.is_sorted() && waits[0] < waits[19], "{waits:?}");
    assert!(waits[19] > Duration::from_secs(80), "{waits:?}");
    assert!(waits[19] < Duration::from_secs(110), "{waits:?}");
}
