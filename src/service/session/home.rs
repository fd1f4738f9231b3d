//! An owner's home: the session whose working directory is where Jupyter's paths begin.
//!
//! It is whichever comes first of those that are made through Jupyter's API while the owner has none, and stays it to its end:
//! that is in its record. Then its files are gone, and the next one so made is home.
//!
//! A kernel of Jupyter's can be shut down without a thought: files are not its own there. So a home in which something was saved
//! outlives its kernel. What Jupyter's clients want ended is killed, another kernel waits in its place, and is shown to them
//! when a document is given it. A home in which nothing was saved ends as every session: gateways shut kernels down to be rid
//! of them.
//!
//! **Invariant:** an owner has one home at most. Who becomes it is decided by one look at the register, while nobody else of the
//! owner looks.

use std::sync::Arc;

use super::register::Sessions;
use super::request::{Home, SessionRequest};
use super::{Session, SessionId, Turn};
use crate::service::ServiceError;
use crate::service::owner::Owner;

impl Sessions {
    /// The owner's home. Should a kill have left two, the newer one.
    pub(in crate::service) fn home(&self, owner: &Owner) -> Option<Arc<Session>> {
        let sessions = self.list(owner);
        let mut newest_first = sessions.into_iter().rev();
        newest_first.find(|session| session.shared.home)
    }

    /// The owner's home, made of this request where there is none. Of several that ask at once, one makes it.
    ///
    /// # Errors
    ///
    /// Those of [`Sessions::turn`] and [`Sessions::create`].
    pub(in crate::service) async fn open_home(
        &self,
        owner: &Owner,
        request: SessionRequest,
    ) -> Result<Arc<Session>, ServiceError> {
        let _turn = self.turn(owner).await?;
        if let Some(home) = self.home(owner) {
            return Ok(home);
        }
        let request = SessionRequest {
            home: Home::IfNone,
            ..request
        };
        let made = self.create(owner, request).await?;
        if made.shared.home {
            return Ok(made);
        }
        // A kernel that was started meanwhile was ready sooner.
        self.end(owner, made.id()).await?;
        let ended = || ServiceError::Conflict("Your home has just ended; try again.".to_owned());
        self.home(owner).ok_or_else(ended)
    }

    /// Ends the session with its kernel, unless its files outlive that: then it stays, with another kernel.
    pub(in crate::service) async fn shut_down_kernel(
        &self,
        owner: &Owner,
        id: SessionId,
    ) -> Result<(), ServiceError> {
        let session = self.find(owner, id)?;
        if !session.shared.ends_with_kernel().await {
            return session.shut_down().await;
        }
        session.shared.gone.cancelled().await;
        Ok(())
    }

    /// Whether what is ready becomes its owner's home. Until the claim is dropped nobody else claims it, so that it is held
    /// until the session is among the others, or is given up.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Busy`] when somebody else's claim takes too long.
    pub(super) async fn claim_home(
        &self,
        owner: &Owner,
        may: Home,
    ) -> Result<Option<Turn>, ServiceError> {
        if may == Home::Never {
            return Ok(None);
        }
        let limit = self.parts.bounds.queue_timeout;
        let claim = self.claims.take(owner, limit).await?;
        Ok(self.home(owner).is_none().then_some(claim))
    }
}
