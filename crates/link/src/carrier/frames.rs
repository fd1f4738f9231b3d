//! Frames out of an async reader.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::frame::{Decoder, Frame};

/// Reads frames.
pub(crate) struct Frames<R> {
    reader: R,
    decoder: Decoder,
}

impl<R: AsyncRead + Unpin> Frames<R> {
    pub(crate) fn new(reader: R) -> Frames<R> {
        Frames {
            reader,
            decoder: Decoder::new(),
        }
    }

    /// The next valid frame; `None` at the end of the stream. Cancel-safe; may be called again after an end or
    /// an error.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Frame>> {
        loop {
            if let Some(frame) = self.decoder.next_frame() {
                return Ok(Some(frame));
            }
            if self.reader.read_buf(self.decoder.space()).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// See [`Decoder::skipped`].
    pub(crate) fn skipped(&self) -> u64 {
        self.decoder.skipped()
    }
}
