//! A client's connection to a session's kernel: messages both ways, as long as it is held.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::Session;
use super::activity::Use;
use super::listeners::Cut;
use super::routes::Asker;
use crate::sandbox::{EventReceiver, KernelEvent, KernelMessage};
use crate::service::ServiceError;

/// Tells connections apart.
static COUNT: AtomicU64 = AtomicU64::new(0);

/// A connection. The session is not idle while it lives; dropping it closes it.
#[derive(Debug)]
pub struct Connection {
    session: Arc<Session>,
    client: Option<String>,
    asker: Asker,
    events: EventReceiver,
    cut: oneshot::Receiver<Cut>,
    over: CancellationToken,
    open: Open,
}

/// Is one of the connections that the session counts, until it is dropped.
#[derive(Debug)]
struct Open {
    session: Arc<Session>,
    _use: Use,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.session
            .shared
            .connections
            .fetch_sub(1, Ordering::Relaxed);
    }
}

/// Sends to the kernel. Its clones are the same client.
#[derive(Clone, Debug)]
pub struct KernelSender {
    session: Arc<Session>,
    asker: Asker,
    over: CancellationToken,
}

impl Connection {
    pub(super) async fn open(
        session: Arc<Session>,
        client: Option<String>,
    ) -> Result<Connection, ServiceError> {
        let asker = match &client {
            Some(client) => Asker::Client(client.clone()),
            None => Asker::Connection(COUNT.fetch_add(1, Ordering::Relaxed)),
        };
        session.shared.connections.fetch_add(1, Ordering::Relaxed);
        let open = Open {
            _use: session.hold(),
            session: session.clone(),
        };
        let hearing = session.listen(asker.clone()).await?;
        Ok(Connection {
            session,
            client,
            asker,
            events: hearing.events,
            cut: hearing.cut,
            over: hearing.over,
            open,
        })
    }

    /// What the kernel says next; or why there is nothing more. Cancel-safe.
    pub async fn next(&mut self) -> Result<KernelEvent, Cut> {
        match self.events.recv().await {
            Some(event) => Ok(event),
            None => Err((&mut self.cut).await.unwrap_or(Cut::Ended)),
        }
    }

    /// The client has got the message with this number: it will not be sent to it again.
    pub fn delivered(&self, number: u64) {
        let client = self.client.as_deref().unwrap_or_default();
        self.session.shared.cursors.reached(client, number);
    }

    /// For messages to the kernel.
    #[must_use]
    pub fn sender(&self) -> KernelSender {
        KernelSender {
            session: self.open.session.clone(),
            asker: self.asker.clone(),
            over: self.over.clone(),
        }
    }
}

impl KernelSender {
    /// Passes a message on to the kernel; answers come to this client. One that has ended hears nothing.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Unavailable`] while the sandbox is not found, [`ServiceError::NotFound`] once the session is over or the
    /// client is cut off: the kernel may be another one by now.
    pub async fn send(&self, message: KernelMessage) -> Result<(), ServiceError> {
        if self.over.is_cancelled() {
            return Err(ServiceError::NotFound);
        }
        self.session.shared.send(&self.asker, message).await
    }
}
