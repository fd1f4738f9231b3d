//! A file as an answer: what is said of it, and which part of it is sent.
//!
//! A file may be hostile, and a browser would show it under our origin. So it is never guessed at (`nosniff`), never runs
//! anything (a sandboxing policy), is shown in place only if it is a picture or plain text, and tells no other site the url it came from.

mod range;

use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::file_url::encoded;
use super::problem::Problem;
use range::{Part, wanted};

/// No script, no form, no request to anywhere, and an origin of its own.
const POLICY: &str = "sandbox; default-src 'none'; img-src 'self'; style-src 'unsafe-inline'";

/// What a browser may show in place: these cannot do anything.
const SHOWN: [&str; 5] = [
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "text/plain",
];

/// What is said of a file beside its bytes.
#[derive(Clone, Debug)]
pub struct FileAnswer<'a> {
    /// What it is called.
    pub filename: &'a str,
    /// Its media type.
    pub content_type: &'a str,
    /// Changes when its content does.
    pub etag: String,
    /// Bytes of the whole file.
    pub size: u64,
}

/// The part of a file that is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// How many bytes are left out before it.
    pub first: u64,
    /// How many follow.
    pub length: u64,
    part: Part,
}

impl Piece {
    /// Whether it is less than was there.
    pub fn is_partial(&self) -> bool {
        self.part != Part::Whole
    }
}

impl FileAnswer<'_> {
    /// What of it a request wants. None: the client has it already.
    ///
    /// # Errors
    ///
    /// When it wants what the file does not have.
    pub fn wanted(&self, headers: &HeaderMap) -> Result<Option<Piece>, Problem> {
        if holds(headers, &self.etag) {
            return Ok(None);
        }
        let part = wanted(headers, self.size, &self.etag);
        let (first, length) = match part {
            Part::Whole => (0, self.size),
            Part::Bytes { first, last } => (first, last - first + 1),
            Part::Unsatisfiable => return Err(Problem::range_not_satisfiable(self.size)),
        };
        Ok(Some(Piece {
            first,
            length,
            part,
        }))
    }

    /// All of it.
    pub fn whole(&self) -> Piece {
        Piece {
            first: 0,
            length: self.size,
            part: Part::Whole,
        }
    }

    /// The client has it already.
    pub fn not_modified(&self) -> Response {
        (StatusCode::NOT_MODIFIED, [(ETAG, header(&self.etag))]).into_response()
    }

    /// The answer with this piece, whose bytes are `body`.
    pub fn with(&self, piece: Piece, body: Body) -> Response {
        let (status, about) = match piece.part {
            Part::Bytes { first, last } => {
                let range = format!("bytes {first}-{last}/{}", self.size);
                let about = (CONTENT_RANGE, header(&range));
                (StatusCode::PARTIAL_CONTENT, about)
            }
            Part::Whole | Part::Unsatisfiable => {
                let about = (ACCEPT_RANGES, HeaderValue::from_static("bytes"));
                (StatusCode::OK, about)
            }
        };
        let about = [about, (CONTENT_LENGTH, piece.length.into())];
        (status, self.headers(), about, body).into_response()
    }

    fn headers(&self) -> [(HeaderName, HeaderValue); 7] {
        let fixed = HeaderValue::from_static;
        let disposition = disposition(self.filename, self.content_type);
        [
            (CONTENT_TYPE, header(self.content_type)),
            (CONTENT_DISPOSITION, disposition),
            (ETAG, header(&self.etag)),
            // A deleted file must not come back from a cache.
            (CACHE_CONTROL, fixed("private, no-cache")),
            (X_CONTENT_TYPE_OPTIONS, fixed("nosniff")),
            (CONTENT_SECURITY_POLICY, fixed(POLICY)),
            (REFERRER_POLICY, fixed("no-referrer")),
        ]
    }
}

fn holds(headers: &HeaderMap, etag: &str) -> bool {
    let held = headers.get(IF_NONE_MATCH).map(HeaderValue::to_str);
    let same = |tag: &str| tag == "*" || tag.trim_start_matches("W/") == etag;
    matches!(held, Some(Ok(tags)) if tags.split(',').any(|tag| same(tag.trim())))
}

fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text)
        .unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"))
}

/// RFC 6266: a name in ASCII for the old, the whole name (RFC 8187) for the others.
pub fn disposition(filename: &str, content_type: &str) -> HeaderValue {
    let essence = content_type.split(';').next().unwrap_or_default();
    let how = match SHOWN.contains(&essence.trim()) {
        true => "inline",
        false => "attachment",
    };
    let (plain, whole) = (ascii(filename), encoded(filename));
    header(&format!(
        "{how}; filename=\"{plain}\"; filename*=UTF-8''{whole}"
    ))
}

fn ascii(name: &str) -> String {
    let plain = |char: char| match char {
        '"' | '\\' | '%' => '_',
        ' '..='~' => char,
        _ => '_',
    };
    name.chars().map(plain).collect()
}
