//! What there is at the moment of asking, read from those who keep it.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use crate::service::files::FileStore;
use crate::service::health::EnvironmentHealth;
use crate::service::packages::Packages;
use crate::service::pool::Pool;
use crate::service::session::Sessions;

/// Whom to ask.
pub(in crate::service) struct Now {
    pub(in crate::service) pool: Arc<Pool>,
    pub(in crate::service) files: Arc<FileStore>,
    pub(in crate::service) packages: Arc<Packages>,
    pub(in crate::service) sessions: Sessions,
}

impl fmt::Debug for Now {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Now").finish_non_exhaustive()
    }
}

#[derive(Clone, Debug, EncodeLabelSet)]
struct InPool {
    environment: String,
    state: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet)]
struct Line {
    environment: String,
}

impl Collector for Now {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.pool(&mut encoder)?;
        let sessions = self.sessions.count() as u64;
        gauge(&mut encoder, "sessions", "Sessions", None, sessions)?;
        let help = "Connections of clients to the kernels of sessions";
        let connections = self.sessions.connections() as u64;
        gauge(&mut encoder, "session_connections", help, None, connections)?;
        let (files, bytes) = self.files.stored();
        gauge(&mut encoder, "files", "Stored files", None, files)?;
        let help = "Room that they take, of files.max_total";
        gauge(&mut encoder, "files", help, Some(&Unit::Bytes), bytes)?;
        let (sets, bytes) = self.packages.installed();
        gauge(
            &mut encoder,
            "package_sets",
            "Installed sets of packages",
            None,
            sets,
        )?;
        let help = "Room that they take, of packages.max_total";
        gauge(
            &mut encoder,
            "package_sets",
            help,
            Some(&Unit::Bytes),
            bytes,
        )
    }
}

impl Now {
    fn pool(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let lines = self.pool.lines();
        let help = "Sandboxes of the pool.";
        let mut metric =
            encoder.encode_descriptor("pool_sandboxes", help, None, MetricType::Gauge)?;
        for (labels, count) in lines.iter().flat_map(in_pool) {
            ConstGauge::new(count as u64).encode(metric.encode_family(&labels)?)?;
        }
        let help = "Warm sandboxes that there should be.";
        let mut metric = encoder.encode_descriptor("pool_size", help, None, MetricType::Gauge)?;
        for line in &lines {
            let labels = Line {
                environment: line.name.clone(),
            };
            ConstGauge::new(line.size as u64).encode(metric.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

fn in_pool(line: &EnvironmentHealth) -> [(InPool, usize); 2] {
    let labels = |state| InPool {
        environment: line.name.clone(),
        state,
    };
    [
        (labels("warm"), line.warm),
        (labels("starting"), line.starting),
    ]
}

/// One number.
pub(super) fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    value: u64,
) -> fmt::Result {
    let metric = encoder.encode_descriptor(name, &format!("{help}."), unit, MetricType::Gauge)?;
    ConstGauge::new(value).encode(metric)
}
