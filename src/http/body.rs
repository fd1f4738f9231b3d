//! Reading bodies: never more bytes than allowed, never longer than allowed.
//!
//! A body fails in three ways that are the client's: it is too large, it stops short, or it takes too long. The
//! first failure is kept apart from the stream ([`Failure`]), because on its way through a multipart parser or the file store
//! it becomes just another I/O error, which would look like ours.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use bytes::BytesMut;
use bytesize::ByteSize;
use futures::{Stream, StreamExt};
use tokio::time::{Sleep, sleep};

use super::memory::Taken;
use super::problem::{Kind, Problem};

/// What a body may cost.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    /// Bytes.
    pub size: u64,
    /// From the first read to the last byte.
    pub time: Duration,
}

/// What was wrong with a body, once something is.
#[derive(Clone, Debug, Default)]
pub struct Failure(Arc<OnceLock<Problem>>);

impl Failure {
    /// Keeps the first one.
    pub fn set(&self, problem: Problem) {
        let _later_ones_follow_from_it = self.0.set(problem);
    }

    /// The first one.
    pub fn get(&self) -> Option<Problem> {
        self.0.get().cloned()
    }
}

/// A body within its limits.
#[derive(Debug)]
pub struct BoundedBody {
    stream: BodyDataStream,
    limits: BodyLimits,
    left: u64,
    deadline: Pin<Box<Sleep>>,
    failure: Failure,
}

impl BoundedBody {
    /// Nothing is read yet, but the clock runs.
    ///
    /// # Errors
    ///
    /// When the headers already say that it is too large.
    pub fn new(headers: &HeaderMap, body: Body, limits: BodyLimits) -> Result<Self, Problem> {
        if content_length(headers).is_some_and(|length| length > limits.size) {
            return Err(too_large(limits));
        }
        Ok(Self {
            stream: body.into_data_stream(),
            left: limits.size,
            deadline: Box::pin(sleep(limits.time)),
            failure: Failure::default(),
            limits,
        })
    }

    /// Where its failure will be told.
    pub fn failure(&self) -> Failure {
        self.failure.clone()
    }

    /// All of it, in this memory.
    ///
    /// # Errors
    ///
    /// What was wrong with it; when there is no memory for it.
    pub async fn collect(mut self, taken: &mut Taken) -> Result<Bytes, Problem> {
        let mut all = BytesMut::new();
        while let Some(chunk) = self.next().await {
            let chunk = chunk.map_err(|_| self.failure.get().unwrap_or_else(cut_short))?;
            taken.more(chunk.len())?;
            all.extend_from_slice(&chunk);
        }
        Ok(all.freeze())
    }

    fn fail(&self, problem: Problem) -> Poll<Option<io::Result<Bytes>>> {
        self.failure.set(problem);
        Poll::Ready(Some(Err(io::Error::other("the request's body failed"))))
    }
}

impl Stream for BoundedBody {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.deadline.as_mut().poll(context).is_ready() {
            return self.fail(too_slow(self.limits));
        }
        match ready!(self.stream.poll_next_unpin(context)) {
            None => Poll::Ready(None),
            Some(Err(_)) => self.fail(cut_short()),
            Some(Ok(chunk)) => match self.left.checked_sub(chunk.len() as u64) {
                None => self.fail(too_large(self.limits)),
                Some(left) => {
                    self.left = left;
                    Poll::Ready(Some(Ok(chunk)))
                }
            },
        }
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large(limits: BodyLimits) -> Problem {
    let size = ByteSize(limits.size);
    Problem::new(Kind::TooLarge, format!("The body may have {size} at most."))
}

fn too_slow(limits: BodyLimits) -> Problem {
    let time = humantime::format_duration(limits.time);
    let detail = format!("The whole body must come within {time}.");
    Problem::new(Kind::RequestTimeout, detail)
}

fn cut_short() -> Problem {
    Problem::new(Kind::Malformed, "The body ended before it was complete.")
}

/// What a body says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaType {
    /// `application/json`, or another `+json`.
    Json,
    /// `multipart/form-data`.
    Form,
    /// Anything else.
    Other,
    /// It does not say.
    Unsaid,
}

impl MediaType {
    /// From `Content-Type`.
    pub fn of(headers: &HeaderMap) -> Self {
        let Some(value) = headers.get(CONTENT_TYPE) else {
            return Self::Unsaid;
        };
        let essence = value.to_str().unwrap_or_default();
        let essence = essence.split(';').next().unwrap_or_default().trim();
        match essence.to_ascii_lowercase().as_str() {
            "application/json" => Self::Json,
            "multipart/form-data" => Self::Form,
            other if other.starts_with("application/") && other.ends_with("+json") => Self::Json,
            _ => Self::Other,
        }
    }
}

/// The text of a JSON body, in this memory.
///
/// # Errors
///
/// When it does not say that it is JSON, or fails on its way.
pub async fn json_text(
    headers: &HeaderMap,
    body: Body,
    limits: BodyLimits,
    taken: &mut Taken,
) -> Result<String, Problem> {
    must_be_json(headers)?;
    let body = BoundedBody::new(headers, body, limits)?;
    text_of(body.collect(taken).await?)
}

/// The text of a JSON body that may be left out: an empty object then, whatever the headers say.
///
/// # Errors
///
/// As [`json_text`].
pub async fn optional_json_text(
    headers: &HeaderMap,
    body: Body,
    limits: BodyLimits,
    taken: &mut Taken,
) -> Result<String, Problem> {
    let body = BoundedBody::new(headers, body, limits)?;
    let bytes = body.collect(taken).await?;
    if bytes.is_empty() {
        return Ok("{}".to_owned());
    }
    must_be_json(headers)?;
    text_of(bytes)
}

fn must_be_json(headers: &HeaderMap) -> Result<(), Problem> {
    if MediaType::of(headers) == MediaType::Json {
        return Ok(());
    }
    let detail = "The body must be JSON, and say so: Content-Type: application/json.";
    Err(Problem::new(Kind::UnsupportedMediaType, detail))
}

fn text_of(bytes: Bytes) -> Result<String, Problem> {
    // Without a copy: this is the only handle to these bytes.
    String::from_utf8(bytes.into())
        .map_err(|_| Problem::new(Kind::Malformed, "The body is not UTF-8."))
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;
    use crate::http::memory::Memory;
    use crate::service::owner::Owner;

    const LIMITS: BodyLimits = BodyLimits {
        size: 10,
        time: Duration::from_secs(60),
    };

    async fn collected(body: Body) -> Result<Bytes, Kind> {
        collected_in(ByteSize::kib(1), body).await
    }

    async fn collected_in(memory: ByteSize, body: Body) -> Result<Bytes, Kind> {
        let body = BoundedBody::new(&HeaderMap::new(), body, LIMITS).unwrap();
        let mut taken = Memory::new(memory).of(&Owner::local());
        let collected = body.collect(&mut taken).await;
        collected.map_err(|problem| problem.kind)
    }

    #[tokio::test]
    async fn a_body_is_no_larger_than_allowed_even_without_a_length() {
        assert_eq!(collected(chunks(2)).await.unwrap(), "1234512345");
        assert_eq!(collected(chunks(3)).await, Err(Kind::TooLarge));
    }

    #[tokio::test]
    async fn a_body_for_which_there_is_no_memory_is_refused() {
        assert_eq!(
            collected_in(ByteSize(20), chunks(2)).await.unwrap().len(),
            10
        );
        assert_eq!(
            collected_in(ByteSize(19), chunks(2)).await,
            Err(Kind::TooLarge)
        );
    }

    fn chunks(count: usize) -> Body {
        let chunk = |_| Ok::<_, io::Error>("12345");
        Body::from_stream(stream::iter(0..count).map(chunk))
    }

    #[tokio::test]
    async fn a_length_that_is_too_large_is_believed_at_once() {
        let headers = HeaderMap::from_iter([(CONTENT_LENGTH, 11.into())]);
        let problem = BoundedBody::new(&headers, Body::empty(), LIMITS).unwrap_err();
        assert_eq!(problem.kind, Kind::TooLarge);
    }

    #[tokio::test(start_paused = true)]
    async fn a_drip_does_not_hold_a_request_for_ever() {
        let drips = stream::repeat(()).then(async |()| {
            sleep(Duration::from_secs(59)).await;
            Ok::<_, io::Error>("1")
        });
        let body = Body::from_stream(Box::pin(drips));
        assert_eq!(collected(body).await, Err(Kind::RequestTimeout));
    }

    #[tokio::test]
    async fn a_body_cut_short_is_the_clients() {
        let chunks = [Ok("1"), Err(io::Error::other("connection reset"))];
        let body = Body::from_stream(stream::iter(chunks));
        assert_eq!(collected(body).await, Err(Kind::Malformed));
    }
}
