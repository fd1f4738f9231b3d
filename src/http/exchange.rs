//! What every exchange has, whatever was asked: an id, a span in the log, and an answer in our form.
//!
//! This is the outermost layer. It writes the [`Problem`]s that handlers leave with their responses, and turns what
//! libraries refuse (a method, a path that is not UTF-8) into problems too, so that a client meets one form only.

use axum::extract::{MatchedPath, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument, Span};

use super::problem::Problem;
use super::request_id::{RequestId, X_REQUEST_ID};

/// Longer than this, `X-Application` is cut: it is for the log only.
const MAX_APPLICATION: usize = 100;

/// Routes that machines ask all the time.
const QUIET: [&str; 2] = ["/jupyter/health", "/metrics"];

/// Names the request, answers it within a span, and writes the answer's id and problem.
pub async fn exchange(mut request: Request, next: Next) -> Response {
    let request_id = RequestId::of(request.headers());
    request.extensions_mut().insert(request_id.clone());
    let (span, loudness) = (span(&request, &request_id), Loudness::of(&request));
    #[cfg(feature = "otlp")]
    super::trace_context::go_on(&span, &request);
    async move {
        let unanswered = Unanswered::new(loudness, Instant::now());
        let response = next.run(request).await;
        unanswered.answered(response.status());
        #[cfg(feature = "otlp")]
        super::trace_context::answered(&Span::current(), response.status());
        finish(response, &request_id)
    }
    .instrument(span)
    .await
}

// Without the query: urls of files carry their signature there.
fn span(request: &Request, request_id: &RequestId) -> Span {
    let application = request
        .headers()
        .get("x-application")
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .map(|text| text.chars().take(MAX_APPLICATION).collect::<String>());
    tracing::info_span!(
        "request",
        %request_id,
        method = %request.method(),
        path = request.uri().path(),
        application,
        owner = Empty,
        sandbox = Empty,
        session = Empty,
        trace_id = Empty,
        otel.name = Empty,
        otel.kind = Empty,
    )
}

fn finish(mut response: Response, request_id: &RequestId) -> Response {
    let problem = response.extensions_mut().remove::<Problem>();
    let foreign = || is_foreign(&response).then(|| Problem::of(&response));
    let mut response = match problem.or_else(foreign) {
        Some(problem) => problem.write(response, request_id),
        None => response,
    };
    let headers = response.headers_mut();
    headers.insert(X_REQUEST_ID, request_id.header_value());
    response
}

/// Whether a library refused, in its own words.
fn is_foreign(response: &Response) -> bool {
    let status = response.status();
    let is_json = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes() == b"application/json");
    (status.is_client_error() || status.is_server_error()) && !is_json
}

/// Where in the log an answer belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loudness {
    Usual,
    /// Machines ask every few seconds, and all goes well.
    Quiet,
}

impl Loudness {
    fn of(request: &Request) -> Self {
        let matched = request.extensions().get::<MatchedPath>();
        let route = matched.map_or("", MatchedPath::as_str);
        let quiet = QUIET.iter().any(|quiet| route.ends_with(quiet));
        if quiet { Self::Quiet } else { Self::Usual }
    }
}

/// Logs how the exchange ended, even when the client did not wait for it.
struct Unanswered {
    loudness: Loudness,
    since: Instant,
    status: Option<StatusCode>,
}

impl Unanswered {
    fn new(loudness: Loudness, since: Instant) -> Self {
        Self {
            loudness,
            since,
            status: None,
        }
    }

    fn answered(mut self, status: StatusCode) {
        self.status = Some(status);
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        let latency = self.since.elapsed();
        match self.status {
            Some(status) if self.loudness == Loudness::Quiet && status.is_success() => {
                tracing::debug!(status = status.as_u16(), ?latency, "answered");
            }
            Some(status) => tracing::info!(status = status.as_u16(), ?latency, "answered"),
            None => tracing::info!(?latency, "the client went away"),
        }
    }
}

/// The answer when a handler panicked.
pub fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    let words = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no words");
    tracing::error!(words, "a handler panicked");
    Problem::internal().into_response()
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::middleware::from_fn;
    use axum::routing::get;
    use tower::{ServiceBuilder, ServiceExt};
    use tower_http::catch_panic::CatchPanicLayer;

    use super::*;

    async fn panics() -> StatusCode {
        panic!("the words of /var/lib/something")
    }

    #[tokio::test]
    async fn a_panic_is_answered_without_its_words() {
        let layers = ServiceBuilder::new()
            .layer(from_fn(exchange))
            .layer(CatchPanicLayer::custom(panicked));
        let router = Router::new().route("/", get(panics)).layer(layers);
        let request = Request::new(Body::empty());
        let response = router.oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(response.headers().contains_key(X_REQUEST_ID));
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["status"], 500);
        assert!(!problem.to_string().contains("/var"), "{problem}");
    }
}
