//! The kinds of problems, each with its status and its words. The list is closed.

use axum::http::StatusCode;

/// What kind of problem it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It could not be read at all.
    Malformed,
    /// No key, or none of ours.
    Unauthorized,
    /// Refused, whoever asks.
    Forbidden,
    /// There is no such thing, or it is somebody else's.
    NotFound,
    /// There is, but not with this method.
    MethodNotAllowed,
    /// It does not fit with what is there.
    Conflict,
    /// It came too slowly.
    RequestTimeout,
    /// It is too large.
    TooLarge,
    /// Its media type is not one of those that are understood.
    UnsupportedMediaType,
    /// The range is not within the file.
    RangeNotSatisfiable,
    /// Some fields are wrong.
    Invalid,
    /// Too much is running.
    Busy,
    /// Nothing can be done now.
    Unavailable,
    /// The sandbox did not start in time.
    StartTimeout,
    /// A disk is full, or all that may be stored is.
    NoRoom,
    /// Our fault.
    Internal,
}

/// What a kind is called.
struct Words {
    status: StatusCode,
    slug: &'static str,
    title: &'static str,
}

impl Kind {
    /// Its status.
    pub fn status(self) -> StatusCode {
        self.words().status
    }

    /// Its name for programs: a URN.
    pub fn name(self) -> String {
        format!("urn:cellblock:problem:{}", self.words().slug)
    }

    /// Its name for people.
    pub fn title(self) -> &'static str {
        self.words().title
    }

    /// The kind that a library means by a status.
    pub fn of(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Self::Unauthorized,
            StatusCode::FORBIDDEN => Self::Forbidden,
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::CONFLICT => Self::Conflict,
            StatusCode::REQUEST_TIMEOUT => Self::RequestTimeout,
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::UnsupportedMediaType,
            StatusCode::RANGE_NOT_SATISFIABLE => Self::RangeNotSatisfiable,
            StatusCode::UNPROCESSABLE_ENTITY => Self::Invalid,
            status if status.is_client_error() => Self::Malformed,
            _ => Self::Internal,
        }
    }

    fn words(self) -> Words {
        let (status, slug, title) = match self {
            Self::Malformed => (400, "malformed", "The request could not be read"),
            Self::Unauthorized => (401, "unauthorized", "A valid API key is needed"),
            Self::Forbidden => (403, "forbidden", "Not allowed"),
            Self::NotFound => (404, "not-found", "Not found"),
            Self::MethodNotAllowed => (405, "method-not-allowed", "Method not allowed"),
            Self::Conflict => (409, "conflict", "It conflicts with what is there"),
            Self::RequestTimeout => (408, "request-timeout", "The request came too slowly"),
            Self::TooLarge => (413, "too-large", "Too large"),
            Self::UnsupportedMediaType => {
                (415, "unsupported-media-type", "Media type not understood")
            }
            Self::RangeNotSatisfiable => {
                (416, "range-not-satisfiable", "Range not within the file")
            }
            Self::Invalid => (422, "invalid", "The request has invalid fields"),
            Self::Busy => (429, "busy", "Too much is running"),
            Self::Unavailable => (503, "unavailable", "Not available now"),
            Self::StartTimeout => (504, "start-timeout", "The sandbox did not start in time"),
            Self::NoRoom => (507, "no-room", "There is no room for it"),
            Self::Internal => (500, "internal", "Something went wrong here"),
        };
        Words {
            status: StatusCode::from_u16(status).expect("these are statuses"),
            slug,
            title,
        }
    }
}
