//! What there is of a service while nothing happens, seen from outside: what it has to come back to after a bad day.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::asking::{health, numbers};
use crate::support::{SOON, Service};

/// Of a service whose pool is full, and that runs nothing.
#[derive(Debug)]
pub struct Calm {
    seen: Seen,
    taken: Taken,
}

/// What must be the same again.
#[derive(Debug, PartialEq)]
struct Seen {
    /// On the engine, of whomever.
    containers: usize,
    /// On the engine, by name.
    volumes: Vec<String>,
    /// In the state directory.
    state: Vec<PathBuf>,
    /// Whether it says that it is well.
    status: u16,
}

/// What must not be more.
#[derive(Debug)]
struct Taken {
    tasks: f64,
    descriptors: f64,
}

impl Calm {
    /// What there is now.
    pub async fn of(service: &Service) -> Calm {
        service.pool_is_full().await;
        // Whoever asked before may be on the line still.
        let mut calm = Calm::now(service).await;
        for _ in 0..3 {
            sleep(Duration::from_millis(50)).await;
            let now = Calm::now(service).await;
            calm.taken.tasks = calm.taken.tasks.min(now.taken.tasks);
            calm.taken.descriptors = calm.taken.descriptors.min(now.taken.descriptors);
        }
        calm
    }

    /// Waits until it is so again.
    pub async fn is_back(&self, service: &Service) {
        service.pool_is_full().await;
        let begun = Instant::now();
        loop {
            let now = Calm::now(service).await;
            if self.has_room_for(&now) {
                return;
            }
            assert!(
                begun.elapsed() < SOON,
                "not as it was: {self:#?}, now {now:#?}"
            );
            sleep(Duration::from_millis(100)).await;
        }
    }

    fn has_room_for(&self, now: &Calm) -> bool {
        now.seen == self.seen
            && now.taken.tasks <= self.taken.tasks
            && now.taken.descriptors <= self.taken.descriptors
    }

    async fn now(service: &Service) -> Calm {
        let ids = |what: &[&str]| {
            service
                .engine()
                .docker(what)
                .lines()
                .map(str::to_owned)
                .collect()
        };
        let containers: Vec<String> = ids(&["ps", "--all", "--quiet"]);
        let volumes = ids(&["volume", "ls", "--quiet"]);
        let numbers = numbers(service).await;
        Calm {
            seen: Seen {
                containers: containers.len(),
                volumes,
                state: entries_below(service.state()),
                status: health(service).await.0,
            },
            taken: Taken {
                tasks: numbers.of("process_tasks"),
                descriptors: numbers.of("process_open_fds"),
            },
        }
    }
}

fn entries_below(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let paths = entries.flatten().map(|entry| entry.path());
    let mut below: Vec<PathBuf> = paths
        .flat_map(|path| {
            let inside = entries_below(&path);
            inside.into_iter().chain([path])
        })
        .collect();
    below.sort();
    below
}
