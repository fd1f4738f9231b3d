//! The memory of the engine's host, where that is this machine: `/proc/meminfo`, which a container sees as its host does.

use std::env;

/// Whether the engine is on this machine: reached through a socket in the file system.
pub(super) fn is_here(host: Option<&str>) -> bool {
    let variable = || env::var("DOCKER_HOST").ok();
    let host = host.map(str::to_owned).or_else(variable);
    host.is_none_or(|host| host.is_empty() || host.starts_with("unix:") || host.starts_with('/'))
}

/// The share of the memory that is in use, from 0 to 1: what cannot be had without taking it from somebody. Caches can.
pub(super) fn memory_used() -> Option<f64> {
    used(&std::fs::read_to_string("/proc/meminfo").ok()?)
}

fn used(meminfo: &str) -> Option<f64> {
    let kib = |name: &str| {
        let rest = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        rest.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()
    };
    let (total, available) = (kib("MemTotal:")?, kib("MemAvailable:")?);
    (total > 0.0).then(|| 1.0 - available / total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_available_is_not_used() {
        let meminfo = "MemTotal:       1000 kB\nMemFree:         100 kB\nMemAvailable:    250 kB\n";
        assert_eq!(used(meminfo), Some(0.75));
    }

    #[test]
    fn what_says_nothing_means_nothing() {
        for meminfo in [
            "",
            "MemTotal: 0 kB\nMemAvailable: 0 kB",
            "MemTotal: x\nMemAvailable: 1 kB",
        ] {
            assert_eq!(used(meminfo), None, "{meminfo}");
        }
    }

    #[test]
    fn an_engine_elsewhere_has_memory_elsewhere() {
        assert!(is_here(Some("unix:///var/run/docker.sock")));
        assert!(!is_here(Some("tcp://192.0.2.1:2376")));
        assert!(!is_here(Some("ssh://box")));
    }
}
