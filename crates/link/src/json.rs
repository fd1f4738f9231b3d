//! Requests and replies on a stream: JSON behind a `u32` length.
//!
//! A length is only a claim: memory is taken as the bytes come.

use std::io;

use bytes::BufMut;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::request::MAX_JSON;

/// Writes one value. `InvalidData` when it is longer than [`MAX_JSON`].
pub(crate) async fn write(
    writer: &mut (impl AsyncWrite + Unpin),
    value: &impl Serialize,
) -> io::Result<()> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, value)?;
    let length = bytes.len() - 4;
    if length > MAX_JSON {
        return Err(malformed("longer than MAX_JSON"));
    }
    (&mut bytes[..4]).put_u32(u32::try_from(length).expect("MAX_JSON fits"));
    writer.write_all(&bytes).await
}

/// Reads one value. `InvalidData` when it is too long or not what was expected, `UnexpectedEof` when the stream
/// ends before it does.
pub(crate) async fn read<T: DeserializeOwned>(
    reader: &mut (impl AsyncRead + Unpin),
) -> io::Result<T> {
    let length = reader.read_u32().await?;
    if length as usize > MAX_JSON {
        return Err(malformed("longer than MAX_JSON"));
    }
    let mut bytes = Vec::new();
    reader
        .take(u64::from(length))
        .read_to_end(&mut bytes)
        .await?;
    if bytes.len() < length as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    serde_json::from_slice(&bytes).map_err(|error| malformed(error.to_string()))
}

fn malformed(reason: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.into())
}
