//! What this process itself takes, as Linux tells it. Where it does not, there is no such number.

use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Unit;
use tokio::runtime::Handle;

use super::now::gauge;

/// Asks each time.
#[derive(Debug)]
pub(super) struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        if let Some(bytes) = resident_memory() {
            let help = "Memory of the service itself that is not swapped out";
            let (name, unit) = ("process_resident_memory", Some(&Unit::Bytes));
            gauge(&mut encoder, name, help, unit, bytes)?;
        }
        if let Some(count) = open_descriptors() {
            let help = "Open file descriptors of the service itself";
            gauge(&mut encoder, "process_open_fds", help, None, count)?;
        }
        if let Some(count) = tasks() {
            let help = "Tasks of the service itself that have not ended";
            gauge(&mut encoder, "process_tasks", help, None, count)?;
        }
        Ok(())
    }
}

/// In bytes.
fn resident_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// Without the one that the look itself opens.
fn open_descriptors() -> Option<u64> {
    let count = fs::read_dir("/proc/self/fd").ok()?.count() as u64;
    Some(count.saturating_sub(1))
}

/// None where nobody runs any.
fn tasks() -> Option<u64> {
    let runtime = Handle::try_current().ok()?;
    Some(runtime.metrics().num_alive_tasks() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_is_counted_until_it_ends() {
        let before = tasks().unwrap();
        let task = tokio::spawn(std::future::pending::<()>());
        assert_eq!(tasks(), Some(before + 1));
        task.abort();
        task.await.unwrap_err();
        assert_eq!(tasks(), Some(before));
    }

    #[test]
    fn a_process_has_memory_and_descriptors() {
        assert!(resident_memory().is_some_and(|bytes| bytes > 1 << 20));
        assert!(open_descriptors().is_some_and(|count| count >= 3));
    }

    #[test]
    fn an_open_file_is_counted() {
        let files: Vec<_> = (0..100)
            .map(|_| fs::File::open("/dev/null").unwrap())
            .collect();
        let with = open_descriptors().unwrap();
        assert!(with >= files.len() as u64, "{with}");
    }
}
