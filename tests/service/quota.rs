//! What a key allows its owner, and how much.

use std::sync::Arc;
use std::time::Duration;

use cellblock::sandbox::fake::Happening;
use cellblock::service::ServiceError;
use cellblock::service::execution::request::{ExecutionRequest, SandboxRequest};
use cellblock::service::execution::watch::Watcher;
use cellblock::service::owner::Owner;
use cellblock::service::session::Session;
use cellblock::service::session::request::{Home, SessionRequest};
use tokio::task::JoinHandle;
use tokio::time::{advance, sleep};

use crate::home::asking;
use crate::support::{Outcome, World, cell, eventually, refusal, request, world_with};

const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

/// A service with the keys of `ada`, who has these limits, and of `grace`, who has none.
async fn limited(ada: &str) -> World {
    world_with(|settings, _| {
        let key = |name: &str, more: &str| {
            format!("[[keys]]\nname = \"{name}\"\nhash = \"{HASH}\"\ncreated = \"2026-05-01T00:00:00Z\"\n{more}\n")
        };
        let path = settings.state_dir.join("keys.toml");
        std::fs::write(&path, key("ada", ada) + &key("grace", "")).unwrap();
        settings.keys_file = Some(path);
        settings.egress.hosts = vec!["pypi.org".parse().unwrap(), "example.org".parse().unwrap()];
    })
    .await
}

async fn run_as(world: &World, owner: &str, request: ExecutionRequest) -> Outcome {
    world.service.execute(&Owner::named(owner), request).await
}

fn spawn_as(world: &World, owner: &'static str, request: ExecutionRequest) -> JoinHandle<Outcome> {
    let service = world.service.clone();
    tokio::spawn(async move { service.execute(&Owner::named(owner), request).await })
}

async fn executed(session: &Arc<Session>) -> Outcome {
    session
        .execute("test", cell("print a"), Watcher::nobody())
        .await
}

async fn session_of(world: &World, owner: &str) -> Result<Arc<Session>, ServiceError> {
    let request = SessionRequest::plain(SandboxRequest::plain("python", "test"));
    let owner = Owner::named(owner);
    world.service.create_session(&owner, request).await
}

/// The limit that is named, and when to come back.
fn over<T>(outcome: Result<T, ServiceError>) -> (String, Duration) {
    match outcome.err() {
        Some(ServiceError::OverQuota { limit, retry_after }) => {
            let (name, _) = limit.split_once(':').unwrap();
            (name.to_owned(), retry_after)
        }
        error => panic!("not over a limit: {error:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn executions_at_once_are_limited_by_owner() {
    let world = limited("limits = { executions = 1 }").await;
    let running = spawn_as(&world, "ada", request("sleep 8s"));
    eventually("it runs", || world.used().len() == 1).await;
    assert_eq!(
        over(run_as(&world, "ada", request("print a")).await).0,
        "executions"
    );
    run_as(&world, "grace", request("print a")).await.unwrap();
    running.await.unwrap().unwrap();
    run_as(&world, "ada", request("print a")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_gives_its_place_back() {
    let world = limited("limits = { executions = 1 }").await;
    let running = spawn_as(&world, "ada", request("sleep 8s"));
    eventually("it runs", || world.used().len() == 1).await;
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    run_as(&world, "ada", request("print a")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn executions_in_a_minute_are_limited_and_the_wait_is_true() {
    let world = limited("limits = { executions_per_minute = 2 }").await;
    for _ in 0..2 {
        run_as(&world, "ada", request("print a")).await.unwrap();
    }
    let (limit, wait) = over(run_as(&world, "ada", request("print a")).await);
    assert_eq!(limit, "executions_per_minute");
    assert!(
        wait > Duration::from_secs(50) && wait <= Duration::from_secs(60),
        "{wait:?}"
    );
    advance(wait).await;
    run_as(&world, "ada", request("print a")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn processor_time_of_a_day_is_limited() {
    // Code in a fake sandbox uses 7 ms.
    let world = limited("limits = { cpu_per_day = \"14ms\" }").await;
    for _ in 0..2 {
        run_as(&world, "ada", request("print a")).await.unwrap();
    }
    let (limit, wait) = over(run_as(&world, "ada", request("print a")).await);
    assert_eq!(limit, "cpu_per_day");
    assert!(wait <= Duration::from_secs(24 * 60 * 60), "{wait:?}");
    assert_eq!(over(session_of(&world, "ada").await).0, "cpu_per_day");
    run_as(&world, "grace", request("print a")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_was_used_today_outlives_the_service() {
    let world = limited("limits = { cpu_per_day = \"7ms\" }").await;
    run_as(&world, "ada", request("print a")).await.unwrap();
    let world = world.restarted().await;
    let refused = run_as(&world, "ada", request("print a")).await;
    assert_eq!(over(refused).0, "cpu_per_day");
    run_as(&world, "grace", request("print a")).await.unwrap();

    // What a service has written that did not come to its end.
    let path = world.settings.state_dir.join("quota.json");
    let written = || std::fs::read_to_string(&path).unwrap();
    eventually("it is written", || written().contains("grace")).await;
}

#[tokio::test(start_paused = true)]
async fn another_day_begins_with_nothing_used() {
    let world = limited("limits = { cpu_per_day = \"7ms\" }").await;
    run_as(&world, "ada", request("print a")).await.unwrap();
    world.service.shut_down().await;
    let path = world.settings.state_dir.join("quota.json");
    let mut written: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(written["owners"]["ada"]["cpu_ms"], 7);
    written["day"] = "2026-05-01".into();
    std::fs::write(&path, written.to_string()).unwrap();
    let world = world.restarted().await;
    run_as(&world, "ada", request("print a")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn going_away_does_not_hide_processor_time() {
    let world = limited("limits = { cpu_per_day = \"5s\" }").await;
    let running = spawn_as(&world, "ada", request("sleep 8s"));
    eventually("it runs", || world.used().len() == 1).await;
    advance(Duration::from_secs(6)).await;
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    assert_eq!(
        over(run_as(&world, "ada", request("print a")).await).0,
        "cpu_per_day"
    );
}

#[tokio::test(start_paused = true)]
async fn sessions_are_limited_by_owner_and_one_that_ends_makes_room() {
    let world = limited("limits = { sessions = 1 }").await;
    let session = session_of(&world, "ada").await.unwrap();
    assert_eq!(over(session_of(&world, "ada").await).0, "sessions");
    session_of(&world, "grace").await.unwrap();
    world
        .service
        .end_session(&Owner::named("ada"), session.id())
        .await
        .unwrap();
    session_of(&world, "ada").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_home_whose_kernel_was_shut_down_counts() {
    let world = limited("limits = { sessions = 1 }").await;
    let (service, ada) = (&world.service, Owner::named("ada"));
    let home = service.create_session(&ada, asking(Home::IfNone)).await;
    let home = home.unwrap();
    home.keep_files().await.unwrap();
    let id = home.id();
    service.shut_down_kernel(&ada, id).await.unwrap();
    assert_eq!(over(session_of(&world, "ada").await).0, "sessions");
    service.end_session(&ada, id).await.unwrap();
    session_of(&world, "ada").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn sessions_that_are_taken_over_count() {
    let world = limited("limits = { sessions = 1 }").await;
    session_of(&world, "ada").await.unwrap();
    let world = world.restarted().await;
    assert_eq!(over(session_of(&world, "ada").await).0, "sessions");
}

#[tokio::test(start_paused = true)]
async fn executions_in_a_session_count_like_others() {
    let world = limited("limits = { executions_per_minute = 1, cpu_per_day = \"1h\" }").await;
    let session = session_of(&world, "ada").await.unwrap();
    executed(&session).await.unwrap();
    let again = executed(&session).await;
    assert_eq!(over(again).0, "executions_per_minute");
}

#[tokio::test(start_paused = true)]
async fn processor_time_of_a_session_counts_however_code_came_there() {
    let world = limited("limits = { cpu_per_day = \"7ms\" }").await;
    let session = session_of(&world, "ada").await.unwrap();
    executed(&session).await.unwrap();
    let again = executed(&session).await;
    assert_eq!(over(again).0, "cpu_per_day");

    let world = limited("limits = { cpu_per_day = \"7ms\" }").await;
    session_of(&world, "ada").await.unwrap();
    // Two looks at what the sandbox has used, which it has without any execution of ours.
    sleep(Duration::from_secs(21)).await;
    assert_eq!(over(session_of(&world, "ada").await).0, "cpu_per_day");
}

#[tokio::test(start_paused = true)]
async fn an_environment_that_the_key_does_not_allow_is_refused() {
    let world = limited("environments = [\"bash\"]").await;
    let (field, reason) = refusal(run_as(&world, "ada", request("print a")).await);
    assert_eq!(field, "execution_environment");
    assert!(reason.contains("bash"), "{reason}");
    let mut bash = request("print a");
    bash.sandbox.environment = "bash".to_owned();
    run_as(&world, "ada", bash).await.unwrap();
    match session_of(&world, "ada").await {
        Err(ServiceError::Invalid { field, .. }) => assert_eq!(field, "execution_environment"),
        session => panic!("{session:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_the_key_does_not_allow_is_refused() {
    let world = limited("hosts = [\"pypi.org\"]").await;
    let mut other = request("print a");
    other.sandbox.network = vec!["pypi.org".parse().unwrap(), "example.org".parse().unwrap()];
    let (field, _) = refusal(run_as(&world, "ada", other.clone()).await);
    assert_eq!(field, "network.1");
    run_as(&world, "grace", other.clone()).await.unwrap();
    other.sandbox.network.pop();
    run_as(&world, "ada", other).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn memory_beyond_the_key_is_refused_and_the_usual_one_is_cut_to_it() {
    let world = limited("limits = { memory = \"128MiB\" }").await;
    let mut large = request("print a");
    large.sandbox.memory = Some(bytesize::ByteSize::mib(256));
    assert_eq!(refusal(run_as(&world, "ada", large).await).0, "memory");
    run_as(&world, "ada", request("print a")).await.unwrap();
    let made = world
        .engine
        .history()
        .into_iter()
        .any(|happening| match happening {
            Happening::Begun(spec) => spec.limits.memory == bytesize::ByteSize::mib(128),
            Happening::Swept | Happening::Made(_) | Happening::Used(_) | Happening::Removed(_) => {
                false
            }
        });
    assert!(made, "no sandbox of 128 MiB");
}
