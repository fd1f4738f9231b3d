//! The clock jumps: for the service alone, by `libfaketime`. What asks for a span of time asks another clock, which does not.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use crate::asking::{
    Containers, delete_files, end, file_path, in_session, numbers, running, serves, upload,
};
use crate::calm::Calm;
use crate::channels::session;
use crate::daemon;
use crate::engine::PrivateEngine;
use crate::support::{Service, Setup};

/// What the service takes for the time: so many seconds beside it.
struct Clock(PathBuf);

impl Clock {
    fn new(directory: &Path) -> Clock {
        let clock = Clock(directory.join("clock"));
        clock.jump_to(0);
        clock
    }

    /// Whole or not at all: it is read at every look at the time.
    fn jump_to(&self, seconds: i64) {
        let new = self.0.with_extension("new");
        fs::write(&new, format!("{seconds:+}")).unwrap();
        fs::rename(new, &self.0).unwrap();
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        let on = || "1".to_owned();
        vec![
            ("LD_PRELOAD", library().display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", self.0.display().to_string()),
            ("FAKETIME_NO_CACHE", on()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", on()),
        ]
    }
}

/// For programs of several threads.
fn library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").unwrap().flatten();
    let mut found = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    let found = found.find(|path| path.exists());
    found.expect("libfaketime is there: apt-get install faketime")
}

const HOUR: i64 = 60 * 60;

#[tokio::test]
async fn a_clock_that_jumps_ends_files_whose_time_it_is_and_nothing_else() {
    let engine = PrivateEngine::start(daemon::Containers::EndWithIt);
    let clock = Clock::new(engine.directory());
    let mut service = Service::start_as(Setup {
        variables: clock.variables(),
        // Long, so that nothing but what is meant ends a wait for a time that does not come.
        ..engine.setup(&engine.seen().host.unwrap(), &["--engine-call-timeout=60s"])
    })
    .await;
    let calm = Calm::of(&service).await;
    let mut containers = Containers::default();
    containers.newest(&service).await;
    let id = session(&service, "bash").await;
    in_session(&service, &id, "kept=here").await;
    let (_, file) = upload(&service, "a.txt", b"a".to_vec()).await;
    let path = file_path(&file);

    for jump in [3 * HOUR, -3 * HOUR, 400 * 24 * HOUR, 0] {
        clock.jump_to(0);
        let running = running(&service, "sleep 1; echo done").await;
        clock.jump_to(jump);
        is_as_long_as_it_was(&running.await.unwrap());
        serves(&service).await;
        is_there(&service, &id).await;
        a_removed_sandbox_is_not_waited_for(&engine, &service, &mut containers).await;
        files_end_by_the_new_time(&service, &path, jump).await;
    }
    let ran = "execution_phase_seconds_sum{phase=\"run\"}";
    assert!(numbers(&service).await.of(ran) < 300.0);
    // What the next one is told of the time is older than what the last one was.
    clock.jump_to(-3 * HOUR);
    service.kill();
    service.restart();
    serves(&service).await;
    is_there(&service, &id).await;
    delete_files(&service).await;
    end(&service, &id).await;
    calm.is_back(&service).await;
}

fn is_as_long_as_it_was(answer: &Value) {
    assert_eq!(answer["stdout"], "begun\ndone\n", "{answer:#}");
    let took = answer["duration_ms"].as_u64().unwrap();
    assert!((1000..20_000).contains(&took), "{answer:#}");
}

/// One that was stored before the jump has ended if its twenty minutes are over; one that is stored now has twenty.
async fn files_end_by_the_new_time(service: &Service, before: &str, jump: i64) {
    let answer = service.client().get(service.url(before)).send().await;
    let status = answer.unwrap().status();
    // It may have been removed after an earlier jump.
    assert!(jump < HOUR / 3 || status == 404, "{jump}: {status}");
    let (status, new) = upload(service, "b.txt", b"b".to_vec()).await;
    assert_eq!(status, 200, "{new:#}");
    let expires: Timestamp = new["expires_at"].as_str().unwrap().parse().unwrap();
    let left = expires.as_second() - Timestamp::now().as_second() - jump;
    assert!((left - HOUR / 3).abs() < 60, "{jump}: {left}");
}

async fn is_there(service: &Service, id: &str) {
    let answer = in_session(service, id, "echo $kept").await;
    assert_eq!(answer["stdout"], "here\n", "{answer:#}");
}

/// Why a sandbox has ended is asked of the engine, by the time.
async fn a_removed_sandbox_is_not_waited_for(
    engine: &PrivateEngine,
    service: &Service,
    containers: &mut Containers,
) {
    let container = containers.newest(service).await;
    let running = running(service, "sleep 50").await;
    let asked = Instant::now();
    engine.seen().docker(&["rm", "--force", &container]);
    assert_eq!(running.await.unwrap()["status"], "killed");
    assert!(
        asked.elapsed() < Duration::from_secs(8),
        "{:?}",
        asked.elapsed()
    );
}
