//! A session whose files are worked on: it is in use meanwhile, and the work ends with it.

mod file;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use futures::FutureExt;
use futures::future::{BoxFuture, Fuse};
use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::io::ReaderStream;

pub use file::file;

use super::field::Loc;
use super::problem::{Kind, Problem};
use crate::sandbox::{ByteReader, Entry, Sandbox, SandboxError};
use crate::service::ServiceError;
use crate::service::session::{Session, Use};

/// Bytes read at a time.
const CHUNK: usize = 64 * 1024;

/// A session in use, and its sandbox.
pub struct Held {
    session: Arc<Session>,
    sandbox: Arc<dyn Sandbox>,
    in_use: Use,
}

impl Held {
    /// Uses it from now on.
    ///
    /// # Errors
    ///
    /// When its sandbox is not reached, or the session is over.
    pub async fn new(session: Arc<Session>) -> Result<Self, Problem> {
        let in_use = session.hold();
        let sandbox = session.sandbox().await.map_err(of_session)?;
        Ok(Self {
            session,
            sandbox,
            in_use,
        })
    }

    /// The same, for a Jupyter client that saves something: a home's files outlive its kernel from then on.
    ///
    /// # Errors
    ///
    /// When the session is over, or that cannot be recorded.
    pub async fn keeping_files(self) -> Result<Self, Problem> {
        self.session.keep_files().await.map_err(of_session)?;
        Ok(self)
    }

    /// The same once more, for what uses it up.
    ///
    /// # Errors
    ///
    /// As [`Held::new`].
    pub async fn again(&self) -> Result<Self, Problem> {
        Self::new(self.session.clone()).await
    }

    /// The session.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Its sandbox.
    pub fn sandbox(&self) -> &dyn Sandbox {
        &*self.sandbox
    }

    /// What is at the path, if anything.
    ///
    /// # Errors
    ///
    /// As [`Held::ask`].
    pub async fn find(&self, path: &str) -> Result<Option<Entry>, Problem> {
        match self.until_end(self.sandbox.file_entry(path)).await? {
            Ok(entry) => Ok(Some(entry)),
            Err(SandboxError::NoSuchFile(_) | SandboxError::NotADirectory(_)) => Ok(None),
            Err(error) => Err(problem(error)),
        }
    }

    /// Work that comes to its end, whoever waits for it: a request that is dropped leaves nothing half done.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub async fn finish<T, W>(self, work: impl FnOnce(Self) -> W) -> Result<T, Problem>
    where
        T: Send + 'static,
        W: Future<Output = Result<T, Problem>> + Send + 'static,
    {
        let session = self.session.clone();
        session.finish(work(self)).await?
    }

    /// Work on its files, in the end what is wrong with it.
    ///
    /// # Errors
    ///
    /// What is wrong with it; [`no_session`] when the session ends before the work has.
    pub async fn ask<T>(
        &self,
        work: impl Future<Output = Result<T, SandboxError>>,
    ) -> Result<T, Problem> {
        self.until_end(work).await?.map_err(problem)
    }

    /// The same, for those who know better what an error means.
    ///
    /// # Errors
    ///
    /// [`no_session`] when the session ends before the work has.
    pub async fn until_end<T>(&self, work: impl Future<Output = T>) -> Result<T, Problem> {
        // First: what the end of the session does to the work is no news.
        tokio::select! {
            biased;
            () = self.session.ended() => Err(no_session()),
            done = work => Ok(done),
        }
    }

    /// Bytes of its files: reading them is use of the session, and fails when it ends.
    pub fn reading(self, bytes: ByteReader) -> Lasting {
        let session = self.session;
        Lasting {
            bytes,
            ended: async move { session.ended().await }.boxed().fuse(),
            _in_use: self.in_use,
        }
    }

    /// The same, as an answer's body.
    pub fn body(self, bytes: ByteReader) -> Body {
        let stream = ReaderStream::with_capacity(self.reading(bytes), CHUNK);
        Body::from_stream(stream)
    }
}

fn of_session(error: ServiceError) -> Problem {
    match error {
        ServiceError::NotFound => no_session(),
        error => error.into(),
    }
}

/// There is none, or no longer, or it is not the caller's.
pub fn no_session() -> Problem {
    Problem::new(Kind::NotFound, "There is no such session, or no longer.")
}

/// What is wrong, in words that say which of the path, the content and the session.
pub fn problem(error: SandboxError) -> Problem {
    match error {
        SandboxError::NoSuchFile(_) => {
            Problem::new(Kind::NotFound, "There is no such file or directory.")
        }
        SandboxError::BadPath(reason) => {
            let msg = format!("must be names with a slash between: {reason}");
            Problem::invalid_field(Loc::path("path"), msg)
        }
        error => ServiceError::from(error).into(),
    }
}

/// What it means that the bytes of a file broke off.
pub fn unread(error: io::Error) -> Problem {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => changing(),
        _ => ServiceError::Unavailable(error.to_string()).into(),
    }
}

/// It is not what it was a moment ago.
fn changing() -> Problem {
    Problem::new(Kind::Conflict, "The file changes right now; try again.")
}

/// Bytes that come as long as the session lives. That it ends is an error: what came is not all.
pub struct Lasting {
    bytes: ByteReader,
    ended: Fuse<BoxFuture<'static, ()>>,
    _in_use: Use,
}

impl AsyncRead for Lasting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ended.poll_unpin(context).is_ready() {
            let ended = io::Error::other("the session has ended");
            return Poll::Ready(Err(ended));
        }
        Pin::new(&mut self.bytes).poll_read(context, into)
    }
}
