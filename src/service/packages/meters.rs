//! What is counted of installs.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::cache::Failed;
use crate::service::metrics::histogram;

/// Counts. Its clones count together.
#[derive(Clone, Debug)]
pub(super) struct Meters {
    installs: Family<Install, Counter>,
    seconds: Histogram,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Install {
    result: &'static str,
}

impl Meters {
    /// Nothing has been installed yet.
    pub(super) fn new() -> Meters {
        let installs = Family::<Install, Counter>::default();
        for result in ["ok", "refused", "failed"] {
            installs.get_or_create_owned(&Install { result });
        }
        Meters {
            installs,
            seconds: histogram(),
        }
    }

    /// An install has come to its end.
    pub(super) fn installed<T>(&self, took: Duration, outcome: &Result<T, Failed>) {
        let result = match outcome {
            Ok(_) => "ok",
            Err(Failed::Refused(_)) => "refused",
            Err(Failed::Away(_) | Failed::Ours(_)) => "failed",
        };
        self.installs.get_or_create_owned(&Install { result }).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    /// Shows everything in the registry.
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Installs of package sets that came to their end";
        registry.register("package_installs", help, self.installs.clone());
        let help = "How long installs took, the wait for their turn included";
        let (seconds, unit) = (self.seconds.clone(), Unit::Seconds);
        registry.register_with_unit("package_install", help, unit, seconds);
    }
}
