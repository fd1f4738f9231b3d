//! Bodies as Jupyter's clients send them: JSON, whatever their header says; none at all; fields that we do not know.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::http::app::App;
use crate::http::body::{BodyLimits, BoundedBody};
use crate::http::memory::Taken;
use crate::http::problem::{Kind, Problem};
use crate::service::keys::Admission;

/// Bytes of a body that names kernels and documents.
const LARGEST: u64 = 1 << 20;

/// What was sent; None: nothing, or null.
#[derive(Debug)]
pub struct Sent<T>(pub Option<T>);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Sent<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        let (bytes, _taken) = read(request, app, LARGEST).await?;
        parse(&bytes).map(Self)
    }
}

/// Reads a body of so many bytes at most; they take memory until the second is dropped.
///
/// # Errors
///
/// What is wrong with it.
pub async fn read(
    request: Request,
    app: &Arc<App>,
    largest: u64,
) -> Result<(Bytes, Taken), Problem> {
    let (mut head, body) = request.into_parts();
    let admission = Admission::from_request_parts(&mut head, app).await?;
    let mut taken = app.memory.of(admission.owner());
    let limits = BodyLimits {
        size: largest,
        time: app.server.request_timeout,
    };
    let body = BoundedBody::new(&head.headers, body, limits)?;
    Ok((body.collect(&mut taken).await?, taken))
}

/// What is in a body; None: nothing, or null.
///
/// # Errors
///
/// When it is not as it must be.
pub fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<Option<T>, Problem> {
    if bytes.trim_ascii().is_empty() {
        return Ok(None);
    }
    serde_json::from_slice(bytes)
        .map_err(|error| malformed(format!("The body is not as it must be: {error}.")))
}

/// Jupyter's 400.
pub fn malformed(detail: impl Into<String>) -> Problem {
    Problem::new(Kind::Malformed, detail)
}
