//! An owner's home: the session whose working directory is where Jupyter's paths begin.
//!
//! It is whichever comes first of those that are made through Jupyter's API while the owner has none, and stays it to its end:
//! that is in its record. Then its files are gone, and the next one so made is home.
//!
//! **Invariant:** an owner has one home at most. Who becomes it is decided under the register's lock.

use std::sync::Arc;

use super::Session;
use super::register::{Entry, Reserved, Sessions};
use super::request::{Home, SessionRequest};
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
        let home = self.home(owner).ok_or(ServiceError::NotFound)?;
        // A kernel that was started meanwhile was ready sooner.
        if home.id() != made.id() {
            self.end(owner, made.id()).await?;
        }
        Ok(home)
    }

    /// Whether what has reserved the id becomes its owner's home.
    pub(super) fn claims_home(&self, reserved: &Reserved, owner: &Owner, may: Home) -> bool {
        let mut sessions = self.locked();
        let free = !sessions.values().any(|entry| entry.is_home_of(owner));
        let claims = free && may == Home::IfNone;
        if claims {
            sessions.insert(reserved.id, Entry::StartingHome(owner.clone()));
        }
        claims
    }
}

impl Entry {
    fn is_home_of(&self, owner: &Owner) -> bool {
        match self {
            Entry::Starting => false,
            Entry::StartingHome(of) => of == owner,
            Entry::Here(session) => session.shared.home && session.is_there_for(owner),
        }
    }
}
