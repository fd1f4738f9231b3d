//! A file, or a part of it, as its bytes.
//!
//! It holds no thread while it waits for a reader that is slow, so that slow readers do not keep others from their
//! files.

use std::fs::File;
use std::io::{self, Seek, SeekFrom};

use cellblock_link::Stream;
use cellblock_link::request::{ByteRange, Entry, EntryKind, Reply};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader, copy_buf};

use super::folder::Folder;
use super::place::Place;
use super::{BUFFER, FilesError, run};

/// Answers with the file's entry, then sends the bytes.
///
/// # Errors
///
/// Of the stream. That the file cannot be read is answered on the stream.
pub(crate) async fn read(
    mut stream: Stream,
    place: Result<Place, FilesError>,
    range: Option<ByteRange>,
) -> io::Result<()> {
    let (entry, file) = match run(move || open(&place?, range.map_or(0, |it| it.offset))).await {
        Ok(opened) => opened,
        Err(error) => return crate::reply::answer(stream, error.into()).await,
    };
    let length = range.map_or(entry.size, |range| range.within(entry.size));
    stream.write_reply(&Reply::Entry(entry)).await?;
    let content = tokio::fs::File::from_std(file).take(length);
    let mut content = BufReader::with_capacity(BUFFER, content);
    if copy_buf(&mut content, &mut stream).await? < length {
        // It was cut meanwhile. A stream that is dropped says so; one that ends would say that this was all.
        return Ok(());
    }
    stream.shutdown().await
}

fn open(place: &Place, offset: u64) -> Result<(Entry, File), FilesError> {
    let mut file = place.file(Folder::file)?;
    let entry = place.entry_of(&file)?;
    debug_assert_eq!(entry.kind, EntryKind::File);
    if offset < entry.size {
        file.seek(SeekFrom::Start(offset))
            .map_err(|error| FilesError::refused(place.path(), error))?;
    }
    Ok((entry, file))
}
