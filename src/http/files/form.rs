//! A form with a file in it, which is read as it comes.
//!
//! The form's parser takes all that there is, keeps it until it knows what it is, and looks through all of it each time. A part
//! whose head has no end would grow in memory, and take more time with each piece. So the parser gets one piece at a time, and
//! none while it keeps more than a head needs.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use futures::{Stream, StreamExt, TryStreamExt};
use multer::{Field, Multipart};

use super::file_name;
use crate::http::body::{BoundedBody, Failure};
use crate::http::field::Loc;
use crate::http::problem::{Kind, Problem};
use crate::service::files::FileName;

/// Bytes that the parser may keep: what stands before a part's content. It is told of names and types.
const LONGEST_HEAD: usize = 64 << 10;

/// The part that is the file.
const FILE: &str = "file";

/// A form.
pub struct Form {
    parts: Multipart<'static>,
    kept: Kept,
    failure: Failure,
}

impl Form {
    /// The form that a body is, by its `Content-Type`.
    ///
    /// # Errors
    ///
    /// When that does not say how its parts are told apart.
    pub fn new(headers: &HeaderMap, body: BoundedBody) -> Result<Self, Problem> {
        let (kept, failure) = (Kept::default(), body.failure());
        let content_type = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
        let boundary = multer::parse_boundary(content_type.unwrap_or_default())
            .map_err(|_| not_a_form(&failure))?;
        let pieces = Pieces {
            body,
            kept: kept.clone(),
            given: false,
        };
        Ok(Self {
            parts: Multipart::new(pieces, boundary),
            kept,
            failure,
        })
    }

    /// What was wrong with it, once something is.
    pub fn failure(&self) -> Failure {
        self.failure.clone()
    }

    /// The file: what it is called, and what is in it. What stands before it is passed over.
    ///
    /// # Errors
    ///
    /// When there is none, or none with a good name, or the form is broken.
    pub async fn file(
        &mut self,
    ) -> Result<
        (
            FileName,
            impl Stream<Item = io::Result<Bytes>> + Send + Unpin + use<>,
        ),
        Problem,
    > {
        loop {
            let part = self.parts.next_field().await;
            let part = part.map_err(|_| not_a_form(&self.failure))?;
            self.kept.nothing();
            let loc = Loc::body().field(FILE);
            let Some(part) = part else {
                return Err(Problem::invalid_field(loc, "is required"));
            };
            if part.name() == Some(FILE) {
                return Ok((name_of(&part, loc)?, self.content(part)));
            }
            let rest = self.content(part).try_for_each(async |_| Ok(()));
            rest.await.map_err(|_| not_a_form(&self.failure))?;
        }
    }

    fn content(
        &self,
        part: Field<'static>,
    ) -> impl Stream<Item = io::Result<Bytes>> + Send + Unpin + use<> {
        let (kept, failure) = (self.kept.clone(), self.failure.clone());
        part.inspect_ok(move |_| kept.nothing())
            .map_err(move |error| {
                failure.set(not_a_form(&failure));
                io::Error::other(error)
            })
    }
}

fn name_of(part: &Field<'_>, loc: Loc) -> Result<FileName, Problem> {
    match part.file_name() {
        Some(name) => file_name(name, loc.field("filename")),
        None => Err(Problem::invalid_field(loc, "must have a filename")),
    }
}

fn not_a_form(failure: &Failure) -> Problem {
    let malformed = || Problem::new(Kind::Malformed, "The body is not a complete form.");
    failure.get().unwrap_or_else(malformed)
}

/// Bytes that the parser has and has told nothing of.
#[derive(Clone, Default)]
struct Kept(Arc<AtomicUsize>);

impl Kept {
    fn more(&self, bytes: usize) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    /// It has told of what it had.
    fn nothing(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    fn is_too_much(&self) -> bool {
        self.0.load(Ordering::Relaxed) > LONGEST_HEAD
    }
}

/// A body, a piece at a time.
struct Pieces {
    body: BoundedBody,
    kept: Kept,
    /// Whether the last answer was a piece. Then the next is none, so that the parser looks at it first.
    given: bool,
}

impl Stream for Pieces {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.given {
            self.given = false;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.kept.is_too_much() {
            let detail = "What stands before a part's content has more than 64 KiB.";
            let failure = self.body.failure();
            failure.set(Problem::new(Kind::TooLarge, detail));
            return Poll::Ready(Some(Err(io::Error::other("a head without end"))));
        }
        let piece = ready!(self.body.poll_next_unpin(context));
        if let Some(Ok(bytes)) = &piece {
            self.kept.more(bytes.len());
            self.given = true;
        }
        Poll::Ready(piece)
    }
}
