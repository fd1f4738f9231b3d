//! How many sandboxes there are in all, whose turn it is, and what happens while the host is short of memory.

use std::time::Duration;

use cellblock::service::ServiceError;
use cellblock::service::execution::request::SandboxRequest;
use cellblock::service::execution::result::Status;
use cellblock::service::health::Memory;
use cellblock::service::owner::Owner;
use cellblock::service::session::request::SessionRequest;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::support::{Outcome, World, eventually, request, world_with};

const SECOND: Duration = Duration::from_secs(1);

fn spawn_as(world: &World, owner: &'static str) -> JoinHandle<Outcome> {
    let service = world.service.clone();
    tokio::spawn(async move {
        service
            .execute(&Owner::named(owner), request("print a"))
            .await
    })
}

async fn warm(world: &World) -> usize {
    world.lines().await.iter().map(|line| line.1).sum()
}

#[tokio::test(start_paused = true)]
async fn an_owner_with_many_requests_does_not_keep_another_waiting() {
    let world = world_with(|settings, engine| {
        settings.pool.size = 0;
        settings.pool.starting = 1;
        settings.execution.queue_timeout = 100 * SECOND;
        engine.set_start_delay(SECOND);
    })
    .await;
    let many: Vec<_> = (0..63).map(|_| spawn_as(&world, "ada")).collect();
    eventually("one starts", || world.engine.counts().starting == 1).await;
    let asked = Instant::now();
    let one = spawn_as(&world, "grace").await.unwrap().unwrap();
    assert_eq!(one.status, Status::Ok);
    let waited = asked.elapsed();
    assert!(waited < 4 * SECOND, "{waited:?}");
    for execution in many {
        assert_eq!(execution.await.unwrap().unwrap().status, Status::Ok);
    }
}

#[tokio::test(start_paused = true)]
async fn there_are_never_more_sandboxes_than_allowed() {
    let world = world_with(|settings, _| settings.max_sandboxes = 3).await;
    assert_eq!(warm(&world).await, 2);
    let mut running = Vec::new();
    for count in 1..=3 {
        running.push(world.spawn(request("sleep 8s")));
        eventually("it runs", || world.used().len() == count).await;
        assert!(world.engine.counts().alive <= 3);
    }
    assert_eq!(warm(&world).await, 0, "those of others were given up");
    match world.run(request("print a")).await {
        Err(ServiceError::Busy { retry_after }) => assert!(retry_after >= SECOND),
        outcome => panic!("{outcome:?}"),
    }
    for execution in running {
        assert_eq!(execution.await.unwrap().unwrap().status, Status::Ok);
    }
    world.settled().await;
    assert_eq!(warm(&world).await, 2, "the pool is filled again");
}

#[tokio::test(start_paused = true)]
async fn sessions_count_among_all_sandboxes_and_are_never_given_up() {
    let world = world_with(|settings, _| {
        settings.max_sandboxes = 2;
        settings.pool.size = 0;
    })
    .await;
    let plain = || SessionRequest::plain(SandboxRequest::plain("python", "test"));
    let create = async || world.service.create_session(&Owner::local(), plain()).await;
    let first = create().await.unwrap();
    create().await.unwrap();
    assert!(matches!(create().await, Err(ServiceError::Busy { .. })));
    let execution = world.run(request("print a")).await;
    assert!(matches!(execution, Err(ServiceError::Busy { .. })));
    world
        .service
        .end_session(&Owner::local(), first.id())
        .await
        .unwrap();
    eventually("its sandbox is gone", || world.engine.counts().alive == 1).await;
    assert_eq!(world.run_code("print a").await.status, Status::Ok);
}

#[tokio::test(start_paused = true)]
async fn a_host_short_of_memory_first_gives_up_the_pool_then_refuses_and_harms_nothing() {
    let world = world_with(|_, engine| engine.set_memory_used(0.5)).await;
    let running = world.spawn(request("sleep 8s"));
    eventually("it runs", || world.used().len() == 1).await;
    eventually("the pool is full again", || {
        world.engine.counts().alive == 3
    })
    .await;

    world.engine.set_memory_used(0.95);
    eventually("the pool is empty", || world.engine.counts().alive == 1).await;
    assert_eq!(
        world.run_code("print a").await.status,
        Status::Ok,
        "not refused yet"
    );
    let health = world.service.health().await;
    assert!(
        health.able && health.memory == Memory::Shrinking,
        "{health:?}"
    );
    sleep(2 * SECOND).await;
    let refused = world.run(request("print a")).await;
    assert!(
        matches!(refused, Err(ServiceError::ShortOfMemory { .. })),
        "{refused:?}"
    );
    let session = SessionRequest::plain(SandboxRequest::plain("python", "test"));
    let session = world.service.create_session(&Owner::local(), session).await;
    assert!(matches!(session, Err(ServiceError::ShortOfMemory { .. })));
    let health = world.service.health().await;
    assert!(!health.able && health.memory == Memory::Short, "{health:?}");

    world.engine.set_memory_used(0.87);
    sleep(SECOND).await;
    assert!(
        world.run(request("print a")).await.is_err(),
        "not well enough yet"
    );
    assert_eq!(running.await.unwrap().unwrap().status, Status::Ok);
    world.engine.set_memory_used(0.5);
    world.settled().await;
    assert_eq!(world.run_code("print a").await.status, Status::Ok);
    let health = world.service.health().await;
    assert!(health.able && health.memory == Memory::Calm, "{health:?}");
}

#[tokio::test(start_paused = true)]
async fn memory_that_nobody_knows_refuses_nobody() {
    let world = world_with(|settings, _| settings.memory_guard = 0.5).await;
    sleep(5 * SECOND).await;
    assert_eq!(world.run_code("print a").await.status, Status::Ok);
    world.settled().await;
    assert_eq!(warm(&world).await, 2);
}
