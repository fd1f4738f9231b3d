//! Why a request was not answered as asked: RFC 9457, `application/problem+json`.
//!
//! A [`Problem`] is made wherever something is wrong, and written out in one place: the outermost layer
//! ([`exchange`](super::exchange)), which knows the request's id. Nothing that the engine or the operating system said gets into
//! a problem; it goes to the log, under the same id.

mod kind;

use std::time::Duration;

use axum::http::header::{
    ALLOW, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

pub use kind::Kind;

use super::field::{FieldError, FieldErrors, Loc};
use super::request_id::RequestId;
use crate::service::ServiceError;

/// The media type.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// When to come back if nothing better is known.
const UNAVAILABLE_RETRY: Duration = Duration::from_secs(5);

/// Why a request was not answered as asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What kind.
    pub kind: Kind,
    detail: String,
    errors: Vec<FieldError>,
    /// Boxed, so that a `Result` stays small.
    header: Option<Box<(HeaderName, HeaderValue)>>,
}

impl Problem {
    /// One of a kind. `detail` is for the caller.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            errors: Vec::new(),
            header: None,
        }
    }

    /// Some fields are wrong.
    pub fn invalid(errors: FieldErrors) -> Self {
        let errors = errors.into_vec();
        let detail = match errors.len() {
            1 => "One field is wrong.".to_owned(),
            count => format!("{count} fields are wrong."),
        };
        Self {
            errors,
            ..Self::new(Kind::Invalid, detail)
        }
    }

    /// One field is wrong.
    pub fn invalid_field(loc: Loc, msg: impl Into<String>) -> Self {
        let mut errors = FieldErrors::default();
        errors.push(loc, msg);
        Self::invalid(errors)
    }

    /// One field is too large.
    pub fn too_large_field(loc: Loc, msg: impl Into<String>) -> Self {
        Self {
            kind: Kind::TooLarge,
            ..Self::invalid_field(loc, msg)
        }
    }

    /// Our fault; whoever finds out why has logged it.
    pub fn internal() -> Self {
        let detail = "It is not the request's fault. The log has more under this request_id.";
        Self::new(Kind::Internal, detail)
    }

    /// The file has another size.
    pub fn range_not_satisfiable(size: u64) -> Self {
        let range = HeaderValue::from_str(&format!("bytes */{size}")).expect("it is ASCII");
        Self {
            header: Some(Box::new((CONTENT_RANGE, range))),
            ..Self::new(
                Kind::RangeNotSatisfiable,
                format!("The file has {size} bytes."),
            )
        }
    }

    /// Who has no key is told how one is shown.
    pub fn unauthorized(detail: &str) -> Self {
        let challenge = HeaderValue::from_static("Bearer realm=\"cellblock\"");
        Self {
            header: Some(Box::new((WWW_AUTHENTICATE, challenge))),
            ..Self::new(Kind::Unauthorized, detail)
        }
    }

    /// When it may go better.
    pub fn retry_after(self, retry_after: Duration) -> Self {
        let seconds = retry_after.as_secs_f64().ceil().max(1.0) as u64;
        Self {
            header: Some(Box::new((RETRY_AFTER, seconds.into()))),
            ..self
        }
    }

    /// Writes it out. The headers that `response` has stay.
    pub fn write(self, mut response: Response, request_id: &RequestId) -> Response {
        let document = self.document(request_id);
        let json = serde_json::to_vec(&document).expect("a problem is plain data");
        *response.body_mut() = json.into();
        let headers = response.headers_mut();
        headers.remove(CONTENT_LENGTH);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        response
    }

    /// As clients read it.
    pub fn document(self, request_id: &RequestId) -> ProblemDocument {
        ProblemDocument {
            message: self.message(),
            r#type: self.kind.name(),
            title: self.kind.title().to_owned(),
            status: self.kind.status().as_u16(),
            detail: self.detail,
            request_id: request_id.to_string(),
            errors: self.errors,
        }
    }

    /// All of it in one text, for clients that show no more.
    fn message(&self) -> String {
        let errors = self.errors.iter();
        let errors = errors.map(|error| format!(" {} {}.", error.loc, error.msg));
        self.detail.clone() + &errors.collect::<String>()
    }

    /// What `response`, which some library made, would be as one of ours.
    pub fn of(response: &Response) -> Self {
        let kind = Kind::of(response.status());
        let detail = match response.headers().get(ALLOW).map(HeaderValue::to_str) {
            Some(Ok(allowed)) => format!("Allowed here: {allowed}."),
            _ => format!("{}.", kind.title()),
        };
        Self::new(kind, detail)
    }
}

/// Leaves the problem with the response, for the outermost layer to write.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.kind.status().into_response();
        if let Some(header) = &self.header {
            let (name, value) = (**header).clone();
            response.headers_mut().insert(name, value);
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Invalid { field, reason } => {
                Self::invalid_field(Loc::dotted(&field), reason)
            }
            ServiceError::TooLarge { field, reason } => {
                Self::too_large_field(Loc::dotted(&field), reason)
            }
            ServiceError::NotFound => {
                Self::new(Kind::NotFound, "There is no such thing, or no longer.")
            }
            ServiceError::Conflict(reason) => Self::new(Kind::Conflict, reason),
            ServiceError::Busy { retry_after } => Self::new(
                Kind::Busy,
                "Too much runs or waits already; try again later.",
            )
            .retry_after(retry_after),
            ServiceError::OverQuota { limit, retry_after } => {
                Self::new(Kind::Busy, format!("Over a limit of this key: {limit}."))
                    .retry_after(retry_after)
            }
            ServiceError::ShortOfMemory { retry_after } => {
                let detail = "The host is short of memory; try again later.";
                Self::new(Kind::Unavailable, detail).retry_after(retry_after)
            }
            ServiceError::Unavailable(words) => {
                tracing::error!(%words, "unavailable");
                Self::new(
                    Kind::Unavailable,
                    "The service cannot do this now; try again later.",
                )
                .retry_after(UNAVAILABLE_RETRY)
            }
            ServiceError::NoRoom(words) => {
                tracing::error!(%words, "no room");
                let detail = "There is no room left for it here; delete files, or try again later.";
                Self::new(Kind::NoRoom, detail).retry_after(UNAVAILABLE_RETRY)
            }
            ServiceError::StartTimeout(words) => {
                tracing::error!(%words, "the sandbox did not start in time");
                Self::new(Kind::StartTimeout, "The code did not run. Try again later.")
            }
            ServiceError::Internal(words) => {
                tracing::error!(%words, "internal");
                Self::internal()
            }
        }
    }
}

/// Why a request was not answered as asked (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// Names the kind of problem.
    #[schema(example = "urn:cellblock:problem:invalid")]
    pub r#type: String,
    /// The kind of problem, for people.
    #[schema(example = "The request has invalid fields")]
    pub title: String,
    /// The HTTP status again.
    #[schema(example = 422)]
    pub status: u16,
    /// This very problem, for people.
    #[schema(example = "One field is wrong.")]
    pub detail: String,
    /// The same with the fields that are wrong, where Jupyter's clients look for it.
    #[schema(example = "One field is wrong. body.code is required.")]
    pub message: String,
    /// What the log calls this request.
    #[schema(example = "1a5b2f0e-6b7e-4f0c-8a54-0f3f4a4c9f60")]
    pub request_id: String,
    /// The fields that are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<FieldError>,
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    #[test]
    fn the_engines_words_stay_in_the_log() {
        for error in [
            ServiceError::Unavailable("/var/run/docker.sock".to_owned()),
            ServiceError::NoRoom("/var/run/docker.sock".to_owned()),
            ServiceError::StartTimeout("/var/run/docker.sock".to_owned()),
            ServiceError::Internal("/var/run/docker.sock".to_owned()),
        ] {
            let problem = Problem::from(error);
            assert!(!format!("{problem:?}").contains("docker"), "{problem:?}");
        }
    }

    #[test]
    fn busy_says_when_to_come_back() {
        let retry_after = Duration::from_millis(1500);
        let response = Problem::from(ServiceError::Busy { retry_after }).into_response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[RETRY_AFTER], "2");
    }

    #[test]
    fn an_invalid_field_is_named() {
        let error = ServiceError::Invalid {
            field: "execution_environment".to_owned(),
            reason: "is none of: bash, python".to_owned(),
        };
        let problem = Problem::from(error);
        assert_eq!(problem.kind, Kind::Invalid);
        assert_eq!(problem.errors[0].loc, Loc::dotted("execution_environment"));
    }
}
