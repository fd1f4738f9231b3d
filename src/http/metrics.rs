//! `GET /metrics`: the numbers, for Prometheus.
//!
//! They tell nothing of any owner. But how busy a service is and what it runs is not for everybody either, so they want a
//! key, which Prometheus sends as a bearer token.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::app::App;
use super::key::Caller;

/// Of the text format, in the version that everything reads.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What was counted since the service started, and what there is now, in Prometheus' text format.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "service",
    operation_id = "metrics",
    responses((status = 200, description = "The numbers", body = String, content_type = "text/plain")),
)]
pub async fn metrics(State(app): State<Arc<App>>, _: Caller) -> Response {
    let text = app.service.metrics() + &app.meters.text();
    ([(CONTENT_TYPE, TEXT)], text).into_response()
}
