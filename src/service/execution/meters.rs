//! What is counted of executions, those in sessions included.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::result::Timing;
use crate::service::metrics::{Seconds, seconds};

/// Counts. Its clones count together.
#[derive(Clone, Debug)]
pub(super) struct Meters {
    ended: Family<Ended, Counter>,
    phases: Seconds<Phase>,
    running: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    environment: String,
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Phase {
    phase: &'static str,
}

/// An execution that runs or waits, until it is dropped.
pub(super) struct Running(Gauge);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Meters {
    /// Nothing has run yet.
    pub(super) fn new() -> Meters {
        let meters = Meters {
            ended: Family::default(),
            phases: seconds(),
            running: Gauge::default(),
        };
        for (phase, _) in phases(&Timing::default()) {
            meters.phases.get_or_create_owned(&Phase { phase });
        }
        meters
    }

    /// One begins.
    pub(super) fn begin(&self) -> Running {
        self.running.inc();
        Running(self.running.clone())
    }

    /// One has come to its end in this environment, which is one of those that are known.
    pub(super) fn ended(&self, environment: String, status: &'static str) {
        let ended = Ended {
            environment,
            status,
        };
        self.ended.get_or_create_owned(&ended).inc();
    }

    /// Its code has run, and that is where the time went.
    pub(super) fn took(&self, timing: &Timing) {
        for (phase, took) in phases(timing) {
            // What takes no time at all was not done: no packages, no files, no start of its own.
            let always = ["queue", "run", "copy_out"].contains(&phase);
            if always || !took.is_zero() {
                let seconds = self.phases.get_or_create_owned(&Phase { phase });
                seconds.observe(took.as_secs_f64());
            }
        }
    }

    /// Shows everything in the registry.
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "executions",
            "Executions that came to their end",
            self.ended.clone(),
        );
        registry.register_with_unit(
            "execution_phase",
            "Where the time of executions went whose code has run",
            Unit::Seconds,
            self.phases.clone(),
        );
        registry.register(
            "executions_running",
            "Executions that run or wait",
            self.running.clone(),
        );
    }
}

fn phases(timing: &Timing) -> [(&'static str, std::time::Duration); 6] {
    [
        ("install", timing.install),
        ("queue", timing.queue),
        ("start", timing.start),
        ("copy_in", timing.copy_in),
        ("run", timing.run),
        ("copy_out", timing.copy_out),
    ]
}
