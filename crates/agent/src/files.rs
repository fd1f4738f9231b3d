//! Files in and out of the working directory: many as a tar, one as its bytes; and what is there.
//!
//! User code runs meanwhile and may change anything under the agent's hands: put a link where a folder was, a
//! pipe where a file was, truncate what is being read. So everything below the working directory is opened one name at
//! a time from the open folder above it, never following a link and never waiting ([`folder`], [`place`]).
//!
//! All of it is blocking work, done on a thread beside the runtime's. A stream that is dropped fails there at
//! its next read or write, which ends the work.

mod append;
mod change;
mod delete;
mod entry;
mod error;
mod folder;
mod list;
mod pack;
mod place;
mod read;
mod snapshot;
mod unpack;
mod write;

use std::collections::HashMap;
use std::ffi::CString;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use cellblock_link::Stream;
use cellblock_link::request::{FailureKind, GetFiles, Reply, Since};
use tokio::io::AsyncWriteExt;
use tokio::task::spawn_blocking;
use tokio_util::io::SyncIoBridge;
use tokio_util::sync::CancellationToken;

pub(crate) use self::append::append;
pub(crate) use self::error::FilesError;
pub(crate) use self::list::list;
pub(crate) use self::place::Place;
pub(crate) use self::read::read;
use self::snapshot::Snapshot;
pub(crate) use self::write::write;
use crate::random::random;

/// What is read from or written to a stream at once, in bytes.
const BUFFER: usize = 128 << 10;

/// Directories that can be marked at once. One is what there is to do.
const MAX_MARKS: usize = 16;

/// What was in each marked directory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marks(Arc<Mutex<HashMap<PathBuf, Arc<Snapshot>>>>);

impl Marks {
    /// Remembers what is in the directory now. Of one that is not there: nothing.
    pub(crate) async fn mark(&self, place: Result<Place, FilesError>) -> Result<(), FilesError> {
        let (marked, snapshot) = run(move || {
            let place = place?;
            let snapshot = match place.folder() {
                Ok(root) => Snapshot::take(&root),
                Err(error) if error.kind() == FailureKind::NoSuchFile => Snapshot::default(),
                Err(error) => return Err(error),
            };
            Ok((place.whole(), snapshot))
        })
        .await?;
        let mut marks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if marks.len() == MAX_MARKS && !marks.contains_key(&marked) {
            return Err(FilesError::TooManyMarks);
        }
        marks.insert(marked, Arc::new(snapshot));
        Ok(())
    }

    fn since(&self, since: Since, place: &Place) -> Arc<Snapshot> {
        let marks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match since {
            Since::Everything => Arc::default(),
            Since::Mark => marks.get(&place.whole()).cloned().unwrap_or_default(),
        }
    }

    /// Sends the regular files of the directory, or those that came since it was marked: the reply, then the tar.
    ///
    /// # Errors
    ///
    /// Of the stream. That the directory cannot be read is answered on the stream.
    pub(crate) async fn get(
        &self,
        mut stream: Stream,
        place: Result<Place, FilesError>,
        request: GetFiles,
    ) -> io::Result<()> {
        let marks = self.clone();
        let found = run(move || {
            let place = place?;
            let before = marks.since(request.since, &place);
            let root = place.folder()?;
            Ok(pack::Found::find(root, &before, &request))
        });
        let found = match found.await {
            Ok(found) => found,
            Err::<_, FilesError>(error) => return crate::reply::answer(stream, error.into()).await,
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
pub(crate) async fn put(stream: Stream, place: Result<Place, FilesError>) -> io::Result<()> {
    let unpacked = spawn_blocking(move || {
        let mut bridge = SyncIoBridge::new(stream);
        let mut tar = io::BufReader::with_capacity(BUFFER, &mut bridge);
        let root = place.and_then(|place| place.make_folder());
        let result = root.and_then(|root| unpack::unpack(&root, &mut tar));
        io::copy(&mut tar, &mut io::sink())?;
        io::Result::Ok((bridge.into_inner(), result))
    });
    let (stream, result) = unpacked.await.map_err(io::Error::other)??;
    let reply = match result {
        Ok(files) => Reply::Unpacked { files },
        Err(error) => error.into(),
    };
    crate::reply::answer(stream, reply).await
}

/// What is known of what is there.
pub(crate) async fn entry(place: Result<Place, FilesError>) -> Reply {
    let found = run(move || entry::find(&place?)).await;
    found.map_or_else(Reply::from, Reply::Entry)
}

/// Makes a directory.
pub(crate) async fn make_directory(place: Result<Place, FilesError>) -> Reply {
    let made = run(move || change::make_directory(&place?)).await;
    made.map_or_else(Reply::from, Reply::Entry)
}

/// Renames a file or directory.
pub(crate) async fn rename(
    from: Result<Place, FilesError>,
    to: Result<Place, FilesError>,
) -> Reply {
    let renamed = run(move || change::rename(&from?, &to?)).await;
    renamed.map_or_else(Reply::from, Reply::Entry)
}

/// Deletes a file or directory. Dropping the future ends it midway.
pub(crate) async fn delete(place: Result<Place, FilesError>) -> Reply {
    let given_up = CancellationToken::new();
    let _dropped = given_up.clone().drop_guard();
    let deleted = run(move || delete::delete(&place?, &given_up)).await;
    deleted.map_or_else(Reply::from, |()| Reply::Done)
}

/// A name that nobody else uses.
fn temporary_name() -> io::Result<CString> {
    let random = u64::from_ne_bytes(random()?);
    Ok(CString::new(format!(".cellblock-{random:016x}")).expect("there is no NUL in it"))
}

async fn run<T, F>(work: F) -> T
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    spawn_blocking(work)
        .await
        .expect("the work does not panic, and the runtime lives as long as the process")
}
