//! What the service counts, as Prometheus reads it.
//!
//! ```text
//! meters     in each module: what happened, counted where it happens
//! now        what there is at the moment of asking
//! process    what this process itself takes
//! ```
//!
//! A label's value is one of few: names of environments that are there, and words from closed lists. Nothing that a
//! request says becomes one, or a stranger could fill the memory of whoever keeps the numbers.

mod now;
mod process;

use prometheus_client::encoding::prometheus_text;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

pub(super) use now::Now;
use process::Process;

/// What all names begin with.
pub const PREFIX: &str = "cellblock";

/// Upper bounds of the buckets of everything that takes time, in seconds: from a warm sandbox to the longest install.
const SECONDS: [f64; 15] = [
    0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0,
];

/// How long things take, by labels.
pub(super) type Seconds<Labels> = Family<Labels, Histogram, fn() -> Histogram>;

/// How long something takes, by labels.
pub(super) fn seconds<Labels: Clone + std::hash::Hash + Eq>() -> Seconds<Labels> {
    Family::new_with_constructor(histogram)
}

/// How long something takes.
pub(super) fn histogram() -> Histogram {
    Histogram::new(SECONDS)
}

/// All numbers.
pub(super) struct Metrics(Registry);

impl Metrics {
    /// With what `register` shows, what there is, and what the process takes.
    pub(super) fn new(now: Now, register: impl FnOnce(&mut Registry)) -> Metrics {
        let mut registry = Registry::with_prefix(PREFIX);
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "Which Cellblock this is", version);
        register(&mut registry);
        registry.register_collector(Box::new(now));
        registry.register_collector(Box::new(Process));
        Metrics(registry)
    }

    /// In Prometheus' text format.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.0).expect("a string takes everything");
        text
    }
}
