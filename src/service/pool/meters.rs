//! What is counted of the pool: whether a sandbox was there when it was asked for.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// Counts. Its clones count together.
#[derive(Clone, Debug, Default)]
pub(super) struct Meters(Family<Take, Counter>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Take {
    environment: String,
    result: &'static str,
}

/// Where a sandbox came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It was waiting.
    Hit,
    /// It was not ready yet.
    Miss,
    /// It was started for a request that wants another than those of the pool.
    Own,
}

impl Meters {
    /// One was taken.
    pub(super) fn taken(&self, environment: &str, taken: Taken) {
        let result = match taken {
            Taken::Hit => "hit",
            Taken::Miss => "miss",
            Taken::Own => "own",
        };
        let environment = environment.to_owned();
        let take = Take {
            environment,
            result,
        };
        self.0.get_or_create_owned(&take).inc();
    }

    /// Shows everything in the registry.
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Sandboxes that were taken, and whether they were waiting";
        registry.register("pool_takes", help, self.0.clone());
    }
}
