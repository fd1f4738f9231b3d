//! Where a stored file can be fetched: an absolute url with its own signature.
//!
//! The base is the setting `public_url`, else the host that the client itself used. What a proxy adds
//! (`X-Forwarded-…`) is not looked at: anybody can send that.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::app::App;
use super::local::host_in;
use crate::service::files::{FileStore, StoredFile};

/// All but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Text as one segment of a path, or one value of a query.
pub fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// What our urls begin with, without the slash at the end. Empty where a client named no host.
#[derive(Clone, Debug)]
pub struct PublicBase(String);

impl PublicBase {
    /// The url of a file.
    pub fn file(&self, store: &FileStore, file: &StoredFile) -> String {
        let Self(base) = self;
        let name = encoded(&file.name);
        let signature = encoded(&store.signature(file));
        format!("{base}/jupyter/files/{name}?signature={signature}")
    }
}

impl FromRequestParts<Arc<App>> for PublicBase {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        Ok(Self(match &app.server.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => host_in(&parts.headers, &parts.uri).map_or_else(String::new, |host| {
                format!("http://{host}{}", app.server.prefix())
            }),
        }))
    }
}
