//! The service's secret, and the signatures made with it.
//!
//! A signature is HMAC-SHA256 over what it is for, the file's name and its end, so that it fits nothing else:
//! base64url without padding, because it goes into a url.

use std::fmt;
use std::io;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::StoredFile;
use crate::service::whole_file;

/// What a signature of this kind is for. Another kind must begin otherwise.
const PURPOSE: &[u8] = b"cellblock: read a stored file, v1\0";

/// Bytes that nobody else knows.
pub(super) struct Secret([u8; 32]);

impl Secret {
    /// Reads `state_dir/secret`, or makes it. Whoever calls holds the lock of `state_dir`.
    pub fn load_or_create(state_dir: &Path) -> io::Result<Secret> {
        let path = state_dir.join("secret");
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return create(&path),
            Err(error) => return Err(error),
        };
        let bytes = bytes.try_into().map_err(|_| {
            let path = path.display();
            let reason =
                format!("{path} is not 32 bytes; without it a new one is made, and urls end");
            io::Error::new(io::ErrorKind::InvalidData, reason)
        })?;
        Ok(Secret(bytes))
    }

    pub fn sign(&self, file: &StoredFile) -> String {
        URL_SAFE_NO_PAD.encode(self.mac(file).finalize().into_bytes())
    }

    /// In constant time.
    pub fn verify(&self, file: &StoredFile, signature: &str) -> bool {
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else {
            return false;
        };
        self.mac(file).verify_slice(&signature).is_ok()
    }

    fn mac(&self, file: &StoredFile) -> Hmac<Sha256> {
        let mut mac: Hmac<Sha256> =
            KeyInit::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(PURPOSE);
        // A name has no NUL and the end a fixed length: no two files yield the same bytes.
        mac.update(file.name.as_bytes());
        mac.update(b"\0");
        mac.update(&file.expires_at.as_nanosecond().to_be_bytes());
        mac
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret")
    }
}

fn create(path: &Path) -> io::Result<Secret> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    whole_file::replace(path, &bytes)?;
    Ok(Secret(bytes))
}
