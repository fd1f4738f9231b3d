//! Where a path of Jupyter's leads: into the working directory of one of the caller's sessions.
//!
//! ```text
//! ""                   the home's working directory, and a folder for each other session
//! <session's id>/…     that session's working directory
//! …                    the home's
//! ```
//!
//! Files live in sandboxes only, so without a home there is nothing in the root but the folders. A name that is a session's id
//! means the session, whatever the home has of that name.

use std::sync::Arc;

use super::body::malformed;
use crate::http::app::App;
use crate::http::held::{Held, no_session};
use crate::http::problem::{Kind, Problem};
use crate::sandbox::{Entry, is_path};
use crate::service::owner::Owner;
use crate::service::session::{Session, SessionId};

/// What a path leads to.
#[derive(Debug)]
pub struct Place {
    /// As the client has it.
    pub path: String,
    /// The way from the working directory; empty for that itself.
    pub inside: String,
    /// Whose working directory. None: the home's, and there is none.
    session: Option<Arc<Session>>,
}

impl Place {
    /// Finds it. Slashes around the path mean nothing.
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`] for what can be no path, and where it leads to a session that is none of the caller's.
    pub fn find(app: &App, owner: &Owner, path: &str) -> Result<Self, Problem> {
        let path = path.trim_matches('/');
        if !is_path(path) {
            return Err(nothing_there(path));
        }
        let (first, rest) = path.split_once('/').unwrap_or((path, ""));
        let (session, inside) = match first.parse::<SessionId>() {
            Ok(id) => {
                let session = app.service.session(owner, id);
                (Some(session.map_err(|_| no_session())?), rest)
            }
            Err(_) => (app.service.home(owner), path),
        };
        Ok(Self {
            path: path.to_owned(),
            inside: inside.to_owned(),
            session,
        })
    }

    /// Whether it, or a folder on the way, is one that Jupyter hides.
    pub fn is_hidden(&self) -> bool {
        self.path.split('/').any(|name| name.starts_with('.'))
    }

    /// Whether it is the root.
    pub fn is_root(&self) -> bool {
        self.path.is_empty()
    }

    /// Whose working directory it is in. None: the home's, and there is none.
    pub fn session(&self) -> Option<&Arc<Session>> {
        self.session.as_ref()
    }

    /// The session in use.
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`] where there is no home; when the sandbox is not reached.
    pub async fn hold(&self) -> Result<Held, Problem> {
        let session = self.session.clone();
        let session = session.ok_or_else(|| nothing_there(&self.path))?;
        Held::new(session).await
    }

    /// The same, to save something: a home's files outlive its kernel from then on.
    ///
    /// # Errors
    ///
    /// As [`Place::hold`]; when that cannot be recorded.
    pub async fn hold_to_save(&self) -> Result<Held, Problem> {
        self.hold().await?.keeping_files().await
    }

    /// What is there, if anything.
    ///
    /// # Errors
    ///
    /// When the sandbox is not reached.
    pub async fn entry(&self) -> Result<Option<Entry>, Problem> {
        match &self.session {
            Some(_) => self.hold().await?.find(&self.inside).await,
            None => Ok(None),
        }
    }

    /// That it is something in a working directory, and no such directory itself.
    ///
    /// # Errors
    ///
    /// What it is, and what ends it.
    pub fn must_be_inside(&self) -> Result<(), Problem> {
        if !self.inside.is_empty() {
            return Ok(());
        }
        if self.is_root() {
            return Err(malformed("This is the root: it stays as it is."));
        }
        let id = &self.path;
        let detail = format!(
            "This folder is a session's working directory: it stays as long as the session. End that by DELETE \
             /jupyter/sessions/{id}."
        );
        Err(Problem::new(Kind::Forbidden, detail))
    }
}

/// Nothing has this path.
pub fn nothing_there(path: &str) -> Problem {
    let shown: String = path.chars().take(200).collect();
    let detail = format!("There is no file or directory {shown:?}.");
    Problem::new(Kind::NotFound, detail)
}
