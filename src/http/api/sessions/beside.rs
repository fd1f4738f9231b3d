//! The kernel beside a document: that of the session whose file it is.

use super::body::KernelChoice;
use crate::http::api::kernel_name::environment;
use crate::http::api::place::Place;
use crate::http::app::App;
use crate::http::problem::Problem;
use crate::service::owner::Owner;
use crate::service::session::Notebook;

impl KernelChoice {
    /// Instead of a new kernel the one beside the document, if it is of the environment that is asked for and has no other
    /// document.
    ///
    /// # Errors
    ///
    /// When a kernel is asked for that there is not.
    pub async fn or_beside(
        self,
        app: &App,
        owner: &Owner,
        document: &Notebook,
    ) -> Result<Self, Problem> {
        let Self::New { name } = &self else {
            return Ok(self);
        };
        // A document may be anywhere, and be none of ours.
        let place = Place::find(app, owner, &document.path).ok();
        let Some(session) = place.and_then(|place| place.session().cloned()) else {
            return Ok(self);
        };
        let view = session.view();
        let is_meant = match name {
            Some(name) => environment(app, owner, Some(name)).await?.name == view.environment,
            None => true,
        };
        match is_meant && view.notebook.is_none() {
            true => Ok(Self::Beside { id: session.id() }),
            false => Ok(self),
        }
    }
}
