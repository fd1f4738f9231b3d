//! Files in and out of a directory, as tars.
//!
//! User code runs meanwhile and may change anything under the agent's hands: put a link where a folder was, a
//! pipe where a file was, truncate what is being read. So everything below the directory is opened one name at
//! a time from the open folder above it, never following a link and never waiting ([`folder`]).
//!
//! All of it is blocking work, done on a thread beside the runtime's. A stream that is dropped fails there at
//! its next read or write, which ends the work.

mod folder;
mod pack;
mod snapshot;
mod unpack;

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use cellblock_link::Stream;
use cellblock_link::request::{GetFiles, Reply};
use tokio::io::AsyncWriteExt;
use tokio::task::spawn_blocking;
use tokio_util::io::SyncIoBridge;

use self::snapshot::Snapshot;

/// What is read from or written to a stream at once, in bytes.
const BUFFER: usize = 128 << 10;

/// Directories that can be marked at once. One is what there is to do.
const MAX_MARKS: usize = 16;

/// Why files could not be put or got.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FilesError {
    /// The file system refused.
    #[error("{}: {error}", path.display())]
    Refused {
        /// What was asked for.
        path: PathBuf,
        /// Its answer.
        error: io::Error,
    },
    /// The tar holds something else than regular files and folders below the directory.
    #[error("{}: {reason}", path.display())]
    NotAllowed {
        /// The entry's.
        path: PathBuf,
        /// What it is.
        reason: &'static str,
    },
    /// The tar could not be read.
    #[error("the tar could not be read: {0}")]
    Tar(io::Error),
    /// Too many directories were marked.
    #[error("too many directories are marked")]
    TooManyMarks,
}

/// What was in each marked directory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marks(Arc<Mutex<HashMap<PathBuf, Arc<Snapshot>>>>);

impl Marks {
    /// Remembers what is in the directory now.
    pub(crate) async fn mark(&self, directory: PathBuf) -> Result<(), FilesError> {
        let (marked, snapshot) = run(move || {
            let snapshot = Snapshot::take(&directory)?;
            Ok((directory, snapshot))
        })
        .await?;
        let mut marks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if marks.len() == MAX_MARKS && !marks.contains_key(&marked) {
            return Err(FilesError::TooManyMarks);
        }
        marks.insert(marked, Arc::new(snapshot));
        Ok(())
    }

    /// Sends what came into the directory since it was marked: the reply, then the tar.
    ///
    /// # Errors
    ///
    /// Of the stream. That the directory cannot be read is answered on the stream.
    pub(crate) async fn get(
        &self,
        mut stream: Stream,
        directory: PathBuf,
        request: GetFiles,
    ) -> io::Result<()> {
        let mark = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&directory)
            .cloned();
        let found =
            run(move || pack::Found::find(&directory, &mark.unwrap_or_default(), &request)).await;
        let found = match found {
            Ok(found) => found,
            Err(error) => return crate::serve::answer(stream, error.into()).await,
        };
        stream
            .write_reply(&Reply::Files(found.reply().clone()))
            .await?;
        let packed = spawn_blocking(move || {
            let mut bridge = SyncIoBridge::new(stream);
            found.pack(io::BufWriter::with_capacity(BUFFER, &mut bridge))?;
            io::Result::Ok(bridge.into_inner())
        });
        packed.await.map_err(io::Error::other)??.shutdown().await
    }
}

/// Unpacks the tar on the stream into the directory, and answers.
///
/// # Errors
///
/// Of the stream. That the tar cannot be unpacked is answered on the stream, once all of it is read: who sends
/// it looks for an answer behind it.
pub(crate) async fn put(stream: Stream, directory: PathBuf) -> io::Result<()> {
    let unpacked = spawn_blocking(move || {
        let mut bridge = SyncIoBridge::new(stream);
        let mut tar = io::BufReader::with_capacity(BUFFER, &mut bridge);
        let result = unpack::unpack(&directory, &mut tar);
        io::copy(&mut tar, &mut io::sink())?;
        io::Result::Ok((bridge.into_inner(), result))
    });
    let (stream, result) = unpacked.await.map_err(io::Error::other)??;
    let reply = match result {
        Ok(files) => Reply::Unpacked { files },
        Err(error) => error.into(),
    };
    crate::serve::answer(stream, reply).await
}

async fn run<T, F>(work: F) -> Result<T, FilesError>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, FilesError> + Send + 'static,
{
    spawn_blocking(work)
        .await
        .expect("the work does not panic, and the runtime lives as long as the process")
}

impl FilesError {
    fn refused(path: impl Into<PathBuf>, error: impl Into<io::Error>) -> FilesError {
        FilesError::Refused {
            path: path.into(),
            error: error.into(),
        }
    }
}
