//! Bytes behind those that a file has: all of them, or none.
//!
//! They go into the file itself, which may be far larger than they are. Where they break off, or there is no room, the file is
//! cut to what it was.

use std::fs::File;
use std::io;

use cellblock_link::Stream;
use cellblock_link::request::{Entry, Reply};
use tokio::io::{BufReader, copy, sink};

use super::folder::Folder;
use super::place::Place;
use super::write::pour;
use super::{BUFFER, FilesError, run};

/// Writes what comes on the stream behind what is in the file, and answers.
///
/// # Errors
///
/// Of the stream, in which case the file is as it was. That it cannot be written is answered on the stream, once all of it is
/// read: who sends it looks for an answer behind it.
pub(crate) async fn append(stream: Stream, place: Result<Place, FilesError>) -> io::Result<()> {
    let mut stream = BufReader::with_capacity(BUFFER, stream);
    let appended = match run(move || Tail::begin(place?)).await {
        Ok((tail, file)) => match pour(&mut stream, file).await? {
            Ok(()) => run(move || tail.finish()).await,
            Err(error) => Err(FilesError::refused(tail.place.path(), error)),
        },
        Err(error) => Err(error),
    };
    copy(&mut stream, &mut sink()).await?;
    let reply = appended.map_or_else(Reply::from, Reply::Entry);
    crate::serve::answer(stream.into_inner(), reply).await
}

/// A file that grows. Dropping it cuts it to what it was.
struct Tail {
    place: Place,
    file: File,
    /// Bytes to cut it to. None: what came stays.
    before: Option<u64>,
}

impl Tail {
    fn begin(place: Place) -> Result<(Tail, File), FilesError> {
        let file = place.file(Folder::file_to_append)?;
        let writing = file.try_clone();
        let writing = writing.map_err(|error| FilesError::refused(place.path(), error))?;
        let before = place.entry_of(&file)?.size;
        let tail = Tail {
            place,
            file,
            before: Some(before),
        };
        Ok((tail, writing))
    }

    fn finish(mut self) -> Result<Entry, FilesError> {
        let entry = self.place.entry_of(&self.file)?;
        self.before = None;
        Ok(entry)
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        if let Some(before) = self.before {
            // Where that does not work, nothing does: it has got shorter.
            let _ = self.file.set_len(before);
        }
    }
}
