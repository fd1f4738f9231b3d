//! A request in a trace: that of its client, by `traceparent` (W3C Trace Context), or a new one.
//!
//! Names and attributes are those of OpenTelemetry's conventions for HTTP servers.

use axum::extract::{MatchedPath, Request};
use axum::http::StatusCode;
use opentelemetry::global::get_text_map_propagator;
use opentelemetry::trace::{Status, TraceContextExt};
use opentelemetry_http::HeaderExtractor;
use tracing::Span;
use tracing::field::display;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Has the request's span go on with its client's trace. Nothing, where there are no traces.
pub fn go_on(span: &Span, request: &Request) {
    let headers = HeaderExtractor(request.headers());
    let parent = get_text_map_propagator(|propagator| {
        let is_on = propagator.fields().next().is_some();
        is_on.then(|| propagator.extract(&headers))
    });
    let Some(parent) = parent else {
        return;
    };
    let matched = request.extensions().get::<MatchedPath>();
    let route = matched.map(MatchedPath::as_str).unwrap_or_default();
    span.record("otel.kind", "server");
    span.record(
        "otel.name",
        display(format_args!("{} {route}", request.method())),
    );
    span.set_attribute("http.request.method", request.method().to_string());
    span.set_attribute("http.route", route.to_owned());
    span.set_attribute("url.path", request.uri().path().to_owned());
    // Its span is new, so that it can have a parent.
    let _ = span.set_parent(parent);
    let context = span.context();
    let trace_id = context.span().span_context().trace_id();
    span.record("trace_id", display(trace_id));
}

/// How it was answered.
pub fn answered(span: &Span, status: StatusCode) {
    span.set_attribute("http.response.status_code", i64::from(status.as_u16()));
    if status.is_server_error() {
        span.set_status(Status::error(""));
    }
}
