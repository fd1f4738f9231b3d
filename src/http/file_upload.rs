//! A file inside a JSON body: `FileUpload`, as the earlier service had it.

use std::borrow::Cow;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use utoipa::ToSchema;

use super::field::{FieldErrors, Loc};
use super::fields::Fields;
use crate::service::files::FileName;

/// The fields of a [`FileUpload`].
const FIELDS: &[&str] = &["filename", "extension", "content", "base64encoded"];

/// A file in JSON. Its name is `filename.extension`.
#[derive(Debug, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FileUpload<'a> {
    /// Its name, with or without the extension.
    #[schema(value_type = String, pattern = r"^[^/\x00-\x1f\x7f-\x9f]*$", max_length = 255, example = "data")]
    filename: Option<Cow<'a, str>>,
    /// What comes after the dot. Empty or absent: the filename is the whole name.
    #[schema(value_type = Option<String>, pattern = r"^[^/\x00-\x1f\x7f-\x9f]*$", example = "csv")]
    extension: Option<Cow<'a, str>>,
    /// What is in it.
    #[schema(value_type = String, example = "YSxiCjEsMgo=")]
    content: Option<Cow<'a, str>>,
    /// Whether `content` is base64 (the default), or the text itself.
    #[schema(value_type = Option<bool>, default = true)]
    base64encoded: Option<bool>,
    #[schema(ignore)]
    at: Loc,
}

impl<'a> FileUpload<'a> {
    /// Reads the object that `text` is.
    pub fn read(text: &'a str, at: Loc, errors: &mut FieldErrors) -> Option<Self> {
        let fields = Fields::find(text, at.clone(), FIELDS, errors)?;
        Some(Self {
            filename: fields.required("filename", "text", errors),
            extension: fields.take("extension", "text", errors),
            content: fields.required("content", "text", errors),
            base64encoded: fields.take("base64encoded", "true or false", errors),
            at,
        })
    }

    /// Its name and its bytes, if both are right.
    pub fn check(self, errors: &mut FieldErrors) -> Option<(FileName, Bytes)> {
        let name = self.name(errors);
        let content = self.content(errors);
        name.zip(content)
    }

    fn name(&self, errors: &mut FieldErrors) -> Option<FileName> {
        let filename = self.filename.as_deref()?;
        let extension = self.extension.as_deref().unwrap_or_default();
        let name = match extension.trim_start_matches('.') {
            "" => FileName::parse(filename),
            extension => FileName::parse(&format!("{filename}.{extension}")),
        };
        name.map_err(|reason| errors.push(self.at.field("filename"), reason.to_string()))
            .ok()
    }

    fn content(&self, errors: &mut FieldErrors) -> Option<Bytes> {
        let content = self.content.as_deref()?;
        if self.base64encoded == Some(false) {
            return Some(Bytes::copy_from_slice(content.as_bytes()));
        }
        let loc = self.at.field("content");
        decode(content)
            .map_err(|_| errors.push(loc, "must be base64, or base64encoded must be false"))
            .ok()
    }
}

/// Line breaks are let through: `base64` and Python's `encodebytes` make them.
fn decode(content: &str) -> Result<Bytes, base64::DecodeError> {
    let bytes = if content.bytes().any(|byte| byte.is_ascii_whitespace()) {
        let without: Vec<u8> = content
            .bytes()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect();
        BASE64_STANDARD.decode(without)
    } else {
        BASE64_STANDARD.decode(content)
    };
    bytes.map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_taken_with_line_breaks_and_refused_when_wrong() {
        assert_eq!(decode("aGVs\nbG8=\n").unwrap(), "hello");
        assert_eq!(decode("").unwrap(), "");
        for wrong in ["aGVsbG8", "aGVsbG8*", "====", "aGVs_G8="] {
            assert!(decode(wrong).is_err(), "{wrong}");
        }
    }
}
