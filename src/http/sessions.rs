//! `/jupyter/sessions`: sandboxes that clients hold by id.
//!
//! ```text
//! own         whose session a path means: the caller's, or none
//! create      POST; request is what a session is asked to be
//! fields      what can be said of one, then and later
//! model       what there is to say about one
//! list, one   GET, PATCH, DELETE
//! kernel      interrupt, restart
//! execute     running code in one
//! files       those of its sandbox
//! ```

mod create;
mod execute;
mod fields;
mod files;
mod kernel;
mod list;
mod model;
mod one;
mod own;
mod request;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::App;
pub use files::read::{MAX_TAR, MAX_TAR_FILES};
use files::{delete, read, write};

/// The routes of sessions, each with its description.
pub fn described_routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list::list_sessions, create::create_session))
        .routes(routes!(
            one::show_session,
            one::change_session,
            one::end_session
        ))
        .routes(routes!(execute::execute_in_session))
        .routes(routes!(kernel::interrupt_session))
        .routes(routes!(kernel::restart_session))
        .routes(routes!(
            read::list_session_files,
            write::unpack_session_files
        ))
        .routes(routes!(
            read::read_session_file,
            write::write_session_file,
            delete::delete_session_file
        ))
}
