//! A file from its bytes: there as a whole, or not at all.
//!
//! The bytes go into a new file of another name in the same folder, which takes the place of the old one at the end.
//! It holds no thread while it waits for bytes that come slowly.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;

use cellblock_link::Stream;
use cellblock_link::request::{Entry, Reply};
use nix::errno::Errno;
use nix::sys::stat::{Mode, SFlag, fchmod};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy, sink};

use super::folder::{Folder, kind};
use super::place::Place;
use super::{BUFFER, FilesError, entry, run, temporary_name};

/// The permissions of a file that was not there before.
const MODE: Mode = Mode::from_bits_truncate(0o644);

/// Writes what comes on the stream, and answers.
///
/// # Errors
///
/// Of the stream, in which case nothing has changed. That the file cannot be written is answered on the stream, once
/// all of it is read: who sends it looks for an answer behind it.
pub(crate) async fn write(stream: Stream, place: Result<Place, FilesError>) -> io::Result<()> {
    let mut stream = BufReader::with_capacity(BUFFER, stream);
    let written = match run(move || Draft::begin(place?)).await {
        Ok((draft, file)) => fill(draft, file, &mut stream).await?,
        Err(error) => Err(error),
    };
    copy(&mut stream, &mut sink()).await?;
    let reply = written.map_or_else(Reply::from, Reply::Entry);
    crate::reply::answer(stream.into_inner(), reply).await
}

/// The outer error is the stream's, the inner one the file system's.
async fn fill(
    draft: Draft,
    file: File,
    stream: &mut BufReader<Stream>,
) -> io::Result<Result<Entry, FilesError>> {
    let mut file = tokio::fs::File::from_std(file);
    loop {
        let chunk = stream.fill_buf().await?;
        if chunk.is_empty() {
            break;
        }
        if let Err(error) = file.write_all(chunk).await {
            return Ok(Err(draft.refused(error)));
        }
        let length = chunk.len();
        stream.consume(length);
    }
    // The last write is still under way.
    if let Err(error) = file.flush().await {
        return Ok(Err(draft.refused(error)));
    }
    Ok(run(move || draft.finish()).await)
}

/// The permissions of what is to be replaced; `EISDIR` if that is a folder.
fn mode(folder: &Folder, name: &CStr) -> Result<Mode, Errno> {
    match folder.status(name) {
        Ok(status) if kind(&status) == SFlag::S_IFDIR => Err(Errno::EISDIR),
        Ok(status) if kind(&status) == SFlag::S_IFREG => {
            Ok(Mode::from_bits_truncate(status.st_mode & 0o777))
        }
        Ok(_) | Err(_) => Ok(MODE),
    }
}

/// A file that is being written. Dropping it removes it.
struct Draft {
    place: Place,
    folder: Folder,
    name: CString,
}

impl Draft {
    fn begin(place: Place) -> Result<(Draft, File), FilesError> {
        let (folder, name) = place.make_above()?;
        let mode = mode(&folder, name).map_err(|error| place.refused(error))?;
        let name = temporary_name().map_err(|error| FilesError::refused(place.path(), error))?;
        let file = folder.new_file(&name, MODE.bits());
        let file = file.map_err(|error| place.refused(error))?;
        let draft = Draft {
            place,
            folder,
            name,
        };
        // Whatever the umask says.
        fchmod(&file, mode).map_err(|error| draft.place.refused(error))?;
        Ok((draft, file))
    }

    /// Puts it where it belongs.
    fn finish(self) -> Result<Entry, FilesError> {
        let name = self.place.name().ok_or(FilesError::WorkingDirectory)?;
        self.folder
            .rename(&self.name, &self.folder, name)
            .map_err(|error| self.place.refused(error))?;
        entry::named(&self.folder, name, &self.place)
    }

    fn refused(&self, error: io::Error) -> FilesError {
        FilesError::refused(self.place.path(), error)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Where it took its place, nothing has this name any more.
        let _ = self.folder.remove(&self.name);
    }
}
