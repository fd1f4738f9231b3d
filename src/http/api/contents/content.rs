//! The bytes of a file, read whole into memory, so no more of them than a bound.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytesize::ByteSize;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::model::Format;
use crate::http::api::body::malformed;
use crate::http::api::place::Place;
use crate::http::file_url::encoded;
use crate::http::held::{Held, unread};
use crate::http::memory::Taken;
use crate::http::problem::{Kind, Problem};
use crate::sandbox::{ByteReader, Entry};

/// The largest file that is read as JSON. As text and then as JSON it is several times as large.
const LARGEST: ByteSize = ByteSize::mib(32);

/// Bytes that are hashed at a time.
const CHUNK: usize = 64 * 1024;

/// A file whose bytes can be read.
pub struct Bytes<'a> {
    held: &'a Held,
    place: &'a Place,
}

/// All of them.
pub struct Whole(Vec<u8>);

impl<'a> Bytes<'a> {
    /// Those of the file there.
    pub fn of(held: &'a Held, place: &'a Place) -> Self {
        Self { held, place }
    }

    /// Reads them, in memory for them and for what they are as text.
    ///
    /// # Errors
    ///
    /// [`Kind::TooLarge`] that says where they are to be had otherwise; when it cannot be read; when there is no memory for it.
    pub async fn read(self, taken: &mut Taken) -> Result<Whole, Problem> {
        let (entry, mut reader) = self.open().await?;
        if entry.size > LARGEST.as_u64() {
            return Err(self.too_large(entry.size));
        }
        let size = usize::try_from(entry.size).unwrap_or_default();
        taken.more(2 * size)?;
        let mut bytes = Vec::with_capacity(size);
        let read = reader.read_to_end(&mut bytes);
        self.held.until_end(read).await?.map_err(unread)?;
        Ok(Whole(bytes))
    }

    /// The hash of them all, however many they are.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub async fn hash(self) -> Result<String, Problem> {
        let (_, reader) = self.open().await?;
        let hash = self.held.until_end(hash_of(reader)).await?;
        hash.map_err(unread)
    }

    async fn open(&self) -> Result<(Entry, ByteReader), Problem> {
        let sandbox = self.held.sandbox();
        self.held
            .ask(sandbox.read_file(&self.place.inside, None))
            .await
    }

    fn too_large(&self, size: u64) -> Problem {
        let way = |path: &str| path.split('/').map(encoded).collect::<Vec<_>>().join("/");
        let (path, inside) = (way(&self.place.path), way(&self.place.inside));
        let (size, id) = (ByteSize(size), self.held.session().id());
        let detail = format!(
            "The file has {size}, and is read as JSON up to {LARGEST}. GET /files/{path} or \
             /jupyter/sessions/{id}/files/{inside} sends its bytes."
        );
        Problem::new(Kind::TooLarge, detail)
    }
}

async fn hash_of(mut reader: impl AsyncRead + Unpin) -> std::io::Result<String> {
    let (mut hash, mut chunk) = (Sha256::new(), vec![0; CHUNK]);
    loop {
        match reader.read(&mut chunk).await? {
            0 => return Ok(hex::encode(hash.finalize())),
            length => hash.update(&chunk[..length]),
        }
    }
}

impl Whole {
    /// The hash of them.
    pub fn hash(&self) -> String {
        hex::encode(Sha256::digest(&self.0))
    }

    /// They.
    pub fn into_vec(self) -> Vec<u8> {
        self.0
    }

    /// As text, in the format that was asked for; else as UTF-8 if they are.
    ///
    /// # Errors
    ///
    /// When they are no UTF-8, and that was asked for.
    pub fn into_text(self, asked: Option<Format>) -> Result<(String, Format), Problem> {
        if asked == Some(Format::Base64) {
            return Ok((BASE64_STANDARD.encode(self.0), Format::Base64));
        }
        match String::from_utf8(self.0) {
            Ok(text) => Ok((text, Format::Text)),
            Err(_) if asked == Some(Format::Text) => {
                Err(malformed("The file is not UTF-8; ask for it as base64."))
            }
            Err(error) => Ok((BASE64_STANDARD.encode(error.into_bytes()), Format::Base64)),
        }
    }
}
