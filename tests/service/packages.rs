//! Packages: what is installed, when, how often, and what of it stays.

use std::sync::Arc;
use std::time::Duration;

use bytesize::ByteSize;
use cellblock::sandbox::fake::{FakeEngine, environment};
use cellblock::sandbox::{Engine, Process, ProcessEnd};
use cellblock::service::Service;
use cellblock::service::error::ServiceError;
use cellblock::service::execution::request::ExecutionRequest;
use cellblock::service::owner::Owner;

use crate::support::{World, eventually, request, settings, world_with};

fn ended(code: i32, output: &str) -> ProcessEnd {
    ProcessEnd {
        code: Some(code),
        output: output.to_owned(),
        ..ProcessEnd::default()
    }
}

fn is_install(process: &Process) -> bool {
    let has = |word: &str| process.arguments.iter().any(|it| it == word);
    has("install")
}

/// An image that has numpy, and an installer that can install everything into 100 bytes.
fn willing(process: &Process) -> ProcessEnd {
    match process.arguments[0].as_str() {
        "du" => ended(0, "100\t/packages\n"),
        "python" if process.arguments[1] == "-c" => ended(0, "numpy 2.5.5\n"),
        _ => ended(0, ""),
    }
}

async fn world() -> World {
    world_with(|_, engine| engine.set_processes(willing)).await
}

fn with_packages(packages: &[&str]) -> ExecutionRequest {
    let mut request = request("variable PYTHONPATH");
    request.sandbox.packages = packages.iter().map(|it| (*it).to_owned()).collect();
    request
}

fn installs(engine: &FakeEngine) -> Vec<Process> {
    engine.processes().into_iter().filter(is_install).collect()
}

async fn volumes(engine: &FakeEngine) -> usize {
    engine.package_volumes().await.unwrap().len()
}

fn reason(outcome: Result<impl Sized, ServiceError>) -> String {
    match outcome.err().unwrap() {
        ServiceError::Invalid { field, reason } => format!("{field}: {reason}"),
        other => panic!("{other}"),
    }
}

#[tokio::test(start_paused = true)]
async fn packages_are_on_the_path_of_the_code_and_installed_once() {
    let world = world().await;
    let first = world
        .run(with_packages(&["Humanize>=4", "tabulate"]))
        .await
        .unwrap();
    assert_eq!(first.output.stdout, "/packages\n");
    let again = world
        .run(with_packages(&["tabulate", "humanize >=4"]))
        .await
        .unwrap();
    assert_eq!(again.output.stdout, "/packages\n");
    let installs = installs(&world.engine);
    assert_eq!(installs.len(), 1);
    let tail = &installs[0].arguments[installs[0].arguments.len() - 3..];
    assert_eq!(tail, ["--", "humanize>=4", "tabulate"]);
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn many_who_wait_for_a_set_share_one_install() {
    let world = world_with(|_, engine| {
        engine.set_processes(willing);
        engine.set_process_duration(Duration::from_secs(1));
    })
    .await;
    let waiting: Vec<_> = (0..5)
        .map(|_| world.spawn(with_packages(&["humanize"])))
        .collect();
    for execution in waiting {
        execution.await.unwrap().unwrap();
    }
    assert_eq!(installs(&world.engine).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_who_goes_away_does_not_end_the_install_of_another() {
    let world = world_with(|_, engine| {
        engine.set_processes(willing);
        engine.set_process_duration(Duration::from_secs(3));
    })
    .await;
    let first = world.spawn(with_packages(&["humanize"]));
    eventually("the install began", || !installs(&world.engine).is_empty()).await;
    let second = world.spawn(with_packages(&["humanize"]));
    tokio::time::sleep(Duration::from_secs(1)).await;
    first.abort();
    second.await.unwrap().unwrap();
    assert_eq!(installs(&world.engine).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_install_that_nobody_waits_for_ends_and_leaves_nothing() {
    let world = world_with(|_, engine| {
        engine.set_processes(willing);
        engine.set_process_duration(Duration::from_secs(3));
    })
    .await;
    let only = world.spawn(with_packages(&["humanize"]));
    eventually("the install began", || !installs(&world.engine).is_empty()).await;
    only.abort();
    world.settled().await;
    world.run(with_packages(&["tabulate"])).await.unwrap();
    assert_eq!(
        volumes(&world.engine).await,
        1,
        "the unfinished one is gone"
    );
}

#[tokio::test(start_paused = true)]
async fn what_the_image_has_is_not_installed_and_the_pool_serves() {
    let world = world().await;
    let result = world.run(with_packages(&["NumPy>=2,<3"])).await.unwrap();
    assert_eq!(result.output.stdout.trim(), "", "nothing is mounted");
    assert!(
        world.engine.processes().len() == 1,
        "the image was asked once"
    );
    assert!(installs(&world.engine).is_empty());
    assert_eq!(volumes(&world.engine).await, 0);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_installed_is_told_and_nothing_is_run() {
    let refusing = |process: &Process| match is_install(process) {
        true => ended(
            1,
            "Because no-such was not found in the registry, it is unsatisfiable.\n",
        ),
        false => willing(process),
    };
    let world = world_with(|_, engine| engine.set_processes(refusing)).await;
    for tries in 1..=2 {
        let reason = reason(world.run(with_packages(&["no-such"])).await);
        assert!(
            reason.starts_with("packages: Because no-such was not found"),
            "{reason}"
        );
        assert_eq!(installs(&world.engine).len(), tries, "tried anew");
    }
    assert!(world.used().is_empty());
    assert_eq!(volumes(&world.engine).await, 0);
}

#[tokio::test(start_paused = true)]
async fn an_install_has_a_deadline() {
    let world = world_with(|settings, engine| {
        settings.packages.timeout = Duration::from_secs(10);
        engine.set_processes(willing);
        engine.set_process_duration(Duration::from_secs(15));
    })
    .await;
    let reason = reason(world.run(with_packages(&["humanize"])).await);
    assert!(reason.contains("took longer than 10 seconds"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_set_has_a_largest_size() {
    let world = world_with(|settings, engine| {
        settings.packages.max_set_size = ByteSize::b(99);
        engine.set_processes(willing);
    })
    .await;
    let reason = reason(world.run(with_packages(&["humanize"])).await);
    assert!(reason.contains("no space"), "{reason}");
    assert_eq!(volumes(&world.engine).await, 0);
}

#[tokio::test(start_paused = true)]
async fn the_set_unused_for_longest_makes_room() {
    let world = world_with(|settings, engine| {
        settings.packages.max_total = ByteSize::b(250);
        engine.set_processes(willing);
    })
    .await;
    for package in ["a", "b", "a", "c"] {
        world.run(with_packages(&[package])).await.unwrap();
    }
    assert_eq!(volumes(&world.engine).await, 2);
    world.run(with_packages(&["a"])).await.unwrap();
    assert_eq!(installs(&world.engine).len(), 3, "a was used, and stayed");
    world.run(with_packages(&["b"])).await.unwrap();
    assert_eq!(installs(&world.engine).len(), 4, "b had gone");
}

#[tokio::test(start_paused = true)]
async fn sets_survive_a_restart_and_what_is_unfinished_does_not() {
    let state = tempfile::tempdir().unwrap();
    let engine = FakeEngine::new();
    engine.set_processes(willing);
    let start = async || {
        let started = Service::start(&settings(&state), Arc::new(engine.clone())).await;
        started.unwrap()
    };
    let run = async |service: &Service| {
        let executed = service
            .execute(&Owner::local(), with_packages(&["humanize"]))
            .await;
        executed.unwrap()
    };
    let service = start().await;
    run(&service).await;
    service.shut_down().await;
    drop(service);
    engine.create_package_volume("unfinished").await.unwrap();
    let service = start().await;
    assert_eq!(volumes(&engine).await, 1);
    run(&service).await;
    assert_eq!(installs(&engine).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_set_whose_volume_is_gone_is_installed_anew() {
    let state = tempfile::tempdir().unwrap();
    let engine = FakeEngine::new();
    engine.set_processes(willing);
    for installed in 1..=2 {
        let service = Service::start(&settings(&state), Arc::new(engine.clone()))
            .await
            .unwrap();
        let executed = service
            .execute(&Owner::local(), with_packages(&["humanize"]))
            .await;
        executed.unwrap();
        assert_eq!(installs(&engine).len(), installed);
        service.shut_down().await;
        for volume in engine.package_volumes().await.unwrap() {
            engine.remove_package_volume(&volume.name).await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn npm_packages_are_installed_for_javascript_and_none_elsewhere() {
    let world = world_with(|_, engine| {
        engine.set_environments(vec![environment("bash"), environment("javascript")]);
        engine.set_processes(willing);
    })
    .await;
    let of = |name: &str| {
        let mut request = request("variable NODE_PATH");
        request.sandbox.environment = name.to_owned();
        request.sandbox.packages = vec!["lodash@^4.17".to_owned()];
        request
    };
    let result = world.run(of("javascript")).await.unwrap();
    assert_eq!(result.output.stdout, "/packages/node_modules\n");
    let install = &installs(&world.engine)[0];
    assert!(install.arguments.iter().any(|it| it == "--ignore-scripts"));
    let reason = reason(world.run(of("bash")).await);
    assert_eq!(reason, "packages: packages are not supported in bash");
}
