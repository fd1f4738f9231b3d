//! How code ends, and what is kept of it.

use std::time::Duration;

use cellblock::service::execution::result::{ExecutionResult, Status};
use tokio::time::Instant;

use crate::support::{World, request, world, world_with};

const SECOND: Duration = Duration::from_secs(1);

fn about(duration: Duration, expected: Duration) -> bool {
    duration >= expected && duration < expected + SECOND / 2
}

/// Runs `code` for two seconds at most.
async fn briefly(world: &World, code: &str) -> ExecutionResult {
    let mut request = request(code);
    request.cell.timeout = 2 * SECOND;
    world.run(request).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn code_that_ends_is_ok() {
    let result = world()
        .await
        .run_code("print hello\nresult 4\nstderr oh")
        .await;
    assert_eq!(result.status, Status::Ok);
    assert_eq!(result.output.text, "hello\n4\noh");
    assert_eq!(result.output.stdout, "hello\n");
    assert_eq!(result.output.stderr, "oh\n");
    assert_eq!(result.output.execution_count, Some(1));
    assert_eq!(result.usage.cpu_ms, 7);
}

#[tokio::test(start_paused = true)]
async fn code_that_raises_is_an_error_with_its_traceback() {
    let result = world()
        .await
        .run_code("print a\nraise ValueError: bad\nprint b")
        .await;
    assert_eq!(result.status, Status::Error);
    assert_eq!(result.output.stdout, "a\n");
    let error = result.output.error.unwrap();
    assert_eq!((&*error.name, &*error.value), ("ValueError", "bad"));
    assert_eq!(error.traceback, "ValueError: bad");
}

#[tokio::test(start_paused = true)]
async fn what_code_draws_is_kept() {
    let result = world().await.run_code("display image/png aGk=").await;
    assert_eq!(result.output.outputs[0]["data"]["image/png"], "aGk=");
}

#[tokio::test(start_paused = true)]
async fn code_past_its_timeout_is_interrupted_and_its_output_kept() {
    let result = briefly(&world().await, "print a\nsleep 10m").await;
    assert_eq!(result.status, Status::Timeout);
    assert_eq!(result.output.stdout, "a\n");
    assert_eq!(result.output.error.unwrap().name, "KeyboardInterrupt");
    assert!(about(result.timing.run, 2 * SECOND), "{:?}", result.timing);
}

#[tokio::test(start_paused = true)]
async fn printing_does_not_prolong_the_deadline() {
    let result = briefly(&world().await, "loop").await;
    assert_eq!(result.status, Status::Timeout);
    assert!(result.output.stdout.starts_with("x\nx\n"));
    assert!(about(result.timing.run, 2 * SECOND), "{:?}", result.timing);
}

#[tokio::test(start_paused = true)]
async fn code_that_ignores_the_interrupt_is_killed_after_the_grace() {
    let result = briefly(&world().await, "print a\nhang").await;
    assert_eq!(result.status, Status::Timeout);
    assert_eq!(result.output.stdout, "a\n");
    assert!(about(result.timing.run, 4 * SECOND), "{:?}", result.timing);
}

#[tokio::test(start_paused = true)]
async fn output_has_a_limit() {
    let world = world_with(|settings, _| {
        settings.execution.output_limit = bytesize::ByteSize::kib(64);
    })
    .await;
    let result = world.run_code("flood").await;
    assert_eq!(result.status, Status::OutputLimit);
    let kept = result.output.stdout.len();
    assert!((60 << 10..=64 << 10).contains(&kept), "{kept}");
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn output_that_could_not_be_carried_is_over_the_limit() {
    let result = world().await.run_code("print a\ngap\nprint b").await;
    assert_eq!(result.status, Status::OutputLimit);
    assert_eq!(result.output.stdout, "a\n");
}

#[tokio::test(start_paused = true)]
async fn a_kernel_that_exits_is_killed() {
    let result = world()
        .await
        .run_code("print a\nwrite f x\nexit\nprint b")
        .await;
    assert_eq!(result.status, Status::Killed);
    assert_eq!(result.output.stdout, "a\n");
    assert_eq!(result.files.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_kernel_that_runs_out_of_memory_is_named_so() {
    let result = world().await.run_code("print a\noom").await;
    assert_eq!(result.status, Status::OutOfMemory);
    assert_eq!(result.output.stdout, "a\n");
}

#[tokio::test(start_paused = true)]
async fn a_lost_sandbox_is_killed() {
    let result = world().await.run_code("print a\ndie").await;
    assert_eq!(result.status, Status::Killed);
    assert_eq!(result.output.stdout, "a\n");
    assert_eq!(result.files_left_out, 0);
}

#[tokio::test(start_paused = true)]
async fn a_kernel_that_never_says_idle_ends_soon_after_its_reply() {
    let result = briefly_silent(&world().await).await;
    assert_eq!(result.status, Status::Ok);
    assert_eq!(result.output.stdout, "a\n");
    assert!(about(result.timing.run, 5 * SECOND), "{:?}", result.timing);
}

async fn briefly_silent(world: &World) -> ExecutionResult {
    world.run_code("silent\nprint a").await
}

#[tokio::test(start_paused = true)]
async fn input_is_answered_line_by_line_and_then_ends() {
    let mut request = request("input name?\ninput age?\ninput more?");
    request.cell.stdin = vec!["Ada".to_owned(), "36".to_owned()];
    let result = world().await.run(request).await.unwrap();
    assert_eq!(result.output.stdout, "Ada\n36\n");
    assert_eq!(result.status, Status::Error);
    assert_eq!(result.output.error.unwrap().name, "EOFError");
}

#[tokio::test(start_paused = true)]
async fn a_sandbox_that_stalls_costs_its_files_and_no_more() {
    let world = world().await;
    let result = world.run_code("write f x\nprint a\nstall").await;
    assert_eq!(result.status, Status::Ok);
    assert_eq!(result.output.stdout, "a\n");
    assert!(result.files.is_empty());
    assert!(
        about(result.timing.copy_out, 20 * SECOND),
        "{:?}",
        result.timing
    );
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn the_longest_execution_is_the_sum_of_its_limits() {
    let world = world().await;
    let began = Instant::now();
    let result = briefly(&world, "stall\nhang").await;
    assert_eq!(result.status, Status::Timeout);
    // The timeout, the grace, the kill, and what is collected.
    assert!(about(began.elapsed(), (2 + 2 + 5 + 20) * SECOND));
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn time_is_told_by_where_it_went() {
    let world = world_with(|settings, engine| {
        settings.pool.size = 0;
        settings.pool.starting = 1;
        engine.set_start_delay(3 * SECOND);
    })
    .await;
    let first = world.spawn(request("sleep 2s"));
    let second = world.spawn(request("print a"));
    let first = first.await.unwrap().unwrap().timing;
    let second = second.await.unwrap().unwrap().timing;
    assert_eq!((first.queue, second.queue), (Duration::ZERO, 3 * SECOND));
    assert_eq!((first.start, second.start), (3 * SECOND, 3 * SECOND));
    assert!(about(first.run, 2 * SECOND), "{first:?}");
}
