//! What is counted of requests: how many, by route and status, and how long they took.
//!
//! The outermost layer, so that nothing is missed. The route is the pattern that matched and never the path, which is
//! anybody's to choose.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use prometheus_client::encoding::{EncodeLabelSet, prometheus_text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tokio::time::Instant;

use super::app::App;
use super::memory::Memory;

/// Upper bounds of the buckets, in seconds: from a health check to the longest execution with its packages.
const SECONDS: [f64; 14] = [
    0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 300.0,
];

/// What the status is of a request whose client did not wait. nginx calls it that too.
const GONE: u16 = 499;

/// Counts.
#[derive(Debug)]
pub struct Meters {
    requests: Family<Ended, Counter>,
    seconds: Family<Asked, Histogram, fn() -> Histogram>,
    registry: Registry,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    method: &'static str,
    route: String,
}

impl Meters {
    /// Nobody has asked yet.
    pub fn new(memory: &Memory) -> Self {
        let requests = Family::<Ended, Counter>::default();
        let histogram: fn() -> Histogram = || Histogram::new(SECONDS);
        let seconds = Family::new_with_constructor(histogram);
        let mut registry = Registry::with_prefix("cellblock");
        registry.register("http_requests", "Requests over HTTP", requests.clone());
        let help = "From a request's head to the head of its answer";
        registry.register_with_unit("http_request", help, Unit::Seconds, seconds.clone());
        let help =
            "Memory for what requests and WebSockets send and read whole, as far as it is taken";
        registry.register_with_unit("body_memory", help, Unit::Bytes, memory.gauge());
        Self {
            requests,
            seconds,
            registry,
        }
    }

    /// In Prometheus' text format.
    pub fn text(&self) -> String {
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry).expect("a string takes everything");
        text
    }

    fn count(&self, asked: &Asked, status: u16, since: Instant) {
        let seconds = self.seconds.get_or_create_owned(asked);
        seconds.observe(since.elapsed().as_secs_f64());
        let Asked { method, route } = asked.clone();
        let ended = Ended {
            method,
            route,
            status,
        };
        self.requests.get_or_create_owned(&ended).inc();
    }
}

impl Asked {
    fn of(request: &Request) -> Self {
        let matched = request.extensions().get::<MatchedPath>();
        let route = matched.map_or("unmatched", MatchedPath::as_str);
        Self {
            method: word(request.method()),
            route: route.to_owned(),
        }
    }
}

/// Methods that somebody made up are one.
fn word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Counts the request, even when its client does not wait for the answer.
pub async fn measure(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let counted = Counted {
        asked: Asked::of(&request),
        since: Instant::now(),
        status: GONE,
        app,
    };
    let response = next.run(request).await;
    counted.answered(response.status());
    response
}

/// Counts when it is dropped.
struct Counted {
    app: Arc<App>,
    asked: Asked,
    since: Instant,
    status: u16,
}

impl Counted {
    fn answered(mut self, status: StatusCode) {
        self.status = status.as_u16();
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let meters = &self.app.meters;
        meters.count(&self.asked, self.status, self.since);
    }
}
