//! Counts what a session's sandbox uses of its owner's processor time, whoever has code run in it, and how.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::sleep;

use super::shared::Shared;
use crate::service::execution::collect;
use crate::service::quota::Quotas;

/// How often a session's use is looked at where its owner has a limit.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// What has been counted of a sandbox's use.
pub(super) struct ProcessorTime {
    quotas: Quotas,
    /// What the sandbox had used when that was last looked at. None: nobody has looked in this life of the service, and what
    /// was used in an earlier one is not of today, as far as anybody knows.
    counted_ms: Mutex<Option<u64>>,
}

impl ProcessorTime {
    /// Of a sandbox that is new.
    pub(super) fn new(quotas: Quotas) -> ProcessorTime {
        ProcessorTime {
            quotas,
            counted_ms: Mutex::new(Some(0)),
        }
    }

    /// Of a sandbox of an earlier life of the service.
    pub(super) fn resumed(quotas: Quotas) -> ProcessorTime {
        ProcessorTime {
            quotas,
            counted_ms: Mutex::new(None),
        }
    }

    /// The sandbox has used so much since it was made.
    pub(super) fn count(&self, shared: &Shared, cpu_ms: u64) {
        let mut counted = self.counted_ms.lock().expect("nothing panics with it");
        let before = counted.replace(cpu_ms).unwrap_or(cpu_ms);
        drop(counted);
        let more = Duration::from_millis(cpu_ms.saturating_sub(before));
        self.quotas.count_cpu(&shared.owner, more);
    }

    /// Looks every ten seconds, for ever.
    pub(super) async fn watch(&self, shared: &Shared) {
        loop {
            sleep(LOOK_EVERY).await;
            if self
                .quotas
                .grant(&shared.owner)
                .limits
                .cpu_per_day
                .is_none()
            {
                continue;
            }
            if let Ok(sandbox) = shared.sandbox().await
                && let Some(usage) = collect::usage(&*sandbox).await
            {
                self.count(shared, usage.cpu_ms);
            }
        }
    }
}
