//! Whose session a path means: one of the caller's, or none.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use serde::Deserialize;

use crate::http::app::App;
use crate::http::held::no_session;
use crate::http::key::Caller;
use crate::http::problem::{Kind, Problem};
use crate::service::session::{Session, SessionId};

/// The session whose id is in the path. Somebody else's is none, and so is what cannot be an id.
#[derive(Debug)]
pub struct OwnSession(pub Arc<Session>);

/// The id in the path. What cannot be one is that of no session.
#[derive(Debug)]
pub struct IdInPath(pub SessionId);

#[derive(Deserialize)]
struct InPath {
    id: String,
}

impl FromRequestParts<Arc<App>> for IdInPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let path = Path::<InPath>::from_request_parts(parts, app).await;
        let Path(InPath { id }) = path.map_err(|_| not_utf8())?;
        id.parse().map(Self).map_err(|_| no_session())
    }
}

impl FromRequestParts<Arc<App>> for OwnSession {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let Caller(owner) = Caller::from_request_parts(parts, app).await?;
        let IdInPath(id) = IdInPath::from_request_parts(parts, app).await?;
        let session = app.service.session(&owner, id);
        session.map(Self).map_err(|_| no_session())
    }
}

fn not_utf8() -> Problem {
    Problem::new(Kind::Malformed, "The path is not UTF-8.")
}
