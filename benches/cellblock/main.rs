//! How fast Cellblock is, as ratios: each figure beside a floor that was measured in the same run on the same machine.
//!
//! | figure | floor |
//! |---|---|
//! | warm one-shot: a request that a warm sandbox waits for | the same first `execute_request` of a fresh kernel, sent by `jupyter_client` inside an identical container |
//! | cold one-shot: a request with an empty pool | raw create + start of an identical container, plus the kernel's own boot in it |
//! | stdout of 64 MB through an execution | the same bytes through a raw attach; the same cell read by `jupyter_client` |
//! | pandas, numpy and a plot, warm | the same cell by `jupyter_client` in a fresh kernel of the same image, which loads them as it starts |
//! | one-shot with packages that were installed before | a cold one-shot without |
//! | a cell `1` of a session, over REST and over the WebSocket | the same cell by `jupyter_client`, in a kernel that has run cells before |
//! | 256 MiB of binary buffers over the WebSocket | as many bytes through a raw attach |
//! | resident memory | none: absolute |
//!
//! Nothing is asserted: a table is printed. `make bench` builds the images and runs this; `make bench BENCH="plots sessions"` only
//! these of its [`Group`]s.

#![expect(clippy::unwrap_used, reason = "a failure here ends the benchmark")]

#[path = "../../tests/engine/channels.rs"]
mod channels;
mod floor;
mod libraries;
mod memory;
mod sessions;
#[path = "../../tests/engine/support.rs"]
#[expect(
    dead_code,
    reason = "shared with the engine tests, which use all of it"
)]
mod support;
mod table;

use std::time::Duration;

use clap::{Parser, ValueEnum};
use support::Service;
use table::{Samples, Table};
use tokio::time::Instant;

/// Fresh sandboxes a figure.
const ROUNDS: usize = 30;

/// Bytes of the large output.
const LARGE: usize = 64 << 20;

/// Prints so many.
const LARGE_CODE: &str = "for _ in range(64): print('x' * ((1 << 20) - 1), flush=True)";

/// Runs of the large output.
const LARGE_ROUNDS: usize = 5;

/// What can be measured alone, in the order that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Group {
    Warm,
    Cold,
    Plots,
    Output,
    Sessions,
    Many,
    Memory,
}

/// How the benchmark is called.
#[derive(Debug, Parser)]
struct Arguments {
    /// Only these
    groups: Vec<Group>,
    /// Cargo says it to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main]
async fn main() {
    let asked = Arguments::parse().groups;
    let mut table = Table::default();
    for group in Group::value_variants() {
        if asked.is_empty() || asked.contains(group) {
            measure(*group, &mut table).await;
        }
    }
    print!("{table}");
}

async fn measure(group: Group, table: &mut Table) {
    match group {
        Group::Warm => warm(table).await,
        Group::Cold => cold(table).await,
        Group::Plots => libraries::plots(table).await,
        Group::Output => output(table).await,
        Group::Sessions => sessions::measure(table).await,
        Group::Many => sessions::many(table).await,
        Group::Memory => memory::measure(table).await,
    }
}

async fn warm(table: &mut Table) {
    let floor = floor::first_executions();
    let service = Service::start_with_pool(&["python"], &[]).await;
    let mut samples = Samples::default();
    for _ in 0..ROUNDS {
        service.pool_is_full().await;
        samples.push(hello(&service, "python").await);
    }
    table.times("warm one-shot print(\"hi\")", &samples, &floor.first);
    table.times("  beside a kernel's later cells", &samples, &floor.later);
}

async fn cold(table: &mut Table) {
    let containers = floor::raw_starts(ROUNDS).await;
    let boots = floor::kernel_boots();
    let service = Service::start(&[]).await;
    let mut samples = Samples::default();
    for _ in 0..ROUNDS {
        samples.push(hello(&service, "python").await);
        service.has_containers(0).await;
    }
    table.times(
        "cold one-shot print(\"hi\")",
        &samples,
        &containers.plus(&boots),
    );
    libraries::packages(table, &samples).await;
}

async fn hello(service: &Service, environment: &str) -> Duration {
    let begin = Instant::now();
    let answer = service.execute(environment, "print(\"hi\")").await;
    let took = begin.elapsed();
    assert_eq!(answer["output"], "hi", "{answer:#}");
    took
}

async fn output(table: &mut Table) {
    let floor = floor::raw_outputs(LARGE, LARGE_ROUNDS).await;
    let limits = ["--execution-output-limit=200MiB", "--sandbox-memory=1GiB"];
    let service = Service::start(&limits).await;
    let mut samples = Samples::default();
    for _ in 0..LARGE_ROUNDS {
        let answer = service.execute("python", LARGE_CODE).await;
        assert_eq!(
            answer["stdout"].as_str().map(str::len),
            Some(LARGE),
            "status {}",
            answer["status"]
        );
        let millis = answer["timing_ms"]["run"].as_f64().unwrap();
        samples.push(Duration::from_secs_f64(millis / 1e3));
    }
    table.rates("stdout of 64 MB", LARGE, &samples, &floor);
    let kernel = floor::kernel_outputs();
    table.rates(
        "  beside jupyter_client in the container",
        LARGE,
        &samples,
        &kernel,
    );
}
