//! Processes of these tests' engines, found by what they are of: a path of ours in the command line, or a container's cgroup.

use std::fs;
use std::process::Command;
use std::time::Duration;

use tokio::time::Instant;

use crate::support::SOON;

/// Those with this text in their command line. A text of ours: nobody else's has it.
pub fn with(text: &str) -> Vec<u32> {
    all(|pid| {
        let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&command).contains(text)
    })
}

/// Those in a container's cgroup.
pub fn of_container(id: &str) -> Vec<u32> {
    all(|pid| {
        let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
        groups.contains(id)
    })
}

/// Kills all of those, and waits until they are gone.
pub fn end_with(text: &str) {
    end(|| with(text));
}

/// Kills everything in a container, and waits until it is gone.
pub fn end_container(id: &str) {
    end(|| of_container(id));
}

/// Kills one.
pub fn kill(pid: u32) {
    // It may have gone already.
    let _ = Command::new("kill")
        .args(["-KILL", &pid.to_string()])
        .output()
        .unwrap();
}

/// Waits for what processes do by themselves. Not a task's wait: what is dropped waits too.
pub fn wait_until(holds: impl Fn() -> bool, otherwise: &str) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < SOON, "not within {SOON:?}: {otherwise}");
        pause();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a drop cannot await, and no task runs beside it that it would stop"
)]
fn pause() {
    std::thread::sleep(Duration::from_millis(20));
}

fn end(find: impl Fn() -> Vec<u32>) {
    let are_gone = || {
        let found = find();
        found.iter().copied().for_each(kill);
        found.is_empty()
    };
    wait_until(are_gone, "they do not end");
}

fn all(is_one: impl Fn(u32) -> bool) -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap();
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let pids = names.filter_map(|name| name.parse().ok());
    pids.filter(|pid| is_one(*pid)).collect()
}
