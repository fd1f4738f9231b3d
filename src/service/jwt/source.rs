//! Where the issuer's keys are: at a url, or in a file.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Client;
use reqwest::redirect::Policy;
use tokio::io::AsyncReadExt;

use super::key_set::KeySet;

/// A set of a hundred keys has less.
const MAX_BYTES: u64 = 1 << 20;

/// A request waits for it, in the worst case.
const WITHIN: Duration = Duration::from_secs(5);

/// Where they are.
pub(super) enum Source {
    /// In a file.
    File(PathBuf),
    /// At a url.
    Url { client: Client, url: String },
}

impl Source {
    /// A url if it begins as one, else a file.
    ///
    /// # Errors
    ///
    /// When no client can be made for the url.
    pub(super) fn new(text: &str) -> Result<Source, String> {
        if !text.starts_with("https://") && !text.starts_with("http://") {
            return Ok(Source::File(PathBuf::from(text)));
        }
        // That somebody has set one already is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // No redirects: the url that the operator trusts is the one that is asked.
        let client = Client::builder().timeout(WITHIN).redirect(Policy::none());
        Ok(Source::Url {
            client: client.build().map_err(|error| error.to_string())?,
            url: text.to_owned(),
        })
    }

    /// The keys that are there now.
    ///
    /// # Errors
    ///
    /// Why there are none, for the log.
    pub(super) async fn read(&self) -> Result<KeySet, String> {
        let bytes = match self {
            Source::File(path) => read_file(path).await.map_err(|error| error.to_string())?,
            Source::Url { client, url } => fetch(client, url).await?,
        };
        if bytes.len() as u64 > MAX_BYTES {
            return Err(format!("it has more than {MAX_BYTES} bytes"));
        }
        KeySet::parse(&bytes)
    }
}

async fn read_file(path: &PathBuf) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = tokio::fs::File::open(path).await?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

async fn fetch(client: &Client, url: &str) -> Result<Vec<u8>, String> {
    let mut answer = client.get(url).send().await.map_err(in_full)?;
    if !answer.status().is_success() {
        return Err(format!("it was answered {}", answer.status().as_u16()));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(in_full)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() as u64 > MAX_BYTES {
            break;
        }
    }
    Ok(bytes)
}

/// With its causes: alone, it says no more than that the request failed.
fn in_full(error: reqwest::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words += &format!(": {error}");
        cause = error.source();
    }
    words
}
