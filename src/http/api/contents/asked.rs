//! Who asks, and what the path of the request means.

use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;

use super::model::{Model, Saved};
use crate::http::api::kernels::StartKernel;
use crate::http::api::place::{Place, nothing_there};
use crate::http::app::App;
use crate::http::key::CallerOrToken;
use crate::http::problem::{Kind, Problem};
use crate::http::request_id::RequestId;
use crate::sandbox::Entry;
use crate::service::owner::Owner;

/// What stands behind a file's path where its checkpoints are meant. A file of this name cannot be, as in Jupyter.
const CHECKPOINTS: &str = "checkpoints";

/// Who asks, and for what.
#[derive(Debug)]
pub struct Asked {
    /// What there is.
    pub app: Arc<App>,
    /// Who asks.
    pub owner: Owner,
    request_id: RequestId,
    path: String,
}

/// What a path of `/api/contents` means.
#[derive(Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// A file or directory.
    File(&'a str),
    /// The checkpoints of one.
    Checkpoints(&'a str),
    /// One of them, by its id.
    Checkpoint(&'a str, &'a str),
}

impl<'a> Target<'a> {
    fn of(path: &'a str) -> Self {
        let path = path.trim_matches('/');
        let above = |path: &'a str| path.rsplit_once('/');
        match above(path) {
            Some((file, CHECKPOINTS)) => Self::Checkpoints(file),
            Some((before, id)) => match above(before) {
                Some((file, CHECKPOINTS)) => Self::Checkpoint(file, id),
                Some(_) | None => Self::File(path),
            },
            None => Self::File(path),
        }
    }
}

impl Asked {
    /// The path, as it stands in the url.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What the path means.
    pub fn target(&self) -> Target<'_> {
        Target::of(&self.path)
    }

    /// Where a path leads.
    ///
    /// # Errors
    ///
    /// As [`Place::find`].
    pub fn place(&self, path: &str) -> Result<Place, Problem> {
        Place::find(&self.app, &self.owner, path)
    }

    /// The same; what is hidden is not there.
    ///
    /// # Errors
    ///
    /// As [`Place::find`].
    pub fn visible(&self, path: &str) -> Result<Place, Problem> {
        let place = self.place(path)?;
        if place.is_hidden() {
            return Err(nothing_there(path));
        }
        Ok(place)
    }

    /// The same, to change it; what is hidden is refused.
    ///
    /// # Errors
    ///
    /// As [`Place::find`]; [`Kind::Malformed`] for what is hidden.
    pub fn to_change(&self, path: &str) -> Result<Place, Problem> {
        let place = self.place(path)?;
        if place.is_hidden() {
            let detail = "Names that begin with a dot are hidden here, and stay as they are.";
            return Err(Problem::new(Kind::Malformed, detail));
        }
        Ok(place)
    }

    /// The answer about something that is new.
    pub fn made(&self, path: &str, entry: &Entry) -> Saved {
        self.saved(StatusCode::CREATED, path, entry)
    }

    /// The answer about something that was there before.
    pub fn changed(&self, path: &str, entry: &Entry) -> Saved {
        self.saved(StatusCode::OK, path, entry)
    }

    fn saved(&self, status: StatusCode, path: &str, entry: &Entry) -> Saved {
        Saved {
            status,
            model: Model::of(path, entry),
            prefix: self.app.server.prefix().to_owned(),
        }
    }

    /// Where the place is once there is a home: where there is none, this makes it.
    ///
    /// # Errors
    ///
    /// Why no session can be made.
    pub async fn with_home(&self, place: Place) -> Result<Place, Problem> {
        if place.session().is_some() {
            return Ok(place);
        }
        let kernel = StartKernel::named(None);
        let request = kernel.request(&self.app, &self.owner, &self.request_id);
        let request = request.await?;
        self.app.service.open_home(&self.owner, request).await?;
        self.place(&place.path)
    }
}

impl FromRequestParts<Arc<App>> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let CallerOrToken(owner) = CallerOrToken::from_request_parts(parts, app).await?;
        let Ok(request_id) = RequestId::from_request_parts(parts, app).await;
        let path = <Path<String> as OptionalFromRequestParts<_>>::from_request_parts(parts, app);
        let not_utf8 = |_| Problem::new(Kind::Malformed, "The path is not UTF-8.");
        let path = path.await.map_err(not_utf8)?;
        Ok(Self {
            app: app.clone(),
            owner,
            request_id,
            path: path.map_or_else(String::new, |Path(path)| path),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_stand_behind_a_file_s_path() {
        for (path, target) in [
            ("", Target::File("")),
            ("/a/", Target::File("a")),
            ("checkpoints", Target::File("checkpoints")),
            ("a/b", Target::File("a/b")),
            ("a/b/checkpoints", Target::Checkpoints("a/b")),
            ("a/checkpoints/1", Target::Checkpoint("a", "1")),
        ] {
            assert_eq!(Target::of(path), target, "{path}");
        }
    }
}
