//! What is counted of the engine: calls to it, removals, strays, and the sandboxes that are owned now.

use std::fmt;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::register::Register;
use crate::sandbox::SandboxError;

/// Upper bounds of the buckets of calls, in seconds: from a question to a start on a busy host.
const SECONDS: [f64; 10] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];

/// Counts. Its clones count together.
#[derive(Clone, Debug)]
pub(super) struct Meters {
    calls: Family<Call, Counter>,
    seconds: Family<Name, Histogram, fn() -> Histogram>,
    removals: Family<Removal, Counter>,
    strays: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Call {
    call: String,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Name {
    call: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Removal {
    result: &'static str,
}

impl Meters {
    /// Nothing has happened yet.
    pub(super) fn new() -> Meters {
        let meters = Meters {
            calls: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            removals: Family::default(),
            strays: Counter::default(),
        };
        for result in ["removed", "given_up"] {
            meters.removals.get_or_create_owned(&Removal { result });
        }
        meters
    }

    /// A call has come to its end, which `what` is the name of.
    pub(super) fn called<T>(&self, what: &str, took: Duration, outcome: &Result<T, SandboxError>) {
        let call = what.replace(' ', "_");
        let name = Name { call: call.clone() };
        let seconds = self.seconds.get_or_create_owned(&name);
        seconds.observe(took.as_secs_f64());
        let result = match outcome {
            Ok(_) => "ok",
            Err(SandboxError::EngineRefused(_) | SandboxError::EngineFull(_)) => "refused",
            Err(_) => "away",
        };
        self.calls.get_or_create_owned(&Call { call, result }).inc();
    }

    /// A dropped sandbox was removed, or left to the next sweep.
    pub(super) fn removed(&self, outcome: &Result<(), SandboxError>) {
        let result = match outcome {
            Ok(()) => "removed",
            Err(_) => "given_up",
        };
        self.removals.get_or_create_owned(&Removal { result }).inc();
    }

    /// So many strays were removed.
    pub(super) fn swept(&self, strays: usize) {
        self.strays.inc_by(strays as u64);
    }

    /// Shows everything in the registry.
    pub(super) fn register(&self, owned: &Register, registry: &mut Registry) {
        registry.register("engine_calls", "Calls to the engine", self.calls.clone());
        let (seconds, unit) = (self.seconds.clone(), Unit::Seconds);
        registry.register_with_unit("engine_call", "How long they took", unit, seconds);
        registry.register(
            "sandbox_removals",
            "Removals of dropped sandboxes",
            self.removals.clone(),
        );
        registry.register(
            "strays_removed",
            "Sandboxes that nobody owned and a sweep removed",
            self.strays.clone(),
        );
        registry.register_collector(Box::new(Owned(owned.clone())));
    }
}

/// Shows how many sandboxes are owned at the moment of asking.
#[derive(Debug)]
struct Owned(Register);

impl Collector for Owned {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let help = "Sandboxes that are owned or being removed.";
        let metric = encoder.encode_descriptor("sandboxes_owned", help, None, MetricType::Gauge)?;
        ConstGauge::new(self.0.count() as u64).encode(metric)
    }
}
