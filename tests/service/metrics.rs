//! What is counted: each number changes by what happened, and by nothing else.

use std::sync::Arc;
use std::time::Duration;

use cellblock::sandbox::fake::FakeEngine;
use cellblock::sandbox::{Process, ProcessEnd};
use cellblock::service::execution::request::SandboxRequest;
use cellblock::service::execution::watch::Watcher;
use cellblock::service::owner::Owner;
use cellblock::service::session::Session;
use cellblock::service::session::request::{Lifetime, SessionRequest};
use tokio::time::sleep;

use crate::numbers::Numbers;
use crate::support::{World, cell, eventually, request, world, world_with};

fn numbers(world: &World) -> Numbers {
    Numbers::read(&world.service.metrics())
}

/// By how much a sample has grown.
fn grown(before: &Numbers, after: &Numbers, sample: &str) -> f64 {
    after.of(sample) - before.of(sample)
}

fn executions(environment: &str, status: &str) -> String {
    format!("executions_total{{environment=\"{environment}\",status=\"{status}\"}}")
}

fn takes(result: &str) -> String {
    format!("pool_takes_total{{environment=\"python\",result=\"{result}\"}}")
}

fn phase(part: &str, phase: &str) -> String {
    format!("execution_phase_seconds_{part}{{phase=\"{phase}\"}}")
}

#[tokio::test(start_paused = true)]
async fn executions_are_counted_by_how_they_ended() {
    let world = world().await;
    let before = numbers(&world);
    world.run_code("print a").await;
    world.run_code("print a").await;
    world.run_code("raise ValueError: no").await;
    world.run_code("exit").await;
    world.run_code("sleep 20s").await;
    let after = numbers(&world);
    for (status, count) in [
        ("ok", 2.0),
        ("error", 1.0),
        ("killed", 1.0),
        ("timeout", 1.0),
    ] {
        let sample = executions("python", status);
        assert_eq!(grown(&before, &after, &sample), count, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_is_counted_apart() {
    let world = world().await;
    world.run(request("  ")).await.unwrap_err();
    assert_eq!(numbers(&world).of(&executions("python", "refused")), 1.0);
    world.service.shut_down().await;
    world.run(request("print a")).await.unwrap_err();
    assert_eq!(numbers(&world).of(&executions("python", "failed")), 1.0);
}

#[tokio::test(start_paused = true)]
async fn what_a_request_makes_up_becomes_no_label() {
    let world = world().await;
    for name in ["made-up-1", "made-up-2", "a\"b\\c\nd"] {
        let mut request = request("print a");
        request.sandbox.environment = name.to_owned();
        world.run(request).await.unwrap_err();
    }
    let after = numbers(&world);
    assert_eq!(after.of(&executions("unknown", "refused")), 3.0);
    assert!(after.samples().all(|sample| !sample.contains("made-up")));
}

#[tokio::test(start_paused = true)]
async fn an_execution_runs_until_its_client_goes_away() {
    let world = world().await;
    let running = world.spawn(request("sleep 5s"));
    eventually("it runs", || world.used().len() == 1).await;
    assert_eq!(numbers(&world).of("executions_running"), 1.0);
    running.abort();
    let gone = || numbers(&world).of("executions_running") == 0.0;
    eventually("it is gone", gone).await;
    assert_eq!(numbers(&world).of(&executions("python", "cancelled")), 1.0);
}

#[tokio::test(start_paused = true)]
async fn the_time_of_an_execution_is_in_its_phases() {
    let world = world_with(|settings, engine| {
        settings.pool.size = 0;
        engine.set_start_delay(Duration::from_secs(3));
    })
    .await;
    world.run_code("sleep 7s").await;
    let after = numbers(&world);
    for (name, count, sum) in [
        ("install", 0.0, 0.0),
        ("queue", 1.0, 0.0),
        ("start", 1.0, 3.0),
        ("copy_in", 0.0, 0.0),
        ("run", 1.0, 7.0),
        ("copy_out", 1.0, 0.0),
    ] {
        assert_eq!(after.of(&phase("count", name)), count, "{name}");
        // The clock of a test counts whole milliseconds.
        let took = after.of(&phase("sum", name));
        assert!((took - sum).abs() < 0.1, "{name}: {took}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_sandbox_that_was_waiting_is_a_hit() {
    let world = world_with(|_, engine| engine.set_start_delay(Duration::from_secs(1))).await;
    world.run_code("print a").await;
    let after = numbers(&world);
    assert_eq!(
        (after.of(&takes("hit")), after.of(&takes("miss"))),
        (1.0, 0.0)
    );
    // The refill is still on its way.
    world.run_code("print a").await;
    let mut own = request("print a");
    own.sandbox.cpus = Some(0.5);
    world.run(own).await.unwrap();
    let after = numbers(&world);
    let counts = ["hit", "miss", "own"].map(|result| after.of(&takes(result)));
    assert_eq!(counts, [1.0, 1.0, 1.0]);
}

#[tokio::test(start_paused = true)]
async fn the_pool_is_shown_as_it_is() {
    let world = world().await;
    let warm = "pool_sandboxes{environment=\"bash\",state=\"warm\"}";
    let starting = "pool_sandboxes{environment=\"bash\",state=\"starting\"}";
    let after = numbers(&world);
    assert_eq!((after.of(warm), after.of(starting)), (1.0, 0.0));
    assert_eq!(after.of("pool_size{environment=\"bash\"}"), 1.0);
    world.engine.set_start_delay(Duration::from_secs(9));
    world.engine.kill_warm();
    eventually("both are on their way again", || {
        let now = numbers(&world);
        (now.of(warm), now.of(starting)) == (0.0, 1.0)
    })
    .await;
}

fn session() -> SessionRequest {
    SessionRequest::plain(SandboxRequest::plain("python", "test"))
}

async fn new_session(world: &World) -> Arc<Session> {
    let local = Owner::local();
    let made = world.service.create_session(&local, session()).await;
    made.unwrap()
}

#[tokio::test(start_paused = true)]
async fn sessions_are_counted_by_why_they_ended() {
    let world = world().await;
    let local = Owner::local();
    let service = &world.service;
    let deleted = service.create_session(&local, session()).await.unwrap();
    let mut short = session();
    short.lifetime = Lifetime {
        total: Some(Duration::from_secs(60)),
        idle: None,
    };
    service.create_session(&local, short).await.unwrap();
    assert_eq!(numbers(&world).of("sessions"), 2.0);
    service.end_session(&local, deleted.id()).await.unwrap();
    sleep(Duration::from_secs(62)).await;
    let ended = |why: &str| numbers(&world).of(&format!("sessions_ended_total{{why=\"{why}\"}}"));
    assert_eq!(["deleted", "expired", "gone"].map(ended), [1.0, 1.0, 0.0]);
    assert_eq!(numbers(&world).of("sessions"), 0.0);
}

#[tokio::test(start_paused = true)]
async fn executions_and_connections_of_sessions_are_counted_too() {
    let world = world().await;
    let session = new_session(&world).await;
    let connection = session.connect(None).await.unwrap();
    assert_eq!(numbers(&world).of("session_connections"), 1.0);
    drop(connection);
    assert_eq!(numbers(&world).of("session_connections"), 0.0);
    let executed = session
        .execute("test", cell("sleep 2s"), Watcher::nobody())
        .await;
    executed.unwrap();
    let after = numbers(&world);
    assert_eq!(after.of(&executions("python", "ok")), 1.0);
    assert_eq!(after.of(&phase("count", "run")), 1.0);
    assert_eq!(after.of("executions_running"), 0.0);
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_sandbox_is_found_again_has_lost_its_link() {
    let world = world().await;
    let session = new_session(&world).await;
    let executed = session
        .execute("test", cell("die"), Watcher::nobody())
        .await;
    drop(executed);
    eventually("it was noticed", || {
        numbers(&world).of("session_links_lost_total") >= 1.0
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn stored_files_are_counted_with_their_room() {
    let world = world().await;
    let before = numbers(&world);
    world.run_code("write a.txt hello").await;
    let after = numbers(&world);
    assert_eq!(grown(&before, &after, "files"), 1.0);
    assert!(grown(&before, &after, "files_bytes") >= 5.0);
}

/// An installer for which `broken` does not exist, and everything else has 100 bytes.
fn install(engine: &FakeEngine) {
    engine.set_processes(|process: &Process| {
        let wants = |word: &str| process.arguments.iter().any(|it| it.contains(word));
        let (code, output) = match process.arguments[0].as_str() {
            "du" => (0, "100\t/packages\n"),
            _ if wants("broken") => (1, "no such package"),
            _ => (0, ""),
        };
        ProcessEnd {
            code: Some(code),
            output: output.to_owned(),
            ..ProcessEnd::default()
        }
    });
}

#[tokio::test(start_paused = true)]
async fn installs_are_counted_and_what_they_leave() {
    let world = world_with(|_, engine| install(engine)).await;
    let with = |package: &str| {
        let mut request = request("print a");
        request.sandbox.packages = vec![package.to_owned()];
        request
    };
    world.run(with("humanize")).await.unwrap();
    world.run(with("humanize")).await.unwrap();
    world.run(with("broken")).await.unwrap_err();
    let after = numbers(&world);
    let installs =
        ["ok", "refused"].map(|it| after.of(&format!("package_installs_total{{result=\"{it}\"}}")));
    assert_eq!(installs, [1.0, 1.0]);
    assert_eq!(after.of("package_install_seconds_count"), 2.0);
    assert_eq!(after.of("package_sets"), 1.0);
    assert_eq!(after.of("package_sets_bytes"), 100.0);
}

#[tokio::test(start_paused = true)]
async fn the_process_is_shown() {
    let after = numbers(&world().await);
    assert!(after.of("process_resident_memory_bytes") > 1e6);
    assert!(after.of("process_open_fds") >= 3.0);
}
