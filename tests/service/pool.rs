//! Sandboxes started ahead of need.

use std::time::Duration;

use cellblock::sandbox::fake::{Happening, Presence, Starts, environment};
use cellblock::service::error::ServiceError;
use cellblock::service::execution::result::Status;
use tokio::time::{Instant, sleep};

use crate::support::{World, all_differ, eventually, fresh_world, request, world, world_with};

const SECOND: Duration = Duration::from_secs(1);

/// With a pool of this size for every environment, whose starts take a second.
async fn slow_world(size: u32) -> World {
    world_with(|settings, engine| {
        settings.pool.size = size;
        engine.set_start_delay(SECOND);
    })
    .await
}

/// The environments whose starts were begun, in order.
fn begun(world: &World) -> Vec<String> {
    let history = world.engine.history();
    let begun = history.into_iter().filter_map(|it| match it {
        Happening::Begun(spec) => Some(spec.environment.image),
        Happening::Swept | Happening::Made(_) | Happening::Used(_) | Happening::Removed(_) => None,
    });
    begun.collect()
}

#[tokio::test(start_paused = true)]
async fn a_warm_sandbox_is_there_at_once() {
    let result = slow_world(1).await.run_code("print a").await;
    assert_eq!(result.timing.queue + result.timing.start, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn the_pool_is_refilled() {
    let world = slow_world(2).await;
    for _ in 0..5 {
        world.run_code("print a").await;
    }
    world.settled().await;
    assert_eq!(
        world.lines().await,
        [("bash".to_owned(), 2, 2), ("python".to_owned(), 2, 2)]
    );
    assert_eq!(
        world.engine.counts().begun,
        4 + 5,
        "one for each that was used"
    );
}

#[tokio::test(start_paused = true)]
async fn an_environment_may_have_a_size_of_its_own() {
    let world = world_with(|settings, _| {
        settings.pool.sizes.insert("bash".to_owned(), 3);
        settings.pool.sizes.insert("python".to_owned(), 0);
    })
    .await;
    assert_eq!(
        world.lines().await,
        [("bash".to_owned(), 3, 3), ("python".to_owned(), 0, 0)]
    );
    assert_eq!(world.run_code("print a").await.status, Status::Ok);
    world.settled().await;
    assert_eq!(world.engine.counts().alive, 3);
}

#[tokio::test(start_paused = true)]
async fn no_sandbox_is_used_twice() {
    let world = slow_world(1).await;
    let executions: Vec<_> = (0..20).map(|_| world.spawn(request("print a"))).collect();
    for execution in executions {
        assert_eq!(execution.await.unwrap().unwrap().output.text, "a");
    }
    assert_eq!(world.used().len(), 20);
    assert!(all_differ(&world.used()));
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn only_so_many_start_at_once() {
    let world = slow_world(3).await;
    let mut requests: Vec<_> = (0..10).map(|_| request("print a")).collect();
    for own in &mut requests[5..] {
        own.sandbox.cpus = Some(0.25);
    }
    let executions: Vec<_> = requests.into_iter().map(|it| world.spawn(it)).collect();
    for execution in executions {
        execution.await.unwrap().unwrap();
    }
    world.settled().await;
    assert_eq!(world.engine.counts().most_starting, 2);
}

#[tokio::test(start_paused = true)]
async fn requests_are_served_before_refills() {
    let world = fresh_world(|settings, engine| {
        settings.pool.size = 5;
        settings.pool.starting = 1;
        engine.set_start_delay(SECOND);
    })
    .await;
    eventually("a refill starts", || world.engine.counts().starting == 1).await;
    assert_eq!(begun(&world), ["sha256:bash"]);
    let result = world.run_code("print a").await;
    assert_eq!(result.timing.start, SECOND);
    assert_eq!(begun(&world)[..2], ["sha256:bash", "sha256:python"]);
}

#[tokio::test(start_paused = true)]
async fn the_oldest_request_is_served_first() {
    let world = world_with(|settings, engine| {
        settings.pool.size = 0;
        settings.pool.starting = 1;
        engine.set_start_delay(SECOND);
    })
    .await;
    let mut executions = Vec::new();
    for _ in 0..3 {
        executions.push(world.spawn(request("print a")));
        sleep(Duration::from_millis(10)).await;
    }
    let began = Instant::now();
    for execution in executions {
        execution.await.unwrap().unwrap();
        // One start after the other, none lost to somebody younger.
        assert!(began.elapsed() < 3 * SECOND + SECOND / 10);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_goes_while_it_waits_leaves_nothing() {
    for size in [0, 1] {
        let world = slow_world(size).await;
        let first = world.spawn(request("sleep 5s"));
        let second = world.spawn(request("print a"));
        eventually("both wait or run", || world.engine.counts().starting == 2).await;
        second.abort();
        first.abort();
        world.settled().await;
        assert_eq!(world.engine.counts().alive, 2 * size as usize);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_goes_while_it_runs_leaves_nothing() {
    let world = world().await;
    let running = world.spawn(request("sleep 5s"));
    eventually("it runs", || world.used().len() == 1).await;
    running.abort();
    world.settled().await;
    assert_eq!(world.service.health().await.executions, 0);
}

#[tokio::test(start_paused = true)]
async fn the_sandbox_of_a_request_that_went_serves_the_next() {
    let world = slow_world(0).await;
    let gone = world.spawn(request("print a"));
    eventually("it starts", || world.engine.counts().starting == 1).await;
    sleep(SECOND / 2).await;
    gone.abort();
    let result = world.run_code("print b").await;
    assert!(result.timing.start <= SECOND / 2, "{:?}", result.timing);
    assert_eq!(world.engine.counts().begun, 1);
}

#[tokio::test(start_paused = true)]
async fn a_start_of_its_own_ends_with_its_request() {
    let world = slow_world(0).await;
    world.engine.set_starts(Starts::Hang);
    let mut own = request("print a");
    own.sandbox.cpus = Some(0.25);
    let waiting = world.spawn(own);
    eventually("it starts", || world.engine.counts().starting == 1).await;
    waiting.abort();
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn a_warm_sandbox_that_dies_is_replaced() {
    let world = world().await;
    assert_eq!(world.engine.kill_warm(), 2);
    sleep(3 * SECOND).await;
    world.settled().await;
    assert_eq!(world.engine.lose_warm(), 2);
    sleep(3 * SECOND).await;
    world.settled().await;
    assert_eq!(world.run_code("print a").await.status, Status::Ok);
}

#[tokio::test(start_paused = true)]
async fn a_dead_sandbox_is_given_to_nobody() {
    let world = world().await;
    world.engine.kill_warm();
    let result = world.run_code("print a").await;
    assert_eq!(result.status, Status::Ok);
}

#[tokio::test(start_paused = true)]
async fn starts_that_fail_are_tried_again_ever_later() {
    let world = fresh_world(|_, engine| engine.set_starts(Starts::Fail)).await;
    sleep(60 * SECOND).await;
    // At 0, 1, 3, 7, 15 and 31 seconds, for each of two environments.
    assert_eq!(world.engine.counts().begun, 2 * 6);
    world.engine.set_starts(Starts::Work);
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn a_kernel_that_always_dies_does_not_keep_the_engine_busy() {
    let world = world().await;
    for _ in 0..6000 {
        world.engine.kill_warm();
        sleep(Duration::from_millis(10)).await;
    }
    let begun = world.engine.counts().begun;
    assert!(begun <= 2 * 61, "{begun}");
}

#[tokio::test(start_paused = true)]
async fn a_start_that_fails_is_told_to_the_request_it_was_for() {
    let world = slow_world(0).await;
    world.engine.fail_starts(1);
    let first = world.spawn(request("print a"));
    eventually("it starts", || world.engine.counts().starting == 1).await;
    let second = world.spawn(request("print b"));
    let first = first.await.unwrap();
    assert!(
        matches!(first, Err(ServiceError::StartTimeout(_))),
        "{first:?}"
    );
    assert_eq!(second.await.unwrap().unwrap().output.text, "b");
    assert_eq!(world.engine.counts().begun, 2);
}

#[tokio::test(start_paused = true)]
async fn a_start_that_hangs_is_given_up() {
    let world = slow_world(0).await;
    world.engine.set_starts(Starts::Hang);
    let began = Instant::now();
    let outcome = world.run(request("print a")).await;
    assert!(
        matches!(outcome, Err(ServiceError::StartTimeout(_))),
        "{outcome:?}"
    );
    assert!(began.elapsed() <= 61 * SECOND);
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waits_too_long_is_told_so() {
    let world = world_with(|settings, engine| {
        settings.pool.size = 0;
        settings.pool.starting = 1;
        settings.execution.queue_timeout = 5 * SECOND;
        engine.set_start_delay(4 * SECOND);
    })
    .await;
    let first = world.spawn(request("print a"));
    let second = world.spawn(request("print b"));
    let began = Instant::now();
    assert!(first.await.unwrap().is_ok());
    let second = second.await.unwrap();
    assert!(
        matches!(second, Err(ServiceError::StartTimeout(_))),
        "{second:?}"
    );
    assert!(began.elapsed() < 6 * SECOND);
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn without_the_engine_a_request_is_refused_at_once() {
    let world = slow_world(0).await;
    world.engine.set_presence(Presence::Away);
    for wait in [Duration::ZERO, 60 * SECOND] {
        sleep(wait).await;
        let began = Instant::now();
        let outcome = world.run(request("print a")).await;
        assert!(
            matches!(outcome, Err(ServiceError::Unavailable(_))),
            "{outcome:?}"
        );
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
    world.engine.set_presence(Presence::Here);
    assert_eq!(world.run_code("print a").await.status, Status::Ok);
}

#[tokio::test(start_paused = true)]
async fn sandboxes_of_a_replaced_image_are_replaced() {
    let world = world().await;
    let mut newer = environment("python");
    newer.image = "sha256:newer".to_owned();
    world
        .engine
        .set_environments(vec![environment("bash"), newer]);
    eventually("the newer is started", || {
        begun(&world).contains(&"sha256:newer".to_owned())
    })
    .await;
    world.settled().await;
    let before = world.engine.counts().begun;
    world.run_code("print a").await;
    world.settled().await;
    assert_eq!(world.engine.counts().begun, before + 1);
    assert_eq!(begun(&world).last().unwrap(), "sha256:newer");
}

#[tokio::test(start_paused = true)]
async fn a_start_of_an_image_that_is_replaced_meanwhile_serves_nobody() {
    let world = world_with(|settings, engine| {
        settings.pool.size = 0;
        engine.set_start_delay(20 * SECOND);
    })
    .await;
    let waiting = world.spawn(request("print a"));
    eventually("it starts", || world.engine.counts().starting == 1).await;
    let mut newer = environment("python");
    newer.image = "sha256:newer".to_owned();
    world.engine.set_environments(vec![newer]);
    assert_eq!(waiting.await.unwrap().unwrap().status, Status::Ok);
    assert_eq!(begun(&world), ["sha256:python", "sha256:newer"]);
}

#[tokio::test(start_paused = true)]
async fn an_environment_that_was_just_built_is_found() {
    let world = world().await;
    sleep(2 * SECOND).await;
    world
        .engine
        .set_environments(vec![environment("java"), environment("python")]);
    let mut java = request("where");
    java.sandbox.environment = "java".to_owned();
    let result = world.run(java).await.unwrap();
    assert!(result.output.stdout.starts_with("java "));
    let names: Vec<_> = world.service.environments().await.unwrap();
    let names: Vec<_> = names.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["java", "python"]);
    world.settled().await;
}
