//! Resident memory: of the idle service, and of what each warm sandbox costs.

use std::fs;

use crate::support::{Service, docker};
use crate::table::Table;

pub async fn measure(table: &mut Table) {
    let service = Service::start(&[]).await;
    service.execute("bash", "true").await;
    service.has_containers(0).await;
    table.size(
        "service, idle: resident",
        resident(&service.pid().to_string()),
    );
    let service = Service::start_with_pool(&["python"], &[]).await;
    service.pool_is_full().await;
    let container = &service.containers()[0];
    let agent = docker(&["inspect", "-f", "{{.State.Pid}}", container]);
    table.size(
        "a warm python sandbox, its agent: resident",
        resident(agent.trim()),
    );
    let processes = docker(&["top", container, "-o", "pid"]);
    let kernel: u64 = processes
        .lines()
        .skip(1)
        .map(str::trim)
        .filter(|pid| *pid != agent.trim())
        .map(resident)
        .sum();
    table.size("a warm python sandbox, its kernel: resident", kernel);
}

/// VmRSS of a process of this machine, in bytes.
pub fn resident(pid: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}
