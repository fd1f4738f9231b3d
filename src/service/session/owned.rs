//! The service's sessions, as their owners have them.

use std::sync::Arc;

use super::request::SessionRequest;
use super::{Session, SessionId, Turn};
use crate::service::owner::Owner;
use crate::service::{Service, ServiceError};

impl Service {
    /// Makes a session. Dropping the future leaves nothing behind.
    ///
    /// # Errors
    ///
    /// What is wrong with the request; [`ServiceError::Conflict`] when its id is taken; [`ServiceError::Busy`] when there are
    /// too many; what is wrong on our side.
    pub async fn create_session(
        &self,
        owner: &Owner,
        request: SessionRequest,
    ) -> Result<Arc<Session>, ServiceError> {
        self.sessions.create(owner, request).await
    }

    /// The owner's session with this id.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`].
    pub fn session(&self, owner: &Owner, id: SessionId) -> Result<Arc<Session>, ServiceError> {
        self.sessions.find(owner, id)
    }

    /// The owner's sessions, the oldest first.
    #[must_use]
    pub fn sessions(&self, owner: &Owner) -> Vec<Arc<Session>> {
        self.sessions.list(owner)
    }

    /// The owner's home, if it has one: the session whose working directory is where Jupyter's paths begin.
    #[must_use]
    pub fn home(&self, owner: &Owner) -> Option<Arc<Session>> {
        self.sessions.home(owner)
    }

    /// The owner's home, made of this request if there is none.
    ///
    /// # Errors
    ///
    /// As [`Service::create_session`]; [`ServiceError::Busy`] when others of the owner take too long.
    pub async fn open_home(
        &self,
        owner: &Owner,
        request: SessionRequest,
    ) -> Result<Arc<Session>, ServiceError> {
        self.sessions.open_home(owner, request).await
    }

    /// Waits for the owner's turn to look whether a session is there and to make it if not. [`Service::open_home`] takes it too.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Busy`] when others of the owner take too long.
    pub async fn turn(&self, owner: &Owner) -> Result<Turn, ServiceError> {
        self.sessions.turn(owner).await
    }

    /// Shuts the kernel of the owner's session down, as Jupyter's clients ask for it: the session ends, unless it is a home in
    /// which something was saved. Then all its processes are killed, and it has no kernel for these clients until a document
    /// is given one; its files stay.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`]; for a home with files also as [`Session::restart`].
    pub async fn shut_down_kernel(&self, owner: &Owner, id: SessionId) -> Result<(), ServiceError> {
        self.sessions.shut_down_kernel(owner, id).await
    }

    /// Ends the owner's session with this id: when this returns, nobody finds it any more.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`].
    pub async fn end_session(&self, owner: &Owner, id: SessionId) -> Result<(), ServiceError> {
        self.sessions.end(owner, id).await
    }
}
