//! What a command tells of itself while it runs: lines on stderr, and traces where it was built with them.

#[cfg_attr(not(feature = "otlp"), path = "log/no_traces.rs")]
mod traces;

use anyhow::Context;
use cellblock::config::{Log, LogFormat};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, registry};

/// The variables of OpenTelemetry that name a collector.
const COLLECTORS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
];

/// What takes what is told, and filters it.
type Listener = Box<dyn Layer<Registry> + Send + Sync>;

/// Begins. What is on its way to a collector is sent when the answer is dropped.
pub(super) fn start(log: &Log) -> anyhow::Result<traces::Traces> {
    let filter = EnvFilter::try_new(&log.filter).context("log.filter")?;
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match log.format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    let collector = COLLECTORS.into_iter().find(|name| {
        let value = std::env::var_os(name);
        value.is_some_and(|value| !value.is_empty())
    });
    let (spans, traces) = traces::start(collector)?;
    let mut listeners: Vec<Listener> = vec![lines.with_filter(filter).boxed()];
    listeners.extend(spans);
    registry().with(listeners).init();
    traces.announce();
    Ok(traces)
}
