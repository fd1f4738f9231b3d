//! How the service begins, goes on, and ends.

use std::sync::Arc;
use std::time::Duration;

use cellblock::sandbox::fake::{FakeEngine, Happening, Presence, Starts, environment};
use cellblock::service::Service;
use cellblock::service::error::ServiceError;
use cellblock::service::execution::result::Status;
use tokio::time::{Instant, sleep};

use crate::support::{World, eventually, fresh_world, request, settings, world, world_with};

const SECOND: Duration = Duration::from_secs(1);

fn sweeps(world: &World) -> usize {
    let history = world.engine.history();
    history.iter().filter(|it| **it == Happening::Swept).count()
}

#[tokio::test(start_paused = true)]
async fn strays_are_removed_before_anything_is_started() {
    let world = world_with(|_, engine| engine.leave_strays(3)).await;
    let swept_until_none_is_found = [Happening::Swept, Happening::Swept];
    assert_eq!(world.engine.history()[..2], swept_until_none_is_found);
    assert_eq!(world.engine.counts().alive, 2);
}

#[tokio::test(start_paused = true)]
async fn strays_are_looked_for_again_and_again() {
    let world = world().await;
    sleep(95 * SECOND).await;
    assert_eq!(sweeps(&world), 1 + 3);
}

#[tokio::test(start_paused = true)]
async fn without_an_engine_it_does_not_start() {
    let engine = FakeEngine::new();
    engine.set_presence(Presence::Away);
    let state = tempfile::tempdir().unwrap();
    let service = Service::start(&settings(&state), Arc::new(engine)).await;
    assert!(
        matches!(service, Err(ServiceError::Unavailable(_))),
        "{service:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn health_tells_what_there_is() {
    let world = world().await;
    let running = world.spawn(request("sleep 5s"));
    eventually("it runs", || world.used().len() == 1).await;
    let health = world.service.health().await;
    assert!(health.able);
    assert_eq!(health.engine.as_deref(), Some("fake"));
    assert_eq!(health.executions, 1);
    let names: Vec<_> = health.environments.iter().map(|it| &*it.name).collect();
    assert_eq!(names, ["bash", "python"]);
    running.await.unwrap().unwrap();
    world.engine.set_presence(Presence::Away);
    sleep(2 * SECOND).await;
    let health = world.service.health().await;
    assert!(!health.able);
    assert_eq!(health.engine, None);
}

#[tokio::test(start_paused = true)]
async fn without_an_environment_it_is_not_able() {
    let world = fresh_world(|_, engine| engine.set_environments(Vec::new())).await;
    assert!(!world.service.health().await.able);
}

#[tokio::test(start_paused = true)]
async fn while_no_sandbox_starts_it_is_not_able() {
    let world = world().await;
    world.engine.set_starts(Starts::Fail);
    world.engine.lose_warm();
    sleep(100 * SECOND).await;
    let health = world.service.health().await;
    assert!(!health.able && health.engine.is_some(), "{health:?}");
    world.engine.set_starts(Starts::Work);
    sleep(31 * SECOND).await;
    assert!(world.service.health().await.able);
}

#[tokio::test(start_paused = true)]
async fn a_failed_start_is_not_held_against_an_environment_that_nobody_tries_again() {
    let world = fresh_world(|settings, engine| {
        settings.pool.size = 0;
        engine.set_environments(vec![environment("python")]);
        engine.fail_starts(1);
    })
    .await;
    assert!(world.service.health().await.able);
    world.run(request("print a")).await.unwrap_err();
    assert!(!world.service.health().await.able);
    sleep(31 * SECOND).await;
    assert!(world.service.health().await.able);
}

#[tokio::test(start_paused = true)]
async fn once_the_engine_is_back_strays_are_looked_for_and_the_pool_is_filled_soon() {
    let world = world().await;
    world.engine.set_presence(Presence::Away);
    world.engine.lose_warm();
    sleep(101 * SECOND).await;
    let before = sweeps(&world);
    world.engine.set_presence(Presence::Here);
    sleep(9 * SECOND).await;
    assert_eq!(sweeps(&world), before + 1);
    let pools = world.service.health().await.environments;
    assert!(pools.iter().all(|pool| pool.warm == pool.size), "{pools:?}");
}

#[tokio::test(start_paused = true)]
async fn shutting_down_leaves_no_sandbox_and_refuses_new_work() {
    let world = world().await;
    world.service.shut_down().await;
    assert_eq!(world.engine.counts().alive, 0);
    let outcome = world.run(request("print a")).await;
    assert!(
        matches!(outcome, Err(ServiceError::Unavailable(_))),
        "{outcome:?}"
    );
    sleep(60 * SECOND).await;
    assert_eq!(world.engine.counts().alive, 0);
    assert_eq!(world.engine.counts().begun, 2);
    assert!(!world.service.health().await.able);
}

#[tokio::test(start_paused = true)]
async fn shutting_down_waits_for_what_runs() {
    let world = world().await;
    let running = world.spawn(request("sleep 5s\nprint a"));
    eventually("it runs", || world.used().len() == 1).await;
    let service = world.service.clone();
    let shutting_down = tokio::spawn(async move { service.shut_down().await });
    sleep(SECOND).await;
    let refused = world.run(request("print b")).await;
    assert!(
        matches!(refused, Err(ServiceError::Unavailable(_))),
        "{refused:?}"
    );
    let result = running.await.unwrap().unwrap();
    assert_eq!((result.status, &*result.output.text), (Status::Ok, "a"));
    shutting_down.await.unwrap();
    assert_eq!(world.engine.counts().alive, 0);
}

#[tokio::test(start_paused = true)]
async fn shutting_down_ends_what_runs_longer_than_the_grace() {
    let world = world_with(|settings, engine| {
        settings.server.shutdown_grace = 3 * SECOND;
        settings.pool.size = 0;
        engine.set_start_delay(SECOND);
    })
    .await;
    let mut long = request("sleep 100s");
    long.cell.timeout = 110 * SECOND;
    let running = world.spawn(long);
    eventually("it runs", || world.used().len() == 1).await;
    world.engine.set_starts(Starts::Hang);
    let waiting = [
        world.spawn(request("print a")),
        world.spawn(request("print a")),
    ];
    sleep(SECOND / 2).await;
    let began = Instant::now();
    world.service.shut_down().await;
    assert!(began.elapsed() < 4 * SECOND);
    assert_eq!(world.engine.counts().alive, 0);
    assert_eq!(world.engine.counts().starting, 0);
    for execution in waiting.into_iter().chain([running]) {
        let outcome = execution.await.unwrap();
        assert!(
            matches!(outcome, Err(ServiceError::Unavailable(_))),
            "{outcome:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_service_leaves_no_sandbox() {
    let World {
        service, engine, ..
    } = world().await;
    drop(service);
    eventually("nothing lives", || engine.counts().alive == 0).await;
}
