//! What is directly in a folder, in the order of the names.
//!
//! A folder can hold more than there is memory for. So of the names only the first ones are kept while all are looked at,
//! and what is known of them is made into lines as these are sent.

use std::collections::BinaryHeap;
use std::ffi::CString;
use std::vec;

use cellblock_link::Stream;
use cellblock_link::request::{MAX_LISTED, Reply};
use tokio::io::AsyncWriteExt;

use super::folder::Folder;
use super::place::Place;
use super::{FilesError, entry, run};

/// How much is sent at once, in bytes, and a line more.
const CHUNK: usize = 32 << 10;

/// Answers with the first entries, then sends a line for each.
///
/// # Errors
///
/// Of the stream. That the folder cannot be read is answered on the stream.
pub(crate) async fn list(
    mut stream: Stream,
    place: Result<Place, FilesError>,
    limit: u32,
) -> std::io::Result<()> {
    let mut listed = match run(move || Listed::find(&place?, limit)).await {
        Ok(listed) => listed,
        Err(error) => return crate::reply::answer(stream, error.into()).await,
    };
    let left_out = listed.left_out;
    stream.write_reply(&Reply::Listing { left_out }).await?;
    loop {
        let lines;
        (listed, lines) = run(move || {
            let lines = listed.next_lines();
            (listed, lines)
        })
        .await;
        if lines.is_empty() {
            return stream.shutdown().await;
        }
        stream.write_all(&lines).await?;
    }
}

/// Names that are to be sent.
struct Listed {
    folder: Folder,
    names: vec::IntoIter<CString>,
    left_out: u64,
}

impl Listed {
    fn find(place: &Place, limit: u32) -> Result<Listed, FilesError> {
        let limit = limit.min(MAX_LISTED) as usize;
        let folder = place.folder()?;
        let mut first = BinaryHeap::new();
        let mut left_out = 0;
        let looked = folder.each_name(|name| {
            match name.to_str() {
                Ok(_) => first.push(name.to_owned()),
                Err(_) => left_out += 1,
            }
            if first.len() > limit {
                first.pop();
                left_out += 1;
            }
            Ok(())
        });
        looked.map_err(|error| place.refused(error))?;
        let names = first.into_sorted_vec().into_iter();
        Ok(Listed {
            folder,
            names,
            left_out,
        })
    }

    /// The next lines; none at the end. What has gone meanwhile has none.
    fn next_lines(&mut self) -> Vec<u8> {
        let mut lines = Vec::new();
        for name in self.names.by_ref() {
            if let Ok(status) = self.folder.status(&name) {
                let entry = entry::entry(&name.to_string_lossy(), &status);
                serde_json::to_writer(&mut lines, &entry).expect("a vector takes everything");
                lines.push(b'\n');
            }
            if lines.len() >= CHUNK {
                break;
            }
        }
        lines
    }
}
