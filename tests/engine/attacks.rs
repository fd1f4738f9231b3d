//! The programs of `tests/attacks`, each in a sandbox of its own through the API, and a neighbour beside them.
//!
//! A program attacks, and says itself what it managed (`ESCAPED`) and what not (`HELD`). From outside is looked at how it
//! ended and when, that the neighbour was neither touched nor held up, that others are served meanwhile, and that nothing
//! is left.

use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, interval, timeout_at};

use crate::corpus::{self, Attack};
use crate::support::Service;

/// MiB that the service may ever have under attack. One message that is parsed unweighed takes more.
const MOST_MEMORY: u64 = 320;

/// Attacks at the same time.
const AT_ONCE: usize = 3;

/// How long the neighbour may be silent. It speaks every quarter of a second, on a machine whose processors and disk are
/// shared with everybody, the other tests among them; whoever is starved is silent for as long as a family of attacks lasts.
const SILENT_AT_MOST: Duration = Duration::from_secs(20);

/// How long a new sandbox and `echo` may take meanwhile.
const SERVED_WITHIN: Duration = Duration::from_secs(60);

/// The pause between two of them: each costs half a second of a processor.
const SERVED_EVERY: Duration = Duration::from_secs(2);

/// Holds everything by which it could be found, and says whether somebody did.
const NEIGHBOUR: &str = include_str!("neighbour.py");

#[tokio::test]
async fn the_agent_and_the_link_hold() {
    all_fail("agent").await;
}

#[tokio::test]
async fn there_is_no_way_out() {
    all_fail("escape").await;
}

#[tokio::test]
async fn neighbours_are_out_of_reach() {
    all_fail("neighbours").await;
}

#[tokio::test]
async fn nobody_is_reached_by_network() {
    all_fail("network").await;
}

#[tokio::test]
async fn resources_are_capped() {
    all_fail("resources").await;
}

#[tokio::test]
async fn deadlines_hold() {
    all_fail("time").await;
}

/// Runs a family, and fails with everything that was not as it must be.
async fn all_fail(family: &str) {
    let attacks: Vec<Attack> = corpus::all()
        .into_iter()
        .filter(|attack| attack.family == family)
        .map(as_it_runs)
        .collect();
    assert!(!attacks.is_empty());
    let service = Service::start(&[
        "--execution-output-limit=1MiB",
        "--execution-max-timeout=10min",
        "--execution-timeout=30s",
    ])
    .await;
    let (over, ended) = watch::channel(());
    let attacking = async {
        let wrong = attack_all(&service, attacks).await;
        drop(over);
        wrong
    };
    let (mut wrong, neighbour, others) = tokio::join!(
        attacking,
        neighbour(&service, ended.clone()),
        others(&service, ended)
    );
    wrong.extend(neighbour);
    wrong.extend(others);
    let had = most_memory(&service);
    eprintln!("{family}: the service had {had} MiB");
    if had > MOST_MEMORY {
        wrong.push(format!("the service had {had} MiB, not {MOST_MEMORY}"));
    }
    service.has_containers(0).await;
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n\n"));
}

/// The most that the service's process has had, in MiB.
fn most_memory(service: &Service) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.pid())).unwrap();
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let most = most.unwrap().trim().trim_end_matches(" kB");
    most.parse::<u64>().unwrap() >> 10
}

/// `make test-runsc` sets the service's own setting of the runtime, for every service that a test starts.
fn as_it_runs(attack: Attack) -> Attack {
    let runtime = std::env::var("CELLBLOCK_ENGINE_RUNTIME").unwrap_or_default();
    if runtime == "runsc" {
        attack.with_runsc()
    } else {
        attack
    }
}

async fn attack_all(service: &Service, attacks: Vec<Attack>) -> Vec<String> {
    let done = stream::iter(attacks)
        .map(|attack| attack_once(service, attack))
        .buffer_unordered(AT_ONCE);
    done.filter_map(std::future::ready).collect().await
}

/// What was not as it must be, if anything.
async fn attack_once(service: &Service, attack: Attack) -> Option<String> {
    let begin = Instant::now();
    let (http, answer) = run(service, &attack).await;
    // A program does nothing to the time before it: its sandbox is waited for, and started.
    let took = begin.elapsed().saturating_sub(before(&answer));
    eprintln!("{}/{}: {took:.1?}", attack.family, attack.name);
    let mut wrong = judge(&attack, &answer);
    if http != 200 {
        wrong.push(format!("HTTP {http}"));
    }
    if took > Duration::from_secs(attack.within) {
        wrong.push(format!("it took {took:.1?}, not {} s", attack.within));
    }
    (!wrong.is_empty()).then(|| format!("{}: {}\n{answer:#}", told(&attack), wrong.join("; ")))
}

fn before(answer: &Value) -> Duration {
    let parts = ["queue", "start"].map(|part| answer["timing_ms"][part].as_f64());
    Duration::from_secs_f64(parts.into_iter().flatten().sum::<f64>() / 1000.0)
}

/// The answer to a program.
pub async fn run(service: &Service, attack: &Attack) -> (u16, Value) {
    let fields = json!({"timeout": attack.timeout, "stdin": attack.stdin});
    service.post(attack.environment, &attack.code, fields).await
}

/// Which it is, what it tries, and what should have stopped it.
fn told(attack: &Attack) -> String {
    let (family, name, tries) = (&attack.family, &attack.name, &attack.attack);
    let (stopped_by, like) = (&attack.stopped_by, attack.like.join(", "));
    let runsc = attack.runsc.as_ref().map_or("the same", |runsc| &runsc.why);
    format!("{family}/{name} ({tries}; stopped by {stopped_by}; like {like}; with gVisor: {runsc})")
}

/// What an answer should not be like.
pub fn judge(attack: &Attack, answer: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let status = answer["status"].as_str().unwrap_or_default().to_owned();
    // Not the traceback: it shows the program's own lines.
    let said = ["stdout", "stderr"].map(|stream| answer[stream].as_str().unwrap_or_default());
    let said = said.join("\n");
    if !attack.expect.contains(&status) {
        wrong.push(format!("it ended as {status}"));
    }
    if said.lines().any(|line| attack.escapes(line)) {
        wrong.push("it escaped".to_owned());
    }
    if status == "ok" && !said.contains("HELD") && attack.allows.is_empty() {
        wrong.push("it does not say that it was held".to_owned());
    }
    if attack
        .files
        .as_ref()
        .is_some_and(|wanted| *wanted != files(answer))
    {
        wrong.push("other files are handed out".to_owned());
    }
    let missing = attack.prints.iter().filter(|text| !said.contains(*text));
    wrong.extend(missing.map(|text| format!("it does not print `{text}`")));
    wrong
}

fn files(answer: &Value) -> Vec<String> {
    let files = answer["files"].as_array().into_iter().flatten();
    let names = files.filter_map(|file| file["filename"].as_str());
    names.map(str::to_owned).collect()
}

/// One execution that lasts until the attacks are over.
async fn neighbour(service: &Service, mut ended: watch::Receiver<()>) -> Option<String> {
    let body = json!({"code": NEIGHBOUR, "timeout": 500});
    let request = service.client().post(service.url("/jupyter/execute"));
    let request = request.header("Accept", "text/event-stream").json(&body);
    let mut events = request.send().await.unwrap().bytes_stream();
    // It has to start first.
    let (mut said, mut spoke) = (String::new(), Instant::now() + SERVED_WITHIN);
    loop {
        let next = tokio::select! {
            next = timeout_at(spoke + SILENT_AT_MOST, events.next()) => Some(next),
            _ = ended.changed() => None,
        };
        match next {
            Some(Ok(Some(Ok(bytes)))) => said.push_str(&String::from_utf8_lossy(&bytes)),
            Some(Ok(_)) => return Some(format!("the neighbour ended:\n{}", end(&said))),
            Some(Err(_)) => return Some(format!("the neighbour was silent:\n{}", end(&said))),
            None => break,
        }
        // What only keeps the connection alive is no word of its.
        if said.ends_with("\n\n") && !said.ends_with(":\n\n") {
            spoke = Instant::now();
        }
    }
    let touched = said.contains("TOUCHED") || !said.contains("ALIVE");
    touched.then(|| format!("the neighbour was touched:\n{said}"))
}

fn end(said: &str) -> &str {
    &said[said.floor_char_boundary(said.len().saturating_sub(2000))..]
}

/// New executions, one after the other, as long as the attacks last.
async fn others(service: &Service, ended: watch::Receiver<()>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut pace = interval(SERVED_EVERY);
    while ended.has_changed().is_ok() {
        pace.tick().await;
        let begin = Instant::now();
        let answer = service.execute("bash", "echo served").await;
        if answer["stdout"] != "served\n" {
            wrong.push(format!("somebody else was not served: {answer:#}"));
        }
        if begin.elapsed() > SERVED_WITHIN {
            wrong.push(format!("somebody else waited {:.1?}", begin.elapsed()));
        }
    }
    wrong
}
