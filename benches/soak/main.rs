//! Everything at once for as long as is asked: what grows, what is left, what goes wrong.
//!
//! Clients do all kinds of work ([`work`]), one after the other, without a pause; every minute a line says what the service
//! held in it, on average. At the end its memory, descriptors, threads and containers are as many as when it had warmed up,
//! nothing is left but the pool, nothing had to be swept up, and nothing but what was expected has happened; else it ends
//! with 1. `make soak` runs this for half an hour, `SOAK=8h make soak` for a night.

#![expect(clippy::unwrap_used, reason = "a failure here ends the soak")]

#[path = "../../tests/engine/channels.rs"]
mod channels;
mod figures;
#[path = "../../tests/service/numbers.rs"]
#[expect(
    dead_code,
    reason = "shared with tests, some of which look at all of them"
)]
mod numbers;
#[path = "../../tests/engine/support.rs"]
#[expect(
    dead_code,
    reason = "shared with the engine tests, which use all of it"
)]
mod support;
mod work;

use std::process::ExitCode;
use std::time::Duration;

use futures::future::join_all;
use support::Service;
use tokio::time::{Instant, interval_at};

use self::figures::Figures;
use self::numbers::Numbers;
use self::work::Work;

/// How long, if nothing else is asked for.
const USUAL: Duration = Duration::from_secs(30 * 60);

/// Clients at once.
const CLIENTS: usize = 8;

/// Time between two looks at what the service holds.
const EVERY: Duration = Duration::from_secs(5);

/// Looks that a line tells of.
const A_LINE: usize = 12;

/// Warm sandboxes of the service, one of each.
const POOL: [&str; 2] = ["bash", "python"];

#[tokio::main]
async fn main() -> ExitCode {
    let lasts =
        std::env::var("SOAK").map_or(USUAL, |text| humantime::parse_duration(&text).unwrap());
    let service = Service::start_with_pool(
        &POOL,
        &[
            "--log-filter=warn,cellblock::cli=info",
            "--sessions-max=100",
            "--execution-queue-timeout=5min",
        ],
    )
    .await;
    let work = Work::new(&service);
    let end = Instant::now() + lasts;
    let mut figures = Figures::default();
    println!("{:>9}{}", "done", Figures::head());
    let clients = join_all((0..CLIENTS).map(|client| work.go_on_until(client, end)));
    tokio::join!(clients, watch(&service, &work, &mut figures, end));
    println!("{work}");
    let left = left(&service).await;
    let grown = figures.grown();
    for wrong in left.iter().chain(&grown) {
        println!("WRONG: {wrong}");
    }
    let fine = left.is_empty() && grown.is_empty() && work.all_as_expected();
    if fine {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

async fn watch(service: &Service, work: &Work<'_>, figures: &mut Figures, end: Instant) {
    let mut ticks = interval_at(Instant::now() + EVERY, EVERY);
    while ticks.tick().await <= end {
        if figures.look(service).is_multiple_of(A_LINE) {
            println!("{:9}{}", work.done(), figures.means(A_LINE));
        }
    }
}

/// What is there once the work is over and should not be, or was lost until a sweep found it.
async fn left(service: &Service) -> Vec<String> {
    service.pool_is_full().await;
    service.has_containers(POOL.len()).await;
    let sessions = service.get("/jupyter/sessions").await;
    let sessions = sessions["sessions"].as_array().map_or(0, Vec::len);
    let health = service.get("/jupyter/health").await;
    let counted = service.client().get(service.url("/metrics")).send().await;
    let counted = Numbers::read(&counted.unwrap().text().await.unwrap());
    let strays = counted.of("strays_removed_total");
    [
        (strays > 0.0).then(|| format!("{strays} strays had to be removed")),
        (sessions > 0).then(|| format!("{sessions} sessions are left")),
        (health["status"] != "ok").then(|| format!("it does not feel well: {health:#}")),
        (health["executions"] != 0).then(|| format!("executions are left: {health:#}")),
    ]
    .into_iter()
    .flatten()
    .collect()
}
