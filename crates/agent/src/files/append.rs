//! Bytes behind those that a file has: all of them, or none.
//!
//! They go into the file itself, which may be far larger than they are. Where they break off, or there is no room, the file is
//! cut to what it was.

use std::fs::File;
use std::io::{self, Write};

use cellblock_link::Stream;
use cellblock_link::request::{Entry, Reply};
use tokio::io::{AsyncBufReadExt, BufReader, copy, sink};

use super::folder::Folder;
use super::place::Place;
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
        Ok(tail) => extend(tail, &mut stream).await?,
        Err(error) => Err(error),
    };
    copy(&mut stream, &mut sink()).await?;
    let reply = appended.map_or_else(Reply::from, Reply::Entry);
    crate::reply::answer(stream.into_inner(), reply).await
}

/// The outer error is the stream's, the inner one the file system's.
async fn extend(
    mut tail: Tail,
    stream: &mut BufReader<Stream>,
) -> io::Result<Result<Entry, FilesError>> {
    loop {
        let chunk = stream.fill_buf().await?.to_vec();
        if chunk.is_empty() {
            return Ok(run(move || tail.finish()).await);
        }
        stream.consume(chunk.len());
        // Whoever writes has the file: however this ends, it is cut behind the last write and not before.
        tail = match run(move || tail.write(&chunk)).await {
            Ok(tail) => tail,
            Err(error) => return Ok(Err(error)),
        };
    }
}

/// A file that grows. Dropping it cuts it to what it was.
struct Tail {
    place: Place,
    file: File,
    /// Bytes to cut it to. None: what came stays.
    before: Option<u64>,
}

impl Tail {
    fn begin(place: Place) -> Result<Tail, FilesError> {
        let file = place.file(Folder::file_to_append)?;
        let before = place.entry_of(&file)?.size;
        Ok(Tail {
            place,
            file,
            before: Some(before),
        })
    }

    fn write(mut self, chunk: &[u8]) -> Result<Tail, FilesError> {
        match self.file.write_all(chunk) {
            Ok(()) => Ok(self),
            Err(error) => Err(FilesError::refused(self.place.path(), error)),
        }
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
