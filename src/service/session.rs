//! A session: a sandbox that a client holds by id, and runs several executions in.
//!
//! ```text
//! Sessions ── all of them: create, find, list, end; take over those of an earlier life
//! ├─ home        the one where an owner's paths begin, for Jupyter
//! ├─ turns       an owner's requests to make one, one at a time
//! └─ Session ── one: execute, interrupt, restart, files, connections
//!    ├─ shared      what its task and its users have in common
//!    │  ├─ activity    use is a value; idleness begins when the last one is dropped
//!    │  ├─ routes      whose request an answer belongs to
//!    │  ├─ processor   what its sandbox uses of the owner's processor time
//!    │  └─ cursors     how far each client has read, on disk
//!    └─ hub         its task: events of the kernel → state, listeners
//!       ├─ link        its sandbox while it is reached
//!       └─ listeners   who hears the kernel
//! ```
//!
//! Its id is also its Jupyter kernel's. It outlives the service: its record is on disk, its container is left in place, the
//! kernel's messages are in the agent's ring; the next life adopts all of it.
//!
//! **Invariant:** a session's sandbox is never given to anybody else, and never goes back to the pool.

mod activity;
mod connection;
mod cursors;
mod end;
mod execution;
mod home;
mod hub;
mod id;
mod link;
mod listeners;
mod meters;
mod owned;
mod processor;
mod record;
mod register;
pub mod request;
mod routes;
mod shared;
mod state;
mod turns;
mod view;

use std::fmt;
use std::sync::Arc;

use tokio::sync::{Mutex, Semaphore, mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

pub use activity::Use;
pub use connection::{Connection, KernelSender};
pub use id::{NotAnId, SessionId};
pub use listeners::Cut;
pub use record::Notebook;
pub(super) use register::{Remembered, Sessions, SessionsParts};
pub use state::State;
pub use turns::Turn;
pub use view::SessionView;

use self::hub::Order;
use self::listeners::Hearing;
use self::request::SessionChange;
use self::routes::Asker;
use self::shared::{FOUND_WITHIN, Shared};
use crate::config;
use crate::sandbox::{Sandbox, Usage};
use crate::service::ServiceError;
use crate::service::execution::record::Recorder;
use crate::service::files::FileStore;
use crate::service::quota::Quotas;

/// Orders that wait for a session's task.
const ORDERS: usize = 16;

/// Executions of a session that wait for their turn; beyond it, they are refused.
const WAITING: usize = 64;

/// One session, for whoever uses it.
pub struct Session {
    shared: Arc<Shared>,
    orders: mpsc::Sender<Order>,
    bounds: config::Execution,
    limits: config::Sessions,
    files: Arc<FileStore>,
    /// Runs executions and work on files to their end, whoever waits for them.
    tasks: TaskTracker,
    /// What it had used when the last execution ended.
    turn: Mutex<Usage>,
    waiting: Semaphore,
    recorder: Recorder,
    quotas: Quotas,
}

impl fmt::Debug for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Session")
            .field("id", &self.shared.id)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.shared.id
    }

    /// What its kernel is doing.
    #[must_use]
    pub fn state(&self) -> State {
        self.shared.state()
    }

    /// Uses it: it is not idle while the value lives.
    #[must_use]
    pub fn hold(&self) -> Use {
        self.shared.activity.hold()
    }

    /// Waits until it is over. Cancel-safe.
    pub async fn ended(&self) {
        let mut states = self.shared.states();
        // That nobody changes it any more is its end too.
        let _ = states.wait_for(|state| *state == State::Ended).await;
    }

    /// Its sandbox, for work on files. Waits a little while it is being looked for.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Unavailable`] while it is not found, [`ServiceError::NotFound`] once the session is over.
    pub async fn sandbox(&self) -> Result<Arc<dyn Sandbox>, ServiceError> {
        self.shared.sandbox().await
    }

    /// Has work on its files come to its end, whoever waits for it: dropping the future leaves nothing half done.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Internal`] when the work panicked.
    pub async fn finish<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, ServiceError> {
        let done = self.tasks.spawn(work.in_current_span()).await;
        done.map_err(|error| ServiceError::Internal(error.to_string()))
    }

    /// Interrupts the running code.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Conflict`] where no kernel runs, else as [`Session::sandbox`].
    pub async fn interrupt(&self) -> Result<(), ServiceError> {
        self.must_live().await?;
        let _use = self.hold();
        Ok(self.sandbox().await?.interrupt().await?)
    }

    /// Ends the kernel with everything that it started, and starts another. Files stay.
    ///
    /// # Errors
    ///
    /// [`ServiceError::StartTimeout`] when it does not start, else as [`Session::sandbox`].
    pub async fn restart(&self) -> Result<(), ServiceError> {
        let _use = self.hold();
        self.obeyed(|answer| Order::Restart { answer }).await
    }

    /// A Jupyter client saves something in it: if it is a home, its files outlive its kernel from now on.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`] when it is to end; [`ServiceError::NoRoom`] or [`ServiceError::Internal`] when it cannot be
    /// recorded.
    pub async fn keep_files(&self) -> Result<(), ServiceError> {
        if !self.shared.home || self.shared.keeps_files() {
            return Ok(());
        }
        self.shared.change(|record| record.keeps_files = true).await
    }

    /// Whether its kernel was shut down and no document has been given it since. Jupyter's clients do not see it meanwhile.
    #[must_use]
    pub fn is_shut_down(&self) -> bool {
        self.shared.is_shut_down()
    }

    /// Gives it another name, other notes, other times from now on.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Invalid`] beyond the operator's maximum; [`ServiceError::NoRoom`] or [`ServiceError::Internal`] when it
    /// cannot be recorded; [`ServiceError::NotFound`] once the session is over.
    pub async fn change(&self, change: SessionChange) -> Result<(), ServiceError> {
        change.lifetime.check(&self.limits)?;
        self.shared.activity.touch();
        let change = |record: &mut record::Record| change.apply(record);
        self.shared.change(change).await
    }

    /// Gives its kernel to a document, or the document other words. From then on Jupyter's clients see the kernel.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`] when it is to end; [`ServiceError::NoRoom`] or [`ServiceError::Internal`] when it cannot be
    /// recorded.
    pub async fn set_notebook(&self, notebook: Notebook) -> Result<(), ServiceError> {
        let change = |record: &mut record::Record| {
            record.notebook = Some(notebook);
            record.shut_down = false;
        };
        self.shared.change(change).await
    }

    /// Opens a client's connection to the kernel. A client that names itself is sent what it missed since its last one,
    /// which is cut off if it is still there.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotFound`] once the session is over.
    pub async fn connect(
        self: &Arc<Self>,
        client: Option<String>,
    ) -> Result<Connection, ServiceError> {
        Connection::open(self.clone(), client).await
    }

    /// What there is to say about it.
    #[must_use]
    pub fn view(&self) -> SessionView {
        SessionView::of(&self.shared)
    }

    /// Hears the kernel.
    async fn listen(&self, who: Asker) -> Result<Hearing, ServiceError> {
        let (answer, answered) = oneshot::channel();
        self.order(Order::Listen { who, answer }).await?;
        answered.await.map_err(|_| ServiceError::NotFound)
    }

    /// Shuts its kernel down, for Jupyter's clients; its files stay. Nothing has happened where it is not reached.
    async fn shut_down(&self) -> Result<(), ServiceError> {
        let _use = self.hold();
        self.sandbox().await?;
        self.obeyed(|answer| Order::ShutDown { answer }).await
    }

    /// Has its task do something, and waits until that is done.
    async fn obeyed(
        &self,
        order: impl FnOnce(oneshot::Sender<Result<(), ServiceError>>) -> Order,
    ) -> Result<(), ServiceError> {
        let (answer, answered) = oneshot::channel();
        self.order(order(answer)).await?;
        answered.await.map_err(|_| ServiceError::NotFound)?
    }

    async fn order(&self, order: Order) -> Result<(), ServiceError> {
        let ordered = self.orders.send(order).await;
        ordered.map_err(|_| ServiceError::NotFound)
    }

    /// Code needs a kernel. One that is being looked for is waited for a little.
    async fn must_live(&self) -> Result<(), ServiceError> {
        let mut states = self.shared.states();
        let reached = states.wait_for(|state| *state != State::Unreachable);
        // Found or not, the state says it.
        let _ = timeout(FOUND_WITHIN, reached).await;
        match self.state() {
            State::Idle | State::Busy | State::Restarting => Ok(()),
            State::Unreachable => Err(ServiceError::unreachable()),
            State::Dead => Err(ServiceError::Conflict(
                "Its kernel has ended; restart it.".to_owned(),
            )),
            State::Ended => Err(ServiceError::NotFound),
        }
    }
}
