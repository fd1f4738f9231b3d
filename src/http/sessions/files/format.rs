//! Whether a directory is meant as a tar: `?format=tar`, or what the headers say of types.

use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::field::Loc;
use crate::http::problem::Problem;

/// The media type.
pub const TAR: &str = "application/x-tar";

/// What may stand in the url.
#[derive(Debug, Deserialize)]
pub struct FormatQuery {
    format: Option<String>,
}

/// What it may say.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes the parameter, which is read as text")]
pub enum FormatName {
    /// All files in one archive.
    Tar,
}

/// How a directory is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// As it is said in the url.
    Tar,
    /// It is not said.
    Unsaid,
}

impl FormatQuery {
    /// What the url says.
    ///
    /// # Errors
    ///
    /// When it says what there is not.
    pub fn read(&self) -> Result<Format, Problem> {
        match self.format.as_deref() {
            None => Ok(Format::Unsaid),
            Some("tar") => Ok(Format::Tar),
            Some(_) => {
                let loc = Loc::query("format");
                Err(Problem::invalid_field(loc, "must be tar, or absent"))
            }
        }
    }
}

/// Whether the client takes a tar.
pub fn is_accepted(headers: &HeaderMap) -> bool {
    names_tar(headers, ACCEPT)
}

/// Whether the body is a tar.
pub fn is_sent(headers: &HeaderMap) -> bool {
    names_tar(headers, CONTENT_TYPE)
}

fn names_tar(headers: &HeaderMap, name: HeaderName) -> bool {
    let values = headers.get_all(name).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|media| media.split(';').next())
        .any(|essence| essence.trim().eq_ignore_ascii_case(TAR))
}
