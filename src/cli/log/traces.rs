//! Traces over OTLP: each request, and what an execution consists of, as spans.
//!
//! Everything is set by the variables of OpenTelemetry (`OTEL_EXPORTER_OTLP_ENDPOINT`, `…_HEADERS`, `…_PROTOCOL`,
//! `OTEL_TRACES_SAMPLER`, `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, …), as anything else that is traced on the host. Spans
//! are sent by a thread of their own, up to 2048 of them waiting: a collector that is slow or away costs spans, and no request.

use std::time::Duration;

use anyhow::Context;
use opentelemetry::trace::TracerProvider;
use opentelemetry::{KeyValue, global};
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Level, Metadata};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;

use super::Listener;

/// How long the last spans may take.
const LAST: Duration = Duration::from_secs(3);

/// Whatever sends them, if anything does.
pub(in crate::cli) struct Traces(Option<SdkTracerProvider>);

/// Sends them from here on, if there is a collector.
pub(super) fn start(collector: Option<&'static str>) -> anyhow::Result<(Option<Listener>, Traces)> {
    let Some(variable) = collector else {
        return Ok((None, Traces(None)));
    };
    // Somebody else may have been first, with the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let exporter = SpanExporter::builder().with_http().build();
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter.context(variable)?)
        .with_resource(resource())
        .build();
    // Requests go on with the trace that their clients have begun.
    global::set_text_map_propagator(TraceContextPropagator::new());
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("cellblock"))
        .with_location(false)
        .with_threads(false)
        .with_filter(filter_fn(is_told))
        .boxed();
    Ok((Some(layer), Traces(Some(provider))))
}

/// All of our spans, and what the log says by default.
fn is_told(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with("cellblock")
        && (metadata.is_span() || *metadata.level() <= Level::INFO)
}

fn resource() -> Resource {
    let named = std::env::var_os("OTEL_SERVICE_NAME").is_some();
    let name = (!named).then(|| KeyValue::new("service.name", "cellblock"));
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    Resource::builder()
        .with_attributes(name.into_iter().chain([version]))
        .build()
}

impl Traces {
    /// Into the log.
    pub(super) fn announce(&self) {
        if self.0.is_some() {
            tracing::info!("traces are sent over OTLP");
        }
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        let Some(provider) = &self.0 else {
            return;
        };
        if let Err(error) = provider.shutdown_with_timeout(LAST) {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}
