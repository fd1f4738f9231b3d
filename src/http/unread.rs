//! A request whose body nobody has read to its end: one that was refused, mostly.
//!
//! The server closes such a connection, since what is left of the body is in the way of the next request. A client that is
//! still sending then hears of a broken connection and not of the answer. So the rest is read, and forgotten, within bounds;
//! where it is more than that, the answer says that the connection closes, or the client would use it again.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header::{CONNECTION, EXPECT};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};
use tokio::time::timeout;

/// Bytes that are read for nothing: as many as the largest upload has, by default, and some more.
const MOST: u64 = 128 << 20;

/// How long that may take.
const WITHIN: Duration = Duration::from_secs(5);

/// Reads what the handler has not, before its answer is sent.
pub async fn read_rest(request: Request, next: Next) -> Response {
    // Such a client sends nothing before it is asked to.
    let waits = request.headers().contains_key(EXPECT);
    let left = Left::default();
    let request = request.map(|body| Body::new(Watched::new(body, left.clone())));
    let mut response = next.run(request).await;
    let Some(rest) = left.take() else {
        return response;
    };
    // One that was too slow already is not waited for again.
    let is_slow = response.status() == StatusCode::REQUEST_TIMEOUT;
    if waits || is_slow || !ends(rest).await {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    response
}

/// Whether it comes to its end within the bounds.
async fn ends(mut rest: Body) -> bool {
    let read = async {
        let mut bytes = 0;
        while let Some(frame) = rest.frame().await {
            let data = frame.ok()?.into_data().unwrap_or_default();
            bytes += data.len() as u64;
            if bytes > MOST {
                return None;
            }
        }
        Some(())
    };
    matches!(timeout(WITHIN, read).await, Ok(Some(())))
}

/// What is left of a body.
#[derive(Clone, Default)]
struct Left(Arc<Mutex<Option<Body>>>);

impl Left {
    fn take(&self) -> Option<Body> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn put(&self, body: Body) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
    }
}

/// A body that is left, where it is dropped before its end.
struct Watched {
    body: Body,
    left: Left,
    is_over: bool,
}

impl Watched {
    fn new(body: Body, left: Left) -> Watched {
        Watched {
            is_over: body.is_end_stream(),
            body,
            left,
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !self.is_over {
            self.left.put(std::mem::take(&mut self.body));
        }
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        self.is_over = matches!(frame, None | Some(Err(_))) || self.body.is_end_stream();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::middleware::from_fn;
    use axum::routing::post;
    use futures::stream;
    use tower::ServiceExt;

    use super::*;

    /// What is said of the connection after a request whose handler reads its body, or does not.
    async fn said(path: &str, body: Body) -> Option<HeaderValue> {
        let routes = Router::new()
            .route("/reads", post(async |body: String| body))
            .route("/refuses", post(async || "no"))
            .layer(from_fn(read_rest));
        let request = Request::post(path).body(body).unwrap();
        let response = routes.oneshot(request).await.unwrap();
        response.headers().get(CONNECTION).cloned()
    }

    /// So many pieces of a mebibyte.
    fn pieces(count: usize) -> impl stream::Stream<Item = Result<Bytes, std::io::Error>> {
        stream::iter((0..count).map(|_| Ok(Bytes::from(vec![7; 1 << 20]))))
    }

    #[tokio::test]
    async fn what_is_left_is_read_and_the_connection_stays_open() {
        for path in ["/reads", "/refuses"] {
            assert_eq!(said(path, Body::empty()).await, None);
            assert_eq!(said(path, Body::from("some")).await, None);
        }
        let large = Body::from_stream(pieces(100));
        assert_eq!(said("/refuses", large).await, None);
    }

    #[tokio::test]
    async fn a_rest_that_is_too_large_closes_the_connection() {
        let endless = Body::from_stream(pieces(usize::MAX));
        assert_eq!(said("/refuses", endless).await.unwrap(), "close");
    }

    #[tokio::test(start_paused = true)]
    async fn a_rest_that_does_not_come_closes_the_connection() {
        let stalled = stream::pending::<Result<Bytes, std::io::Error>>();
        let said = said("/refuses", Body::from_stream(stalled)).await;
        assert_eq!(said.unwrap(), "close");
    }
}
